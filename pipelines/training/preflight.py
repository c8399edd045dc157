"""What a training will take, before anything is loaded: memory and time from the model's shape and the examples'
lengths, and the batch that fits. Figures are estimates; `benchmarks/training/speed.py` says how far they are off."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.config.schema import Training
from pipelines.errors import NocturneError
from pipelines.lm.base_model import DENSE_SHARE
from pipelines.records import Record
from pipelines.records.training import Plan as PlanRecord
from pipelines.training.hardware import GB, Machine
from pipelines.training.model_size import ModelSize

FOUR_BITS = 0.53  # bytes a weight in nf4 with double quantisation: 4 bits, and a scale for 64 weights in 8
ADAM = 16  # bytes a trained weight in float32: itself, its gradient, and AdamW's two moments
KEPT_HIDDEN, KEPT_INTERMEDIATE = 9, 4  # of these widths a decoder layer keeps so many values a token for its gradient
BUCKETS = 4  # bytes a trained weight where several processes train: a second copy of its gradient, which they sum
LOGITS = 12  # bytes a labelled token and word of the vocabulary: logits, their softmax and its gradient in float32
PASSES = {"full": 6, "lora": 4, "qlora": 4}  # floating-point operations a weight and token, forward and backward
MARGIN = 0.9  # of the free memory is planned with


@dataclass(frozen=True)
class Plan:
    """How one training is run on one machine; what it computes does not depend on it, but for rounding.

    Attributes:
        micro_batch: examples that go through a process at once.
        accumulation: how many of these make a process's part of one update.
        precision: `bf16` or `fp32`.
        checkpointing: whether activations are computed again instead of kept.
        processes: how many share an update equally, and sum their gradients.
    """

    micro_batch: int
    accumulation: int
    precision: str
    checkpointing: bool
    processes: int = 1

    def with_half_micro_batch(self) -> "Plan | None":
        """The next smaller micro-batch that makes the same updates, or None when there is none."""
        whole = self.micro_batch * self.accumulation
        smaller = [size for size in _sizes(whole) if size < self.micro_batch]
        return replace(self, micro_batch=smaller[0], accumulation=whole // smaller[0]) if smaller else None

    def facts(self) -> PlanRecord:
        """Plain values, for JSON."""
        return {
            "micro_batch": self.micro_batch,
            "accumulation": self.accumulation,
            "checkpointing": self.checkpointing,
            "precision": self.precision,
            "processes": self.processes,
        }


@dataclass(frozen=True)
class Load:
    """What the dataset asks of a training: lengths in tokens, the labelled ones among them, and how many updates."""

    longest: int
    labelled: int
    tokens_per_step: float
    steps: int


def load_of(rows: Sequence[Record], batch_size: int, steps: int, ignored: int) -> Load:
    """The load that tokenised rows make. Batches are of like length, so the longest rows meet in one batch."""
    lengths = sorted((row["length"] for row in rows), reverse=True)
    labelled = max(sum(label != ignored for label in row["labels"]) for row in rows)
    return Load(lengths[0], labelled, mean_tokens(rows) * batch_size, steps)


def mean_tokens(rows: Sequence[Record]) -> float:
    """How long a tokenised example is."""
    return sum(row["length"] for row in rows) / len(rows)


def estimate_memory(shape: ModelSize, params: Training, machine: Machine, load: Load, plan: Plan) -> int:
    """Bytes of each process at the peak of a training."""
    wide = 2 if plan.precision == "bf16" else 4
    activations = load.longest * plan.micro_batch * _kept(shape, params, plan) * wide
    logits = load.labelled * plan.micro_batch * shape.vocabulary * LOGITS
    return int(_fixed(shape, params, machine, plan) + activations + logits)


def _fixed(shape: ModelSize, params: Training, machine: Machine, plan: Plan) -> float:
    """Bytes that do not depend on the batch: the process, the model and its optimizer."""
    trained = ADAM + (BUCKETS if plan.processes > 1 else 0)
    return machine.process + weight_bytes(shape, params, machine, plan) + trained * shape.trainable


def weight_bytes(shape: ModelSize, params: Training, machine: Machine, plan: Plan) -> float:
    """Bytes of the weights that are not trained; those that are count with the optimizer."""
    if params.mode == "full":
        return 2 * shape.parameters if plan.precision == "bf16" else 0
    wide = 2 if plan.precision == "bf16" else 4
    if params.mode == "lora" or is_unpacked(shape, machine):
        return wide * shape.parameters
    rest = shape.parameters - shape.linear
    return FOUR_BITS * shape.linear + wide * (rest + 2 * shape.largest)


def is_unpacked(shape: ModelSize, machine: Machine) -> bool:
    """Whether four-bit weights are written out for a CPU (`pipelines.lm.base_model.unpacked`)."""
    return not machine.gpu and 4 * shape.parameters <= DENSE_SHARE * machine.total


def _kept(shape: ModelSize, params: Training, plan: Plan) -> float:
    """Values a token that wait for the backward pass. With dropout each adapter keeps its own copy of its input."""
    layer = KEPT_HIDDEN * shape.hidden + KEPT_INTERMEDIATE * shape.intermediate
    if params.dropout and params.mode != "full":
        layer += 6 * shape.hidden + shape.intermediate
    if plan.checkpointing:
        return shape.layers * shape.hidden + layer
    return shape.layers * layer


def estimate_seconds(shape: ModelSize, params: Training, machine: Machine, load: Load, plan: Plan) -> float:
    """How long all steps will take at the rate of the machine's processes."""
    return _operations(shape, params, plan) * load.tokens_per_step * load.steps / (machine.rate * plan.processes)


def rate_reached(shape: ModelSize, params: Training, plan: Plan, tokens_per_second: float) -> float:
    """The operations a second of each process, of so many tokens a second, counted as `estimate_seconds` does."""
    return _operations(shape, params, plan) * tokens_per_second / plan.processes


def _operations(shape: ModelSize, params: Training, plan: Plan) -> float:
    """Floating-point operations a token."""
    return PASSES[params.mode] * (4 / 3 if plan.checkpointing else 1) * shape.parameters


def make_plan(shape: ModelSize, params: Training, machine: Machine, load: Load) -> Plan:
    """The fastest plan that fits: activations that are kept before those computed again, whole batches before parts.

    Raises:
        NocturneError: the processes cannot share a batch equally, or not even one example at a time fits; the figures
            are named.
    """
    count, precision = machine.processes, "bf16" if machine.bf16 else "fp32"
    if params.batch_size % count:
        raise NocturneError(
            f"training.batch_size is {params.batch_size}, which {count} processes cannot share equally.",
            f"Set training.batch_size to a multiple of {count}, or training.processes to auto.",
        )
    whole = params.batch_size // count
    plans = [Plan(size, whole // size, precision, again, count) for again in (False, True) for size in _sizes(whole)]
    room = MARGIN * machine.free
    for plan in plans:
        if estimate_memory(shape, params, machine, load, plan) <= room:
            return plan
    raise _too_large(shape, params, machine, load, plans[-1])


def _sizes(batch: int) -> list[int]:
    """The parts that a batch can be cut into equally, largest first."""
    return [size for size in range(batch, 0, -1) if batch % size == 0]


def _too_large(shape: ModelSize, params: Training, machine: Machine, load: Load, plan: Plan) -> NocturneError:
    needed = estimate_memory(shape, params, machine, load, plan)
    fixed = _fixed(shape, params, machine, plan)
    each = f" for each of {machine.processes} processes" if machine.processes > 1 else ""
    fewer = "fewer training.processes" if machine.processes > 1 and not machine.gpu else None
    smaller = {"full": "training.mode lora or qlora", "lora": "training.mode qlora"}.get(params.mode)
    steps = [fewer, smaller, "a smaller training.base_model", "a lower dataset.max_example_tokens"]
    return NocturneError(
        f"{params.mode} of {params.base_model} ({shape.parameters / 1e6:,.0f}M parameters) needs about "
        f"{needed / GB:.1f} GB with one example of {load.longest:,} tokens at a time ({fixed / GB:.1f} GB of it for "
        f"the model and its optimizer); {machine.free / GB:.1f} of {machine.total / GB:.1f} GB are free on "
        f"{machine.name}{each}.",
        f"Choose {', '.join(step for step in steps if step)}, or close other programs; `nocturne recommend` says "
        "what fits.",
    )


def check_disk(folder: Path, shape: ModelSize, params: Training) -> None:
    """Two whole checkpoints, the one that is being written, and the result must fit.

    Raises:
        NocturneError: they do not; the figures are named.
    """
    wanted = 3 * checkpoint_bytes(shape) + 4 * shape.trainable
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise NocturneError(
            f"{params.mode} of {params.base_model} writes about {wanted / GB:.1f} GB of checkpoints; "
            f"{free / GB:.1f} GB are free in {folder}.",
            "Free some space and run `nocturne nightly` again.",
        )


def checkpoint_bytes(shape: ModelSize) -> int:
    """Of one checkpoint: the trained weights and AdamW's two moments, in float32."""
    return 12 * shape.trainable


def check_template(tokenizer: Any, base_model: str) -> None:
    """Hold the chat template against the tokenizer: the marks that it writes must be single tokens.

    Raises:
        NocturneError: there is no template, it loses the request, or its marks are no tokens of this tokenizer.
    """
    from jinja2 import TemplateError

    from pipelines.lm.prompts import apply_chat_template

    step = "Use a base model whose tokenizer has its own chat template, or mend chat_template in tokenizer_config.json."
    probe = "Nocturne's probe."
    if not tokenizer.chat_template:
        raise NocturneError(f"The tokenizer of {base_model} has no chat template.", step)
    try:
        text = apply_chat_template(tokenizer, probe)
    except (TemplateError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise NocturneError(f"The chat template of {base_model} cannot be used: {reason}", step) from error
    if probe not in text:
        raise NocturneError(f"The chat template of {base_model} leaves the request out: {json.dumps(text)}.", step)
    for mark in _marks(text):
        if len(tokenizer.encode(mark, add_special_tokens=False)) != 1:
            raise NocturneError(
                f"The chat template of {base_model} writes {mark}, which is no token of its tokenizer.", step
            )


def _marks(text: str) -> list[str]:
    """What looks like a special token: <|im_start|> and its like."""
    import re

    return sorted(set(re.findall(r"<[|｜][^<>|｜\s]+[|｜]>", text)))
