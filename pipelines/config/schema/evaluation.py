"""The settings of what is measured each night, and of the gates that judge it."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from pipelines.config.schema.section import Confidence, Count, CountOrZero, Section, Text

Arm = Literal["base", "base+rag", "adapter", "adapter+rag", "index"]
RetrievalMetric = Literal["recall@1", "recall@5", "recall@10", "mrr", "ndcg@10"]
Metric = Literal[
    "bits_per_byte",
    "exact_match",
    "edit_similarity",
    "chrf",
    "syntax_validity",
    "consistency",
    "pattern_adherence",
    "memorisation",
    "forgetting",
    "recall@1",
    "recall@5",
    "recall@10",
    "mrr",
    "ndcg@10",
]


class Evaluation(Section):
    """How the four arms are compared: base model and adapter, each without and with retrieved passages."""

    max_examples: Count = Field(
        description="Held-out examples that all four arms are scored on, at most. "
        "More of them narrow the intervals and take longer."
    )
    generate_examples: CountOrZero = Field(
        description="How many of these are also answered by generated text. It is the slow part; 0 = none."
    )
    max_new_tokens: Count = Field(description="Longest generated text, in tokens.")
    context_passages: Count = Field(description="Retrieved passages in the prompts of the arms with retrieval.")
    context_chars: Count = Field(description="Longest of these passages, in characters.")
    retrieval_questions: CountOrZero = Field(
        description="Functions that the index must find by their documentation; 0 = none. "
        "The documentation is taken out of the index first."
    )
    memorisation_examples: CountOrZero = Field(
        description="Verbatim-memorisation probes: rare strings of one training file each; 0 = off."
    )
    bootstrap: Annotated[int, Field(ge=100)] = Field(
        description="Bootstrap resamples for each interval, 100 or more. They resample files, not examples."
    )
    confidence: Confidence = Field(
        description="Confidence of the intervals in reports, above 0.5 and below 1. A gate has its own."
    )
    seed: int = Field(description="Seed of samples and resamples. Change it to see how much depends on luck.")


class Gate(Section):
    """One rule that a candidate must pass; a tie never passes."""

    name: Text = Field(description="How reports and errors call the gate; each name once.")
    metric: Metric = Field(
        description="What is measured. `bits_per_byte` tells how well held-out text is predicted. "
        "`consistency` is for arms without passages. "
        "`pattern_adherence` is the share of the cases in evaluation/suites that pass. "
        "`forgetting` is the share of bits that the adapter needs more than the base on code in general. "
        "`memorisation` is the share of probes that the adapter writes word for word."
    )
    arm: Arm = Field(
        description="Whose figure it is: a model without or with retrieval (`+rag`), or `index`. "
        "`index` goes with recall@1, recall@5, recall@10, mrr and ndcg@10, the others with the models."
    )
    against: float | Literal["base", "champion"] = Field(
        description="What it is compared with. Against `base` or a number: it must be better by the margin, with the "
        "whole interval better. Against `champion`: the whole interval may be worse by less than the margin. "
        "An index is refused only when it is shown to be worse than the champion's by more than the margin."
    )
    margin: Annotated[float, Field(ge=0)] = Field(
        description="Smallest gain, or largest loss against `champion`, 0 or more. "
        "0.03 is 3% of the bits, or 3 points of a share. For a real base model, use 0.15 against `base`."
    )
    confidence: Confidence = Field(
        description="Confidence of the interval, above 0.5 and below 1. "
        "0.95 needs five held-out files or more, 0.9 four, 0.75 two."
    )
    severity: Literal["block", "warn"] = Field(
        description="`block` refuses the candidate; `warn` only reports. One gate against `base` must block."
    )

    @field_validator("against", mode="before")
    @classmethod
    def _is_a_number_or_a_model(cls, value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number and value not in ("base", "champion"):
            raise ValueError("must be a number, base or champion")
        return value

    @model_validator(mode="after")
    def _arms_differ(self) -> "Gate":
        if (self.arm == "index") != (self.metric in get_args(RetrievalMetric)):
            names = ", ".join(get_args(RetrievalMetric))
            raise ValueError(
                f"metric {self.metric} cannot be measured of arm {self.arm}; arm index takes {names}, the other arms "
                "take the other metrics"
            )
        if self.arm == "index" and self.against == "base":
            raise ValueError("arm index has no base; set against to champion (the live index) or to a number")
        if self.arm != "index" and isinstance(self.against, str) and not self.arm.startswith("adapter"):
            raise ValueError(
                f"arm {self.arm} has no adapter to compare with {self.against}; set arm to adapter or adapter+rag"
            )
        if self.metric == "forgetting" and (self.arm != "adapter" or self.against == "base"):
            raise ValueError(
                "forgetting compares the adapter with its base already; set arm to adapter, and against to a number or "
                "champion"
            )
        if self.metric == "memorisation" and (self.arm != "adapter" or isinstance(self.against, str)):
            raise ValueError(
                "memorisation is measured on the adapter's own training files; set arm to adapter, and against to a "
                "number"
            )
        return self
