"""One page that a person opens in the morning: was it worth it, how sure is that, and what does it look like."""

import base64
from collections.abc import Sequence
from difflib import ndiff
from pathlib import Path
from typing import Any

from pipelines.evaluation.arms import ARMS
from pipelines.evaluation.metric_specs import BITS_PER_BYTE, MEASURES, in_order
from pipelines.evaluation.summary import EXAMINED, gains_of
from pipelines.records import Record
from pipelines.wording import format_count

SHOWN = 3
TEMPLATE = "evaluation.html.jinja"


def build_report(
    project: str, evaluation: Record, records: list[Record], found: list[Record], charts: dict[str, bytes]
) -> str:
    """The HTML page of the evaluation alone, with its charts inside; it loads nothing.

    Args:
        evaluation: the content of `evaluation.json`.
        records, found: those of `scores.jsonl` and `retrieval.jsonl`.
        charts: PNG bytes by name: `arms`, `loss`.
    """
    return render(TEMPLATE, [], project=project, **report_content(evaluation, records, found, charts))


def report_content(
    evaluation: Record, records: list[Record], found: list[Record], charts: dict[str, bytes]
) -> dict[str, Any]:
    """What the template shows; a page that extends it adds its own."""
    return {
        "evaluation": evaluation,
        "verdict": verdict(evaluation),
        "arms": [arm for arm in ARMS if arm in evaluation["arms"]],
        "gains": [f"{one}_vs_{other}" for one, other in gains_of(evaluation["arms"])],
        "learned": "adapter" in evaluation["arms"],
        "metrics": {name: MEASURES[name] for name in EXAMINED if _is_measured(evaluation, name)},
        "found": in_order(evaluation["retrieval"].get("metrics", ())),
        "bits_per_byte": BITS_PER_BYTE,
        "examples": examples(records),
        "lost": [record for record in found if not record["ranks"]][:SHOWN],
        "charts": {name: base64.b64encode(png).decode() for name, png in charts.items()},
    }


def _is_measured(evaluation: Record, metric: str) -> bool:
    return any(figures.get(metric, {}).get("value") is not None for figures in evaluation["arms"].values())


def render(template: str, folders: Sequence[Path], **values: Any) -> str:
    """A page from a template in one of these folders, or here; what models and sources wrote is escaped."""
    from jinja2 import Environment, FileSystemLoader

    loader = FileSystemLoader([*folders, Path(__file__).parent])
    templates = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    templates.filters |= {"value": value, "interval": interval, "count": format_count}
    return templates.get_template(template).render(**values)


def verdict(evaluation: Record) -> tuple[str, str]:
    """The headline, and its tone: good, odd or bad."""
    gain = evaluation["gains"].get("adapter_vs_base")
    if gain is None:
        return "Nothing was trained: the base model answers, with the index.", "odd"
    sure = f"{evaluation['confidence']:.0%} interval {interval(gain, 100, '{:.1f}', bare=True)}%"
    if gain["value"] is None:
        return "Nothing was measured.", "bad"
    if gain["low"] > 0:
        return f"The adapter needs {gain['value']:.1%} fewer bits than the base model ({sure}).", "good"
    if gain["high"] < 0:
        return f"The adapter is worse than the base model: {-gain['value']:.1%} more bits ({sure}).", "bad"
    return f"No difference between adapter and base model is shown: {gain['value']:+.1%} ({sure}).", "odd"


def value(figure: Record, scale: float, form: str) -> str:
    """A figure as text without its interval; a dash when nothing was measured."""
    return "–" if figure["value"] is None else form.format(figure["value"] * scale)


def interval(figure: Record, scale: float, form: str, bare: bool = False) -> str:
    """A figure as text: `1.234 (1.100 to 1.300)`, or the interval alone; a dash when nothing was measured."""
    if figure["value"] is None:
        return "" if bare else "–"
    low, high = (form.format(figure[key] * scale) for key in ("low", "high"))
    return f"{low} to {high}" if bare else f"{value(figure, scale, form)} ({low} to {high})"


def examples(records: list[Record]) -> list[dict[str, Any]]:
    """Of what was generated, where the candidate helped most and where it hurt most, by bits per byte: the adapter, or
    without one the passages.

    `diffs` says how the texts of the base model and of that arm differ from the one in the repository: (sign, line) for
    each line.
    """
    shown = [{**record, "saved": _saved(record)} for record in records if "generated" in record]
    shown.sort(key=lambda record: (-record["saved"], record["example_id"]))
    helped = [{**record, "side": "helped most"} for record in shown[:SHOWN]]
    hurt = [{**record, "side": "helped least"} for record in reversed(shown[SHOWN:][-SHOWN:])]
    return [{**one, "diffs": {arm: _diff(one, arm) for arm in ("base", _helper(one))}} for one in helped + hurt]


def _helper(record: Record) -> str:
    return "adapter" if "adapter" in record["bits"] else "base+rag"


def _diff(record: Record, arm: str) -> list[tuple[str, str]]:
    lines = ndiff(record["expected"].splitlines(), record["generated"][arm].splitlines())
    return [(line[0], line[2:]) for line in lines if line[0] in "+- "]


def _saved(record: Record) -> float:
    bits: dict[str, float] = record["bits"]
    return (bits["base"] - bits[_helper(record)]) / record["bytes"]
