"""Where a text that no parser reads may be cut: at its structure where one line shows it, else at blank lines."""

import re
from bisect import bisect_left

from pipelines.syntax.lines import Lines
from pipelines.syntax.types import Reading

LONG = 40  # lines; what has more between two beginnings may be cut at blank lines too
_COMMENT = re.compile(rb"#|//|/\*| ?\*|--(?!-)|;|<!--")


def read(source: bytes, pattern: str = "") -> Reading:
    """The lines of UTF-8 text on which a passage may begin; a comment stays with the block right below it.

    Args:
        pattern: one of `kinds.PATTERNS`, or "" for text whose structure is not known.
    """
    lines = Lines(source)
    rows = source.split(lines.end)
    paragraphs = [row for row in range(1, len(rows)) if rows[row].strip() and not rows[row - 1].strip()]
    if not pattern:
        return Reading((), starts=tuple(paragraphs))
    begins = re.compile(pattern.encode())
    blocks = [_with_comment(row, rows) for row, text in enumerate(rows) if begins.match(text)]
    return Reading((), starts=tuple(sorted({*blocks, *_within_long(blocks, paragraphs, len(rows))})))


def _with_comment(row: int, rows: list[bytes]) -> int:
    while row and _COMMENT.match(rows[row - 1]):
        row -= 1
    return row


def _within_long(blocks: list[int], paragraphs: list[int], end: int) -> list[int]:
    """The beginnings of paragraphs in blocks of more than LONG lines."""
    found: list[int] = []
    for first, last in zip([0, *blocks], [*blocks, end], strict=True):
        if last - first > LONG:
            found += paragraphs[bisect_left(paragraphs, first) : bisect_left(paragraphs, last)]
    return found
