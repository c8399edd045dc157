"""A small bar chart as SVG. The same bars give the same bytes, so that a test can compare them."""

from collections.abc import Sequence
from html import escape

WIDTH, LABELS, VALUES = 640, 250, 70  # pixels: all, for the labels on the left, for the figures on the right
BAR, GAP, HEAD = 16, 8, 34
LETTERS = 38  # of a label that fit
STYLE = (
    "text{font:12px sans-serif;fill:#24292f}.title{font-weight:600}.ours{fill:#2f6fde}.peer{fill:#a5adb8}"
    "@media (prefers-color-scheme:dark){text{fill:#d0d7de}}"
)


def draw_bars(title: str, bars: Sequence[tuple[str, float, str]]) -> str:
    """An SVG document.

    Args:
        title: stands above the bars and is read out in place of the picture.
        bars: label, length (0 or more, in any unit) and the figure as text; a label
            that begins with `ours` is coloured.
    """
    most = max((value for _, value, _ in bars), default=0) or 1
    height = HEAD + len(bars) * (BAR + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<text class="title" x="0" y="16">{escape(title)}</text>',
    ]
    for number, (label, value, figure) in enumerate(bars):
        top = HEAD + number * (BAR + GAP)
        length = round(value / most * (WIDTH - LABELS - VALUES), 1)
        kind = "ours" if label.startswith("ours") else "peer"
        short = label if len(label) <= LETTERS else label[: LETTERS - 1] + "…"
        lines += [
            f'<text x="{LABELS - 8}" y="{top + 12}" text-anchor="end">{escape(short)}</text>',
            f'<rect class="{kind}" x="{LABELS}" y="{top}" width="{length}" height="{BAR}"/>',
            f'<text x="{LABELS + length + 6}" y="{top + 12}">{escape(figure)}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
