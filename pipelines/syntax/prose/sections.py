"""Headings of a text become sections: where each is, and under which other headings it stands."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.syntax.lines import Lines
from pipelines.syntax.types import Reading, Symbol, make_symbol

PATH = " > "


@dataclass(frozen=True)
class Heading:
    """One heading.

    Attributes:
        level: how deep, the highest of the file the smallest.
        name: its words without marks.
        first: its first line, counted from 0.
        last: the line after its last, underline included.
    """

    level: int
    name: str
    first: int
    last: int


def reading(source: bytes, headings: list[Heading], starts: Iterable[int]) -> Reading:
    """Sections from one heading to the next of any level; `starts` are the lines on which paragraphs begin."""
    lines = Lines(source)
    around: list[Heading] = []
    symbols: list[Symbol] = []
    ends = [heading.first for heading in headings[1:]] + [len(lines.starts)]
    for heading, end in zip(headings, ends, strict=False):
        while around and around[-1].level >= heading.level:
            around.pop()
        around.append(heading)
        symbols.append(_section(heading, end, PATH.join(outer.name for outer in around), lines))
    return Reading(tuple(symbols), starts=tuple(sorted(set(starts))))


def _section(heading: Heading, end: int, path: str, lines: Lines) -> Symbol:
    start, header_end = _words(heading.first, heading.last, lines)
    below, last = heading.last, end
    while below < last and lines.is_blank(below):
        below += 1
    while last > below and lines.is_blank(last - 1):
        last -= 1
    body = None
    if below < last:
        begin, after = lines.span(below, last)
        body = (begin, begin + len(lines.source[begin:after].rstrip()))
    return make_symbol(
        lines,
        "section",
        heading.name,
        path,
        whole=(start, body[1] if body else header_end),
        header_end=header_end,
        body=body,
    )


def _words(first: int, last: int, lines: Lines) -> tuple[int, int]:
    """The bytes of some lines without a byte order mark before and white space after."""
    start, end = lines.span(first, last)
    if lines.source.startswith(b"\xef\xbb\xbf") and start == 0:
        start = 3
    return start, start + len(lines.source[start:end].rstrip())
