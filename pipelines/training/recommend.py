"""Which mode, base model and settings suit a machine, a dataset and what came of the last night: few rules, each with
the figures that it was decided by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.config.modes import Mode
from pipelines.config.schema import Params, Training
from pipelines.errors import NocturneError
from pipelines.lm.base_model import locate_model
from pipelines.project import Project
from pipelines.records import Record, read_json, read_jsonl
from pipelines.training.hardware import GB, Machine
from pipelines.training.model_size import ModelSize, measure_model, model_size_of
from pipelines.training.preflight import Load, Plan, estimate_memory, estimate_seconds, make_plan
from pipelines.wording import format_count

BUNDLED = "data/models/nano-coder"
NIGHT = 4 * 3600  # seconds that a training may take: half a night, so that the rest has room
PAIRS = 100  # from which preference tuning is worth a second step
# Qwen2.5-Coder's own configurations, largest first: hidden, intermediate, layers, heads, key-value heads, vocabulary,
# tied.
BASES: dict[str, tuple[int, int, int, int, int, int, bool]] = {
    "Qwen/Qwen2.5-Coder-7B-Instruct": (3584, 18944, 28, 28, 4, 152064, False),
    "Qwen/Qwen2.5-Coder-1.5B-Instruct": (1536, 8960, 28, 12, 2, 151936, True),
    "Qwen/Qwen2.5-Coder-0.5B-Instruct": (896, 4864, 24, 14, 2, 151936, True),
}
# From 1B parameters 0.0002 (Dettmers et al. 2023, table 9); nano-coder's was found by trying; between them by eye.
RATES = ((1e9, 0.0002), (1e8, 0.0005), (0, 0.002))


@dataclass(frozen=True)
class Seen:
    """What a project's nights have left: the dataset's size, and what the last training gained.

    Attributes:
        gain: of the last measured adapter over its base model, with its interval; None when none was measured.
        trained: the base model and mode that it was measured with.
    """

    examples: int
    tokens: int
    longest: int
    pairs: int
    gain: Record | None = None
    trained: tuple[str, str] | None = None


@dataclass(frozen=True)
class Advice:
    """One setting: what it is, what it should be, and why."""

    setting: str
    now: Any
    value: Any
    why: str


def read_evidence(project: Project) -> Seen | None:
    """Read what the last night left; None before the first one."""
    if not project.path("dataset", "train.jsonl").is_file():
        return None
    lengths = [int(row["tokens"]) for row in read_jsonl(project.path("dataset", "train.jsonl"))]
    pairs = sum(1 for _ in read_jsonl(project.path("dataset", "preferences.jsonl")))
    gain, trained = None, None
    figures, training = project.path("evaluation", "evaluation.json"), project.path("training", "training.json")
    if figures.is_file() and training.is_file():
        gain = read_json(figures)["gains"].get("adapter_vs_base")
        said = read_json(training)
        trained = said["base_model"], said.get("mode", "qlora")
    return Seen(len(lengths), sum(lengths), max(lengths, default=0), pairs, gain, trained)


def recommend(params: Params, workspace: Path, machine: Machine, found: Seen | None) -> list[Advice]:
    """Every setting that a rule speaks of, also where it is right already.

    Raises:
        NocturneError: not even the bundled base model fits.
    """
    now = params.training
    idle = _idle(now, found, params.validation.min_examples)
    if idle:
        return [Advice("training.mode", now.mode, "none", idle)]
    base, shape, why = _base(now, workspace, machine, found)
    mode, reason = _mode(now, base, shape, machine, found)
    wanted = now.model_copy(update={"base_model": base, "mode": mode})
    rows = [Advice("training.base_model", now.base_model, base, why), Advice("training.mode", now.mode, mode, reason)]
    rate = _rate(shape.parameters) / (10 if mode == "full" else 1)
    size = f"{shape.parameters / 1e6:,.0f}M parameters"
    rows.append(Advice("training.learning_rate", now.learning_rate, rate, f"for {size}, {mode}"))
    pairs = found.pairs if found else 0
    least = PAIRS if pairs >= PAIRS else 0
    rows.append(
        Advice(
            "training.min_preferences",
            now.min_preferences,
            least,
            f"{format_count(pairs, 'pair')}; {PAIRS} are worth it",
        )
    )
    rows.append(_batch(wanted, _trained(shape, mode), machine, found))
    return rows


def _base(now: Training, workspace: Path, machine: Machine, found: Seen | None) -> tuple[str, ModelSize, str]:
    """The largest base model whose adapter is trained in half a night; the one that is set counts as one of them."""
    choices = {now.base_model: None, **dict.fromkeys(BASES), BUNDLED: None}
    shapes = [(base, shape) for base in choices if (shape := _shape(now, base, workspace)) is not None]
    shapes.sort(key=lambda choice: -choice[1].parameters)
    passed = []
    for base, shape in shapes:
        tried = now.model_copy(update={"mode": "qlora", "base_model": base})
        load = _load(tried, found)
        try:
            plan = make_plan(shape, tried, machine, load)
        except NocturneError:
            passed.append(f"{base} does not fit")
            continue
        hours = estimate_seconds(shape, tried, machine, load, plan) / 3600
        if hours * 3600 <= NIGHT:
            needed = estimate_memory(shape, tried, machine, load, plan) / GB
            said = f"the largest that fits: {needed:.1f} GB, {hours:.1f} h"
            return base, shape, "; ".join([said, *passed])
        passed.append(f"{base} would take {hours:.0f} h")
    raise NocturneError(
        f"No base model fits {machine.name}: {machine.free / GB:.1f} GB are free; {'; '.join(passed)}.",
        "Close other programs, or set training.mode to none: the index alone needs no training.",
    )


def _shape(now: Training, base: str, workspace: Path) -> ModelSize | None:
    tried = now.model_copy(update={"mode": "qlora", "base_model": base, "targets": "all-linear"})
    known = BASES.get(base)
    if known is None or Path(locate_model(base, workspace)).is_dir():
        try:
            return model_size_of(tried, workspace)
        except NocturneError:
            return None
    from transformers import Qwen2Config

    hidden, intermediate, layers, heads, shared, words, tied = known
    config = Qwen2Config(
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=shared,
        vocab_size=words,
        tie_word_embeddings=tied,
    )
    return measure_model(config, tried)


def _idle(now: Training, found: Seen | None, least: int) -> str | None:
    """Why nothing should be trained, or None."""
    if found is None:
        return None
    if found.examples < least:
        return (
            f"{format_count(found.examples, 'example')}, fewer than validation.min_examples ({least}): the index alone"
        )
    gain = _gain(now.base_model, found)
    if gain and gain["high"] <= 0:
        return f"the last training of this base model lost {-gain['value']:.1%} (at best {gain['high']:+.1%})"
    return None


def _gain(base: str, found: Seen | None) -> Record | None:
    """What the last training of this base model gained, where it was measured."""
    gain = found.gain if found and found.trained and found.trained[0] == base else None
    return gain if gain and gain["value"] is not None and gain["high"] is not None else None


def _mode(now: Training, base: str, shape: ModelSize, machine: Machine, found: Seen | None) -> tuple[Mode, str]:
    gain = _gain(base, found)
    last = f"; the last one gained {gain['value']:+.1%}" if gain else ""
    tokens = found.tokens if found else 0
    load = _load(now, found)
    whole, dense, packed = (_plan(now, mode, base, shape, machine, load) for mode in ("full", "lora", "qlora"))
    if tokens >= shape.parameters and whole and not whole.checkpointing:
        return "full", f"{tokens / 1e6:,.1f}M tokens are at least as many as parameters, and it fits{last}"
    if machine.gpu and dense == packed:
        return "lora", f"four bits cost time and precision, and would not let more go through at once{last}"
    rest = (
        "four bits let more go through at once" if machine.gpu else "a CPU unpacks four bits; they save memory by day"
    )
    return "qlora", rest + last


def _plan(now: Training, mode: Mode, base: str, shape: ModelSize, machine: Machine, load: Load) -> Plan | None:
    """How a mode would be run, or None where it does not fit."""
    try:
        tried = now.model_copy(update={"mode": mode, "base_model": base})
        return make_plan(_trained(shape, mode), tried, machine, load)
    except NocturneError:
        return None


def _trained(shape: ModelSize, mode: Mode) -> ModelSize:
    return replace(shape, trainable=shape.parameters) if mode == "full" else shape


def _batch(wanted: Training, shape: ModelSize, machine: Machine, found: Seen | None) -> Advice:
    """How the batch will be run; nothing to set, for the preflight chooses it."""
    load = _load(wanted, found)
    plan: Plan = make_plan(shape, wanted, machine, load)
    needed = estimate_memory(shape, wanted, machine, load, plan) / GB
    minutes = estimate_seconds(shape, wanted, machine, load, plan) / 60
    run = f"{plan.micro_batch} x {plan.accumulation} in {plan.precision}"
    run += f" in each of {plan.processes} processes" if plan.processes > 1 else ""
    why = f"about {needed:.1f} of {machine.free / GB:.1f} GB and {format_count(round(minutes), 'minute')}"
    why += f" for {format_count(load.steps, 'step')}"
    return Advice("training.batch_size", wanted.batch_size, wanted.batch_size, f"run as {run}: {why}")


def _load(params: Training, found: Seen | None) -> Load:
    """The dataset's load; before the first night, that of a full one with the longest examples."""
    if found is None or not found.examples:
        return Load(768, 256, 384.0 * params.batch_size, params.max_steps)
    steps = min(params.max_steps, round(found.examples / params.batch_size * params.epochs) or 1)
    return Load(found.longest, found.longest // 2, found.tokens / found.examples * params.batch_size, steps)


def _rate(parameters: int) -> float:
    return next(rate for least, rate in RATES if parameters >= least)


def format_advice(rows: Sequence[Advice]) -> list[str]:
    """A line a setting, those to change marked."""
    return [
        f"{'→' if row.now != row.value else '✓'} {row.setting:<26} "
        f"{row.value if row.now == row.value else f'{row.now} → {row.value}'}  ({row.why})"
        for row in rows
    ]
