"""A chunk of source as paragraphs: documentation with the definition it belongs to, comments, and runs of code.

It looks at lines alone, so that it works for every language, and for a chunk that begins in the middle of something.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

COMMENT = re.compile(r"\s*(#|//|/\*|\*|--)")
STRING = re.compile(r"\s*[rRbBuUfF]*(\"\"\"|''')")
TRIPLE = re.compile(r"\"\"\"|'''")
IMPORT = re.compile(r"\s*(import|from|use|using|package|require|#include)\b")
MAX_LINES = 12
SHORT_LINES = 4
HEADER_LINES = 6


@dataclass(frozen=True)
class Paragraph:
    """Lines `first` to `last` (exclusive, from 0) of a chunk; what kind they are."""

    first: int
    last: int
    prose: bool
    imports: bool = False


def split_paragraphs(lines: Sequence[str]) -> list[Paragraph]:
    """The paragraphs of a chunk's lines, in order; none is empty, longer ones than MAX_LINES are cut."""
    whole: list[Paragraph] = []
    for one in _runs(lines):
        before = whole[-1] if whole else None
        if before is not None and _documents(lines, before, one):
            whole[-1] = Paragraph(before.first, one.last, True)
        else:
            whole.append(one)
    return whole


def widen(lines: Sequence[str], among: Sequence[Paragraph], one: Paragraph) -> tuple[int, int]:
    """First and last (exclusive) line to quote: a short paragraph goes on into the next, a comment to what it is on."""
    last = one.last
    for following in among:
        short = last - one.first < SHORT_LINES and following.last - one.first <= MAX_LINES
        if following.first >= last and short and not following.imports:
            last = following.last
    if last == one.last and last < len(lines) and lines[last].strip() and COMMENT.match(lines[one.first]):
        last += 1
    return one.first, last


def _runs(lines: Sequence[str]) -> Iterator[Paragraph]:
    prose = _prose(lines)
    first = 0
    for at in range(1, len(lines) + 1):
        more = at < len(lines) and lines[at].strip() and lines[first].strip()
        if more and prose[at] == prose[first] and at - first < MAX_LINES:
            continue
        if lines[first].strip():
            yield Paragraph(first, at, prose[first], IMPORT.match(lines[first]) is not None)
        first = at


def _prose(lines: Sequence[str]) -> list[bool]:
    """For each line, whether it is a comment or lies in a string of three quotes."""
    inside, marks = "", []
    for line in lines:
        opened = bool(inside)
        for mark in TRIPLE.findall(line):
            inside = "" if inside == mark else inside or mark
        marks.append(opened or STRING.match(line) is not None or COMMENT.match(line) is not None)
    return marks


def _documents(lines: Sequence[str], header: Paragraph, text: Paragraph) -> bool:
    """Whether the second is the documentation string of the definition that the first begins."""
    adjacent = header.last == text.first and not header.prose and not header.imports
    return adjacent and STRING.match(lines[text.first]) is not None and header.last - header.first <= HEADER_LINES
