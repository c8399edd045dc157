"""One method: its selector, what documents it, and its body."""

import inspect
import re
from dataclasses import dataclass, field

from pipelines.syntax.lines import Lines
from pipelines.syntax.smalltalk.nodes import pragmas, spans
from pipelines.syntax.smalltalk.tokens import Token, Tokens, texts
from pipelines.syntax.types import Reading, Span, Symbol, make_symbol

_BLANK_LINES = re.compile(rb"(?:[ \t\f\v]*(?:\r\n|\n|\r))+")


@dataclass
class Found:
    """What has been found in a file so far.

    Attributes:
        lines: the file.
        doubled: whether `!!` stands for `!`, as in chunks.
        starts: lines, from 0, on which a definition or a statement begins.
        attached: lines, from 0, that belong to the line below.
    """

    lines: Lines
    doubled: bool = False
    symbols: list[Symbol] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    starts: set[int] = field(default_factory=set)
    attached: set[int] = field(default_factory=set)
    valid: bool = True

    def reading(self) -> Reading:
        """All of it, in order."""
        return Reading(
            tuple(sorted(self.symbols, key=lambda symbol: (symbol.start_byte, -symbol.end_byte))),
            tuple(sorted(self.spans, key=lambda span: (span.start_byte, -span.end_byte))),
            tuple(sorted(self.starts)),
            frozenset(self.attached),
            self.valid,
            texts,
        )

    def row(self, byte: int) -> int:
        """The line of a byte, from 0."""
        return self.lines.number(byte) - 1

    def comment(self, marked: bytes) -> str:
        """The words of a comment or a string with its quotation marks."""
        mark = marked[:1].decode()
        return self.words(marked[1:-1].decode("utf-8", "replace").replace(mark * 2, mark))

    def words(self, text: str) -> str:
        """Documentation without indentation, and without the chunk format's doubled marks."""
        plain = text.replace("!!", "!") if self.doubled else text
        return inspect.cleandoc(plain.replace("\r\n", "\n").replace("\r", "\n"))


def selector(tokens: list[Token]) -> tuple[str, int] | None:
    """The selector of the message pattern that tokens begin with, and how many tokens it has; None when it is none."""
    kinds = [token.kind for token in tokens[:2]]
    if kinds[:1] == ["name"]:
        return tokens[0].text.decode(), 1
    if kinds in (["operator", "name"], ["bar", "name"]):
        return tokens[0].text.decode(), 2
    parts, at = "", 0
    while at + 1 < len(tokens) and (tokens[at].kind, tokens[at + 1].kind) == ("keyword", "name"):
        parts, at = parts + tokens[at].text.decode(), at + 2
    return (parts, at) if parts else None


def add_method(
    found: Found,
    owner: str,
    name: str,
    *,
    whole: tuple[int, int],
    header_end: int,
    inside: tuple[int, int],
    tokens: Tokens,
) -> None:
    """Add a method and its spans.

    Args:
        owner: `Foo`, `Foo class`, or "" when the file does not say.
        header_end: where its message pattern ends.
        inside: the bytes between the pattern, or the opening bracket, and the end.
        tokens: those of `inside`.
    """
    doc, header_end = _documentation(tokens, header_end, bracketed=inside[0] > header_end)
    source = found.lines.source
    stop = inside[0] + len(source[inside[0] : inside[1]].rstrip())
    start = min(_begin(source, doc.end if doc else inside[0], stop), stop)
    body = (start, stop) if start < stop else None
    found.symbols.append(
        make_symbol(
            found.lines,
            "method",
            name,
            f"{owner}>>{name}" if owner else name,
            whole=whole,
            header_end=header_end,
            body=body,
            doc=found.comment(doc.text) if doc else "",
            doc_range=(doc.start, doc.end) if doc else None,
        )
    )
    found.valid = found.valid and tokens.valid
    if body and tokens.valid:
        found.spans.extend(spans(tokens, body))


def _documentation(tokens: Tokens, header_end: int, bracketed: bool) -> tuple[Token | None, int]:
    """The comment before the first statement, and where the signature ends.

    Pragmas that stand before the comment belong to the signature; where a bracket lies between they are left out.
    """
    first = next(iter(tokens.comments), None)
    if first is None:
        return None, header_end
    before = [token for token in tokens.list if token.start < first.start]
    if pragmas(before, 0) < len(before):
        return None, header_end
    return first, before[-1].end if before and not bracketed else header_end


def _begin(source: bytes, at: int, end: int) -> int:
    """Where the body goes on: a line start with its indentation, if the line holds nothing before it."""
    blank = _BLANK_LINES.match(source, at, end)
    if blank:
        return blank.end()
    return end - len(source[at:end].lstrip())
