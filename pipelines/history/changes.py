"""Which functions differ between two versions of a file."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.history.sources import Parsed
from pipelines.records.history import FunctionChange
from pipelines.syntax.lines import Lines
from pipelines.syntax.tree_hash import hash_shapes
from pipelines.syntax.types import Symbol

Pair = tuple[Symbol, Symbol]


@dataclass(frozen=True)
class Changed:
    """What a commit did to the functions of one file.

    Attributes:
        edits: a record a function that says something else now.
        respaced: how many functions differ in white space alone.
    """

    edits: list[FunctionChange]
    respaced: int


def find_changes(before: Parsed, after: Parsed) -> Changed:
    """The functions that both versions have and that differ; by position in the later one.

    A function is known by its qualified name and, where several have that, by its signature. Of a function and one
    inside it, the inner one is taken.
    """
    pairs = [pair for pair in _pairs(before, after) if _text(before, pair[0]) != _text(after, pair[1])]
    old = hash_shapes(before.source, before.language, [_range(pair[0]) for pair in pairs]) if pairs else []
    new = hash_shapes(after.source, after.language, [_range(pair[1]) for pair in pairs]) if pairs else []
    differing = [pair for pair, one, other in zip(pairs, old, new, strict=True) if one != other]
    inner = list(_innermost(differing))
    return Changed([_record(before, after, pair) for pair in inner], len(pairs) - len(differing))


def _pairs(before: Parsed, after: Parsed) -> Iterator[Pair]:
    earlier: dict[str, list[Symbol]] = defaultdict(list)
    later: dict[str, list[Symbol]] = defaultdict(list)
    for symbols, named in ((before.symbols, earlier), (after.symbols, later)):
        for symbol in symbols:
            named[symbol.qualified_name].append(symbol)
    for name, candidates in later.items():
        yield from _match(earlier.get(name, []), candidates)


def _match(earlier: list[Symbol], later: list[Symbol]) -> Iterator[Pair]:
    """Those of the same signature, where only one has it on each side; and the rest, when it is one and one."""
    left, right = list(earlier), list(later)
    for symbol in later:
        same = [one for one in left if one.signature == symbol.signature]
        if len(same) == 1 and sum(one.signature == symbol.signature for one in right) == 1:
            left.remove(same[0])
            right.remove(symbol)
            yield same[0], symbol
    if len(left) == len(right) == 1:
        yield left[0], right[0]


def _innermost(pairs: list[Pair]) -> Iterator[Pair]:
    ordered = sorted(pairs, key=lambda pair: (pair[1].start_byte, -pair[1].end_byte))
    for number, pair in enumerate(ordered):
        following = ordered[number + 1][1] if number + 1 < len(ordered) else None
        if following is None or following.start_byte >= pair[1].end_byte:
            yield pair


def _range(symbol: Symbol) -> tuple[int, int]:
    """A definition with its documentation, also where that stands before it."""
    start = min(symbol.start_byte, symbol.doc_range[0]) if symbol.doc_range else symbol.start_byte
    return start, symbol.end_byte


def _text(parsed: Parsed, symbol: Symbol) -> str:
    start, end = _range(symbol)
    return parsed.source[start:end].decode()


def _record(before: Parsed, after: Parsed, pair: Pair) -> FunctionChange:
    old, new = pair
    start, end = _range(new)
    return {
        "kind": new.kind,
        "qualified_name": new.qualified_name,
        "signature": new.signature,
        "doc": new.doc,
        "body": new.body,
        "before": _text(before, old),
        "after": _text(after, new),
        "start_byte": start,
        "end_byte": end,
        "start_line": Lines(after.source).number(start),
        "end_line": new.end_line,
    }
