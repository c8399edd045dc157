"""The figures of a night as DVC's own views read them: `dvc metrics show` and `diff`, `plots show`, `exp show`."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.records import Record
from pipelines.records.evaluation import ArmFigures, Evaluation, Figure

METRICS, LOSS, GAINS = "metrics.json", "plots/loss.json", "plots/gains.json"
DIGITS = 5
GAIN = "adapter_vs_base"
RETRIEVAL = ("recall@10", "ndcg@10", "mrr")


def write_metrics(evaluation: Evaluation) -> dict[str, Any]:
    """The few figures that tell nights apart, without their intervals; what was not measured is not there.

    Args:
        evaluation: the content of `evaluation.json`, which has all the others. Units are as there: bits per byte, of
            each arm, and shares from 0 to 1: the gain of the adapter over its base, and what the index finds;
            forgetting, memorisation and pattern adherence are those of the arm that answers.
    """
    arms = evaluation["arms"]
    arm = "adapter" if "adapter" in arms else "base"
    extracted = evaluation.get("memorisation", {}).get("extracted")
    figures: dict[str, Figure | None] = {
        "gain": evaluation["gains"].get(GAIN),
        **{name: evaluation.get("retrieval", {}).get("metrics", {}).get(name) for name in RETRIEVAL},
        "forgetting": evaluation.get("forgetting", {}).get("forgetting"),
        "memorisation": (extracted["adapter"] if arm == "adapter" else extracted["base"]) if extracted else None,
        "pattern_adherence": evaluation.get("suites", {}).get("arms", {}).get(arm),
    }
    bits = {name: figures_of["bits_per_byte"] for name, figures_of in arms.items()}
    return {"examples": evaluation["examples"], "bits_per_byte": _measured(bits), **_measured(figures)}


def write_loss(log: Sequence[Record]) -> list[Record]:
    """`step` and `loss` (nats a completion token) of each step that has one."""
    return [{"step": entry["step"], "loss": entry["loss"]} for entry in log if entry.get("loss") is not None]


def write_gains(evaluation: Evaluation) -> list[Record]:
    """`group`, a recipe or a language, and `gain`: % fewer bits per byte by the adapter, of each that has one."""
    groups: dict[str, ArmFigures] = {"all": evaluation}
    groups |= {f"recipe {name}": group for name, group in evaluation["by_task"].items()}
    groups |= {f"language {name}": group for name, group in evaluation["by_language"].items()}
    values = {name: _value(group["gains"].get(GAIN)) for name, group in groups.items()}
    return [{"group": name, "gain": round(100 * value, 2)} for name, value in values.items() if value is not None]


def _measured(figures: Mapping[str, Figure | None]) -> dict[str, float]:
    values = {name: _value(figure) for name, figure in figures.items()}
    return {name: value for name, value in values.items() if value is not None}


def _value(figure: Figure | None) -> float | None:
    return None if figure is None or figure["value"] is None else round(float(figure["value"]), DIGITS)
