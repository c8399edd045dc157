"""The charts: how the loss fell, how the arms compare; and the parts that charts of others are drawn with. The same
figures make the same bytes."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from pipelines.evaluation.arms import ARMS
from pipelines.records import Record
from pipelines.records.evaluation import Evaluation, Figure

INK, SOFT, GRID = "#1f2430", "#667085", "#e3e6ec"
COLORS = {"base": "#98a2b3", "base+rag": "#5b8def", "adapter": "#12805c", "adapter+rag": "#7a4fd0"}


def draw_loss_chart(log: Sequence[Record]) -> bytes:
    """A PNG of the training loss by step; `log` holds records with `step` and `loss`."""
    points = [(entry["step"], entry["loss"]) for entry in log if entry.get("loss") is not None]
    figure = canvas(10, 3.4)
    axes = figure.add_subplot()
    use_plain_style(axes)
    axes.set_title("Training loss", loc="left", color=INK, fontweight="bold")
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats per completion token)")
    if points:
        steps, losses = zip(*points, strict=True)
        axes.plot(steps, losses, color=COLORS["adapter"], alpha=0.3, linewidth=1, label="each step")
        axes.plot(steps, _smooth(losses), color=COLORS["adapter"], linewidth=2, label="moving mean")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, labelcolor=SOFT)
    else:
        axes.text(0.5, 0.5, "no loss was recorded", ha="center", va="center", color=SOFT, transform=axes.transAxes)
    return png(figure)


def draw_arms_chart(evaluation: Evaluation) -> bytes:
    """A PNG of each arm's bits per byte, and of what it gains over the base model, both with their intervals."""
    figure = canvas(10, 3.4)
    left, right = figure.subplots(1, 2)
    percent = f"{evaluation['confidence']:.0%}"
    arms = {arm: evaluation["arms"][arm]["bits_per_byte"] for arm in ARMS if arm in evaluation["arms"]}
    _dots(left, arms, 1.0, "{:.3f}")
    left.set_title(f"Held-out completions ({percent} interval)", loc="left", color=INK, fontweight="bold")
    left.set_xlabel("bits per byte, lower is better")
    gains = {arm: evaluation["gains"][f"{arm}_vs_base"] for arm in arms if arm != "base"}
    _dots(right, gains, 100.0, "{:+.1f}%")
    right.axvline(0, color=SOFT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    right.set_title(f"Gain over the base model ({percent} interval)", loc="left", color=INK, fontweight="bold")
    right.set_xlabel("% fewer bits than the base model, higher is better")
    return png(figure)


def _dots(axes: Any, figures: dict[str, Figure], scale: float, form: str) -> None:
    use_plain_style(axes)
    for row, (name, figure) in enumerate(figures.items()):
        ends = figure["value"], figure["low"], figure["high"]
        if None in ends:
            continue
        value, low, high = (end * scale for end in ends if end is not None)
        axes.hlines(row, low, high, color=COLORS[name], linewidth=6, alpha=0.35, capstyle="round", zorder=2)
        axes.plot([value], [row], "o", color=COLORS[name], markersize=9, zorder=3)
        axes.annotate(form.format(value), (value, row), (0, 9), textcoords="offset points", ha="center", color=INK)
    axes.set_yticks(range(len(figures)), list(figures))
    axes.set_ylim(len(figures) - 0.5, -0.7)
    axes.margins(x=0.12)


def _smooth(values: Sequence[float]) -> list[float]:
    reach = max(1, len(values) // 20)
    windows = (values[max(0, at - reach) : at + reach + 1] for at in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def canvas(width: float, height: float) -> Any:
    """An empty figure; inches."""
    # The object interface needs no backend choice and leaves no global state; Agg draws it.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=144, layout="constrained", facecolor="white")


def use_plain_style(axes: Any) -> None:
    """Draw axes in the house's style: a grid, a base line, quiet labels."""
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=SOFT, labelcolor=INK, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(GRID)
    axes.xaxis.label.set_color(SOFT)
    axes.yaxis.label.set_color(SOFT)


def png(figure: Any) -> bytes:
    """The figure's PNG, without what differs from run to run."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()
