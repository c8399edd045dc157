"""The gates as one picture: what was measured, and the line that it had to pass."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.evaluation.charts import INK, SOFT, canvas, png, use_plain_style
from pipelines.evaluation.metric_specs import MEASURES

PASSED, FAILED, WARNED = "#14804a", "#c0362c", "#b25e09"


def draw_gates_chart(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A PNG with a row for each gate that measured something: value, interval, and the line it had to pass.

    Args:
        rows: those of the verdict.
    """
    drawn = [row for row in rows if row["value"] is not None]
    figure = canvas(10, 0.9 * max(1, len(drawn)) + 0.3)
    every = figure.subplots(max(1, len(drawn)), 1, squeeze=False)[:, 0]
    for axes, row in zip(every, drawn, strict=False):
        _row(axes, row)
    if not drawn:
        use_plain_style(every[0])
        every[0].text(0.5, 0.5, "nothing was measured", ha="center", color=SOFT, transform=every[0].transAxes)
    return png(figure)


def _row(axes: Any, row: Mapping[str, Any]) -> None:
    use_plain_style(axes)
    measure = MEASURES[row["metric"]]
    gain = isinstance(row["against"], str)
    scale = 100.0 if gain else measure.scale
    value, low, high = (row[key] * scale for key in ("value", "low", "high"))
    color = PASSED if row["passed"] else FAILED if row["severity"] == "block" else WARNED
    axes.hlines(0, low, high, color=color, linewidth=7, alpha=0.35, capstyle="round", zorder=2)
    axes.plot([value], [0], "o", color=color, markersize=9, zorder=3)
    for line in _lines(row):
        axes.axvline(line * scale, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.set_yticks([])
    axes.set_ylim(-1, 1)
    axes.margins(x=0.12)
    unit = "% fewer bits" if gain and measure.relative else "points" if gain else measure.unit
    axes.set_title(f"{row['name']} ({unit})", loc="left", color=INK, fontsize=10)


def _lines(row: Mapping[str, Any]) -> list[float]:
    """What the interval or the value had to pass."""
    if row["against"] == "champion":
        return [-row["margin"]]
    sign = MEASURES[row["metric"]].sign
    start = 0.0 if row["against"] == "base" else float(row["against"])
    step = row["margin"] if row["against"] == "base" else sign * row["margin"]
    return [start, start + step] if step else [start]
