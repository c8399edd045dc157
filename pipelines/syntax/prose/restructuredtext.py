"""reStructuredText by its rules for section titles, and nothing more.

docutils is not used: to reach the sections it runs the directives between them, knows nothing of Sphinx's, and does not
keep the line of a title. The rules are those of
https://docutils.sourceforge.io/docs/ref/rst/restructuredtext.html#sections
"""

import re
import unicodedata
from collections.abc import Iterator

from pipelines.syntax.prose.sections import Heading, reading
from pipelines.syntax.types import Reading

_RULE = re.compile(r"([!-/:-@\[-`{-~])\1*$")
# What stands at the left margin and is no title: lists, fields, line blocks, doctests, comments and directives, tables.
_MARKUP = re.compile(r"(?:[-+*•‣⁃]|\||>>>|\.\.|__)(?:\s|$)|:[^:\s][^:]*:(?:\s|$)|\+[-=]")
_EXPLICIT = re.compile(r"\.\.(?:\s|$)")
_ROLE = re.compile(r":[\w.+:-]+:(?=`)")
_LINK = re.compile(r"(?<!`)`([^`<]+?)(?:\s*<[^`>]*>)?`_{0,2}(?!`)")
_MARKS = re.compile(r"(?<!\\)(?:\*\*|``|\*|(?<=\w)__?(?=\s|$))|\\(?=\S)")
_SHORT = 4  # a shorter rule must be as long as its title


def read(source: bytes) -> Reading:
    """The sections of UTF-8 reStructuredText; a title's level is that of its style, in order of appearance."""
    lines = _lines(source)
    styles: list[str] = []
    headings: list[Heading] = []
    for first, last, style, title in _titles(lines):
        if style not in styles:
            styles.append(style)
        headings.append(Heading(styles.index(style), _plain(title), first, last))
    return reading(source, headings, _starts(lines, {heading.last for heading in headings}))


def _lines(source: bytes) -> list[str]:
    """The text of each line, without white space at its end."""
    text = source.decode("utf-8", "replace").removeprefix("\ufeff")
    return [line.rstrip() for line in text.split("\n" if "\n" in text else "\r")]


def _titles(lines: list[str]) -> Iterator[tuple[int, int, str, str]]:
    """First line, the line after the last, style and text of each title."""
    at, free = 0, True
    while at < len(lines):
        rows = _title(lines, at) if free and lines[at] else 0
        if rows:
            title = lines[at + rows - 2]
            yield at, at + rows, lines[at + rows - 1][0] * (rows - 1), title.strip()
        free = bool(rows) or not lines[at] or _EXPLICIT.match(lines[at]) is not None
        at += rows or 1


def _title(lines: list[str], at: int) -> int:
    """How many lines the title that begins on a line has: 3 with an overline, 2 without, 0 when there is none."""
    line, *below = lines[at : at + 3]
    if _RULE.match(line):
        fits = len(below) == 2 and below[1] == line and below[0] and not _RULE.match(below[0])
        return 3 if fits and _long_enough(line, below[0].strip()) else 0
    if not below or line[0].isspace() or _MARKUP.match(line) or not _RULE.match(below[0]):
        return 0
    return 2 if _long_enough(below[0], line) else 0


def _long_enough(rule: str, title: str) -> bool:
    wide = sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in title)
    return len(rule) >= min(wide, _SHORT)


def _plain(title: str) -> str:
    """The words of a title: of a link or a role its text, no marks."""
    words = _LINK.sub(r"\1", _ROLE.sub("", title))
    return " ".join(_MARKS.sub("", words).split()) or title


def _starts(lines: list[str], below_titles: set[int]) -> Iterator[int]:
    """Where paragraphs begin at the left margin; what is indented stays with it, and the first one with its title."""
    after_title = False
    for number, line in enumerate(lines):
        after_title = after_title or number in below_titles
        if not line or line[0].isspace():
            continue
        if number and not lines[number - 1] and not after_title:
            yield number
        after_title = False
