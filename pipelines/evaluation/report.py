"""One page that a person opens in the morning: was it worth it, how sure is that, and what does it look like."""

import base64
from pathlib import Path
from typing import Any

from pipelines.evaluation.arms import ARMS
from pipelines.evaluation.summary import GAINS
from pipelines.records import Record

SHOWN = 3
METRICS = {
    "bits_per_byte": ("Bits per byte", "lower is better", 1, "{:.3f}"),
    "exact_match": ("Exact match", "% of generated", 100, "{:.1f}"),
    "edit_similarity": ("Edit similarity", "% of characters", 100, "{:.1f}"),
    "syntax_validity": ("Still parses", "% of generated code", 100, "{:.1f}"),
}


def report(project: str, evaluation: Record, records: list[Record], charts: dict[str, bytes]) -> str:
    """The page's HTML, with its charts inside; it loads nothing.

    Args:
        evaluation: the content of `evaluation.json`.
        records: those of `scores.jsonl`.
        charts: PNG bytes by name: `arms`, `loss`.
    """
    from jinja2 import Environment, FileSystemLoader

    folder = Path(__file__).parent
    templates = Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    templates.filters |= {"value": value, "interval": interval}
    return templates.get_template("report.html.jinja").render(
        project=project,
        evaluation=evaluation,
        verdict=verdict(evaluation),
        arms=list(ARMS),
        gains=[f"{one}_vs_{other}" for one, other in GAINS],
        metrics=METRICS,
        examples=_examples(records),
        charts={name: base64.b64encode(png).decode() for name, png in charts.items()},
    )


def verdict(evaluation: Record) -> tuple[str, str]:
    """The headline, and its tone: good, odd or bad."""
    gain = evaluation["gains"]["adapter_vs_base"]
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


def _examples(records: list[Record]) -> list[dict[str, Any]]:
    """Of what was generated, where the adapter helped most and where it hurt most, by bits per byte."""
    shown = [{**record, "saved": _saved(record)} for record in records if "generated" in record]
    shown.sort(key=lambda record: (-record["saved"], record["example_id"]))
    helped = [{**record, "side": "helped most"} for record in shown[:SHOWN]]
    hurt = [{**record, "side": "helped least"} for record in reversed(shown[SHOWN:][-SHOWN:])]
    return helped + hurt


def _saved(record: Record) -> float:
    bits: dict[str, float] = record["bits"]
    return (bits["base"] - bits["adapter"]) / record["bytes"]
