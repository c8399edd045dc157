"""What a reader gives for a language that has no grammar: a function that reads a whole file once."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipelines.syntax.lines import Lines
from pipelines.syntax.spans import Span
from pipelines.syntax.symbols import Symbol

_WORD_OR_MARK = re.compile(rb"[\w\x80-\xff]+|[^\s\w]")


def words_and_marks(source: bytes) -> list[bytes]:
    """The tokens of a text that has no lexical rules of its own."""
    return _WORD_OR_MARK.findall(source)


@dataclass(frozen=True)
class Reading:
    """All that one file's UTF-8 source says.

    Attributes:
        symbols: by position, the longer first.
        spans: as `spans.spans` gives them; empty for prose.
        starts: lines, counted from 0 and ascending, on which a passage may begin where a definition does not.
        attached: lines, counted from 0, that stay in one passage with the line below them.
        valid: whether all of it follows the language's rules; None where there are none to break.
        tokens: gives the tokens of a piece of the file, comments included and white space between them not.
    """

    symbols: tuple[Symbol, ...]
    spans: tuple[Span, ...] = ()
    starts: tuple[int, ...] = ()
    attached: frozenset[int] = frozenset()
    valid: bool | None = None
    tokens: Callable[[bytes], Iterable[bytes]] = words_and_marks


def define(
    lines: Lines,
    kind: str,
    name: str,
    qualified_name: str,
    *,
    whole: tuple[int, int],
    header_end: int,
    body: tuple[int, int] | None = None,
    doc: str = "",
    doc_range: tuple[int, int] | None = None,
) -> Symbol:
    """A symbol from byte ranges; without `body` it is a mere declaration."""
    start, end = whole
    body = body or (end, end)
    return Symbol(
        kind=kind,
        name=name,
        qualified_name=qualified_name,
        signature=lines.text(start, header_end, cut=doc_range).rstrip(),
        doc=doc,
        body=lines.text(*body),
        code=lines.text(start, end, cut=doc_range),
        start_byte=start,
        end_byte=end,
        start_line=lines.number(start),
        end_line=lines.number(max(start, end - 1)),
        body_start_byte=body[0],
        body_end_byte=body[1],
        doc_range=doc_range,
    )
