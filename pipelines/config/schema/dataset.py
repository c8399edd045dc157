"""The settings of what the model is taught: the recipes, the split, and what the dataset must be."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.config.schema.section import Count, CountOrZero, Section, Share

COMMIT = r"[0-9a-f]{7,64}"


class Recipes(Section):
    """The share of each recipe's examples that is kept, 0 to 1; 0 = off.

    All examples are kept where the shares would leave fewer than `validation.min_examples` or `validation.min_holdout`.
    """

    explain: Share = Field(description="The code of a symbol to its documentation.")
    implement: Share = Field(description="Documentation and signature to the body.")
    fim: Share = Field(
        description="Fill in the middle: the text around a syntax node to the node. "
        "The base model must have fill-in-the-middle tokens."
    )
    fim_block: Share = Field(
        description="Fill in a whole block: a body, a loop or an argument list of 50 to 1,000 bytes. "
        "The base model must have fill-in-the-middle tokens."
    )
    context: Share = Field(description="Imports, called signatures and the function's own signature to its body.")
    tests: Share = Field(description="A function and the name of a test to the test.")
    retrieval: Share = Field(
        description="As `implement` and `fim`, with retrieved passages before the prompt, distractors included."
    )
    questions: Share = Field(
        description="A heading, or a symbol's name and path, to the text or documentation below it."
    )
    commit_edits: Share = Field(description="A function and a commit's message to the function after the commit.")
    preference_pairs: Share = Field(
        description="A version that lasted beside one that was reverted or soon fixed. "
        "The pairs go to preferences.jsonl; `training.min_preferences` says when they are used."
    )

    def on(self) -> list[str]:
        """The names of the recipes of examples that are switched on; `preference_pairs` makes pairs."""
        return [name for name, share in self.model_dump().items() if share and name != "preference_pairs"]

    @model_validator(mode="after")
    def _one_is_on(self) -> "Recipes":
        if not self.on():
            raise ValueError("every recipe of examples is 0; give at least one a share above 0, such as explain: 1.0")
        return self


class Dataset(Section):
    """How symbols and commits become examples."""

    recipes: Recipes
    split: Literal["file", "list", "time"] = Field(
        description="What is held out: `file` by the hash of the path, `list` by name, `time` by commit date. "
        "`list` needs `dataset.holdout_files`, `time` needs `dataset.split_after`."
    )
    holdout: Annotated[float, Field(gt=0, lt=1)] = Field(
        description="With split file: share of the examples that is held out, by whole files. "
        "Copies of a held-out file are held out too."
    )
    holdout_files: list[str] = Field(description="With split list: the files held out, as .gitignore patterns.")
    split_after: str = Field(
        description="With split time: an ISO date or a commit. "
        "Nothing committed after it is trained on; what was committed after it is held out."
    )
    near_duplicate: Share = Field(
        description="Two examples or files this similar count as one; 0 = off. "
        "It is the Jaccard similarity of runs of five tokens, 0 to 1."
    )
    min_quality: Share = Field(
        description="Examples with a lower quality score are quarantined, 0 to 1; 0 = off. "
        "The score is explained in pipelines/dataset/quality.py, and shown in the dataset card."
    )
    min_doc_chars: Annotated[int, Field(ge=1)] = Field(
        description="Shorter documentation makes no example, in characters."
    )
    max_example_tokens: Annotated[int, Field(ge=64)] = Field(
        description="Longest example, prompt and completion together, in tokens. "
        "Longer ones are quarantined. More tokens need more memory in training."
    )
    fim_per_kb: Annotated[float, Field(ge=0)] = Field(description="Examples of `fim` for each 1,024 bytes of source.")
    fim_window_chars: Annotated[int, Field(ge=100)] = Field(
        description="Prefix and suffix that a `fim` or `fim_block` prompt shows, in characters. "
        "`nocturne complete` uses the same window."
    )
    fim_block_per_kb: Annotated[float, Field(ge=0)] = Field(
        description="Examples of `fim_block` for each 1,024 bytes of source."
    )
    context_tokens: Count = Field(
        description="Imports and signatures that a `context` prompt shows, in tokens at most."
    )
    retrieval_examples: CountOrZero = Field(description="Examples of `retrieval` at most, over all files.")
    seed: int = Field(
        description="Seed of every random draw of the dataset. Change it to see how much depends on luck."
    )

    @field_validator("split_after", mode="before")
    @classmethod
    def _is_a_moment(cls, value: Any) -> Any:
        """YAML reads an unquoted date as one."""
        text = value.isoformat() if isinstance(value, date) else value
        if isinstance(text, str) and text and not re.fullmatch(COMMIT, text):
            try:
                datetime.fromisoformat(text if "-" in text else "")
            except ValueError:
                raise ValueError(
                    "must be an ISO date such as 2026-11-01 or 2026-11-01T18:00:00+01:00, or a commit's hash of 7 or "
                    "more digits"
                ) from None
        return text

    @model_validator(mode="after")
    def _split_has_what_it_needs(self) -> "Dataset":
        if self.split == "list" and not self.holdout_files:
            raise ValueError(
                "dataset.split is list, and dataset.holdout_files is empty; name the files to hold out there"
            )
        if self.split == "time" and not self.split_after:
            raise ValueError(
                "dataset.split is time, and dataset.split_after is empty; write an ISO date or a commit there"
            )
        return self


class Validation(Section):
    """What a dataset must be before a model is trained on it."""

    min_examples: Count = Field(description="The night fails with fewer training examples.")
    min_holdout: Count = Field(description="The night fails with fewer held-out examples.")
    max_duplicate_share: Share = Field(
        description="The night fails if a larger share of examples repeats an earlier one, 0 to 1."
    )
    max_contamination: Share = Field(
        description="The night fails if a larger share of held-out completions stands in training text, 0 to 1. "
        "Measured: 0.01 to 0.15 with a split by files, 0.79 or more with a split by rows."
    )
    max_task_share: Share = Field(
        description="Warns if one recipe makes a larger share of the examples, 0 to 1. "
        "Lower the share of that recipe then."
    )
    max_quarantined_share: Share = Field(description="Warns if a larger share of the examples is quarantined, 0 to 1.")
    max_drift: Share = Field(
        description="Warns if the dataset is further from the live one, a distance of 0 to 1. "
        "Measured for languages, recipes, lengths, quality, and what is left out."
    )
    max_drift_fail: Share = Field(
        description="The night fails if the dataset is further from the live one, 0 to 1. "
        "Raise it for one night after a large change of the repository."
    )

    @model_validator(mode="after")
    def _a_warning_comes_first(self) -> "Validation":
        if self.max_drift > self.max_drift_fail:
            raise ValueError(
                f"validation.max_drift ({self.max_drift:g}) must be at most validation.max_drift_fail "
                f"({self.max_drift_fail:g}): the warning comes before the failure"
            )
        return self
