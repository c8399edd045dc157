"""The parts of a method that make good holes: its body, statements, blocks, parentheses and assigned values."""

from collections.abc import Iterator

from pipelines.syntax.smalltalk.tokens import Token, Tokens
from pipelines.syntax.spans import MAX_BYTES, MIN_BYTES
from pipelines.syntax.types import Span

_NAMES = {b"[": "block", b"(": "parentheses", b"{": "array"}


def pragmas(tokens: list[Token], at: int) -> int:
    """The index after the pragmas, `<primitive: 1>`, that stand at an index."""
    while at + 2 < len(tokens) and tokens[at].text == b"<":
        named = tokens[at + 1].kind == "keyword"
        last = len(tokens) if named else at + 3
        end = next((i for i in range(at + 2, last) if tokens[i].text == b">"), None)
        if end is None or not (named or tokens[at + 1].kind == "name"):
            break
        at = end + 1
    return at


def spans(tokens: Tokens, body: tuple[int, int]) -> list[Span]:
    """The spans of one method's tokens, one per range; the names of types are our own."""
    chosen: dict[tuple[int, int], Span] = {}
    for start, end, kind in _ranges(tokens, body):
        if MIN_BYTES <= end - start <= MAX_BYTES:
            chosen.setdefault((start, end), Span(start, end, kind))
    return list(chosen.values())


def _ranges(tokens: Tokens, body: tuple[int, int]) -> Iterator[tuple[int, int, str]]:
    found = tokens.list
    last = len(found)
    if found:
        first = pragmas(found, 0)
        if first < last:
            yield max(body[0], found[first].start), found[-1].end, "body"
        yield from _statements(tokens, first, last)
    for index, token in enumerate(found):
        if token.kind != "open" or index not in tokens.pairs:
            continue
        close = tokens.pairs[index]
        yield token.start, found[close].end, _NAMES[token.text[-1:]]
        if token.text in {b"[", b"{"}:
            yield from _statements(tokens, index + 1, close)


def _statements(tokens: Tokens, at: int, last: int) -> Iterator[tuple[int, int, str]]:
    """The statements between two indices, what is nested in them left whole, and the values they assign."""
    found = tokens.list
    start = at = _declarations(found, at, last)
    value = None
    while at <= last:
        if at == last or found[at].text == b".":
            if start < at:
                yield found[start].start, found[at - 1].end, "statement"
            if value is not None and value < at:
                yield found[value].start, found[at - 1].end, "value"
            start, value = at + 1, None
        elif found[at].kind == "assign":
            value = at + 1
        at = tokens.pairs.get(at, at) + 1 if at < last and found[at].kind == "open" else at + 1


def _declarations(tokens: list[Token], at: int, last: int) -> int:
    """The index after a block's parameters and temporary variables."""
    while at + 1 < last and tokens[at].text == b":" and tokens[at + 1].kind == "name":
        at += 2
    if at > 0 and at < last and tokens[at].kind == "bar" and tokens[at - 1].kind == "name":
        at += 1
    if at < last and tokens[at].kind == "bar":
        close = next((i for i in range(at + 1, last) if tokens[i].kind != "name"), last)
        if close < last and tokens[close].kind == "bar":
            at = close + 1
    return at
