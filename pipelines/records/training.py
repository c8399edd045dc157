"""What the training stage writes beside the adapter's own files."""

from typing import Annotated, NotRequired, TypedDict


class Learned(TypedDict):
    """What a folder of weights holds. A folder without it is from an earlier release: an adapter on four bits."""

    kind: Annotated[str, "`adapter` (PEFT's two files), `model` (a whole model in its base's precision) or `nothing`"]
    quantised: Annotated[bool, "the base model belongs in four bits under it"]


class Plan(TypedDict):
    """How the training was laid out to fit the machine."""

    micro_batch: Annotated[int, "examples that a process takes through the model at once"]
    accumulation: Annotated[int, "micro-batches that make one update"]
    checkpointing: Annotated[bool, "activations are computed again instead of kept"]
    precision: Annotated[str, "the type of the numbers: `fp32` or `bf16`"]
    processes: Annotated[int, "processes that share each update"]


class WarmStart(TypedDict):
    """What the training began with."""

    release: Annotated[int | None, "the release whose adapter it was; null for none"]
    reason: NotRequired[Annotated[str, "why it began with none"]]


class TrainedOn(TypedDict):
    """What a training began with, whatever came of it."""

    mode: Annotated[str, "`training.mode`"]
    base_model: Annotated[str, "`training.base_model`"]
    base_identity: Annotated[str, "`identity` of `snapshot/base.json`"]
    chat_template_sha256: Annotated[str, "SHA-256 of the tokenizer's chat template"]
    dataset_sha256: Annotated[str, "SHA-256 of `train.jsonl`"]


class TrainingResult(TypedDict):
    """What came of a training. Where nothing was trained the optional fields are absent."""

    identity: Annotated[str, "16 hexadecimal digits that change with everything the training depends on"]
    examples: Annotated[int, "examples that were trained on"]
    paths: Annotated[list[str], "files that it learned, those of a warm start included"]
    steps: Annotated[int, "updates that were made"]
    log: Annotated[
        list[dict[str, float]],
        "what transformers tells at a step: `step`, `epoch`, `loss` and `eval_loss` (nats a labelled token), "
        "`grad_norm`, `learning_rate`",
    ]
    planned_steps: NotRequired[Annotated[int, "updates that were planned; early stopping makes fewer"]]
    preferences: NotRequired[Annotated[int, "pairs that were trained on afterwards"]]
    preference_log: NotRequired[
        Annotated[
            list[dict[str, float]], "the same of preference tuning, with `rewards/accuracies` and `rewards/margins`"
        ]
    ]
    plan: NotRequired[Annotated[Plan, "how it was laid out to fit the machine"]]
    warm_start: NotRequired[Annotated[WarmStart, "what it began with"]]


class Training(TrainedOn, TrainingResult):
    """How the adapter was made. It goes with the release."""
