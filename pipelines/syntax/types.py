"""What reading a file gives: its symbols, its spans, and where passages may begin."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.syntax.lines import Lines

_WORD_OR_MARK = re.compile(rb"[\w\x80-\xff]+|[^\s\w]")


@dataclass(frozen=True)
class Symbol:
    """One definition.

    Attributes:
        kind: "function", "method" or "class" (also interface, enum, record, struct, trait); "test", a test that is
            called by a title and not by a name (`it("adds one", …)`); "section" in prose.
        name: as defined.
        qualified_name: the names around it and its own, joined by dots; `Foo>>at:put:` and "Guide > Install" in
            Smalltalk and in prose.
        signature: the source from `start_byte` up to the body, with decorators, annotations,
            attributes, `export` and `const`; for Python up to the colon.
        doc: the words of its documentation, without marks; "" when it has none.
        body: `source[body_start_byte:body_end_byte]`: with braces where the language has them, else
            whole lines with their indentation; without the docstring; "" for a mere declaration.
        code: `source[start_byte:end_byte]` without its documentation.
        start_byte: where it begins, decorators, annotations and attributes included.
        end_byte: where it ends.
        start_line: the line of `start_byte`, from 1.
        end_line: the last line, inclusive.
        body_start_byte: where the body begins.
        body_end_byte: where the body ends.
        doc_range: the bytes of the documentation with its marks; before `start_byte` for comments.
    """

    kind: str
    name: str
    qualified_name: str
    signature: str
    doc: str
    body: str
    code: str
    start_byte: int
    end_byte: int
    start_line: int
    end_line: int
    body_start_byte: int
    body_end_byte: int
    doc_range: tuple[int, int] | None


class Span(NamedTuple):
    """One syntax node: its bytes, `source[start_byte:end_byte]`, and its type in the grammar."""

    start_byte: int
    end_byte: int
    type: str


def words_and_marks(source: bytes) -> list[bytes]:
    """The tokens of a text that has no lexical rules of its own."""
    return _WORD_OR_MARK.findall(source)


@dataclass(frozen=True)
class Reading:
    """All that one file's UTF-8 source says.

    Attributes:
        symbols: by position, the longer first.
        spans: as `spans.find_spans` gives them; empty for prose.
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


def make_symbol(
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
