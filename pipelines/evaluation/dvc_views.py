"""The figures of a night as DVC's own views read them: `dvc metrics show` and `diff`, `plots show`, `exp show`."""

from collections.abc import Sequence
from typing import Any

from pipelines.records import Record

METRICS, LOSS, GAINS = "metrics.json", "plots/loss.json", "plots/gains.json"
DIGITS = 5
GAIN = "adapter_vs_base"


def metrics(evaluation: Record) -> dict[str, Any]:
    """The figures without their intervals; a name that has one for each arm, or each side, holds these by name. What
    was not measured is not there.

    Args:
        evaluation: the content of `evaluation.json`. Units are as there: bits per byte, and shares from 0 to 1.
    """
    arms = evaluation["arms"]
    names = dict.fromkeys(name for figures in arms.values() for name in figures)
    found: dict[str, Any] = {name: {arm: figures.get(name) for arm, figures in arms.items()} for name in names}
    found["gain"] = evaluation["gains"]
    found |= evaluation.get("retrieval", {}).get("metrics", {})
    found["pattern_adherence"] = evaluation.get("suites", {}).get("arms", {})
    found["forgetting"] = evaluation.get("forgetting", {}).get("forgetting")
    found["memorisation"] = _arms_of(evaluation.get("memorisation", {}).get("extracted", {}))
    return {"examples": evaluation["examples"], "files": evaluation["files"], **_values(found)}


def loss(log: Sequence[Record]) -> list[Record]:
    """`step` and `loss` (nats a completion token) of each step that has one."""
    return [{"step": entry["step"], "loss": entry["loss"]} for entry in log if entry.get("loss") is not None]


def gains(evaluation: Record) -> list[Record]:
    """`group`, a recipe or a language, and `gain`: % fewer bits per byte by the adapter, of each that has one."""
    groups = {"all": evaluation}
    groups |= {f"recipe {name}": group for name, group in evaluation["by_task"].items()}
    groups |= {f"language {name}": group for name, group in evaluation["by_language"].items()}
    values = {name: _value(group["gains"].get(GAIN)) for name, group in groups.items()}
    return [{"group": name, "gain": round(100 * value, 2)} for name, value in values.items() if value is not None]


def _arms_of(side: Record) -> Record:
    return {arm: figure for arm, figure in side.items() if isinstance(figure, dict)}


def _values(found: Record) -> dict[str, Any]:
    """Figures as numbers, at any depth; without those that have none."""
    made: dict[str, Any] = {}
    for name, one in found.items():
        value = _value(one) if one is None or "value" in one else _values(one)
        if value not in (None, {}):
            made[name] = value
    return made


def _value(figure: Record | None) -> float | None:
    return None if figure is None or figure["value"] is None else round(float(figure["value"]), DIGITS)
