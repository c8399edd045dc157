"""A file as nested runs of whole lines: definitions, what they contain, and what lies between."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.syntax.languages import Language
from pipelines.syntax.lines import Lines
from pipelines.syntax.parser import parse, read
from pipelines.syntax.symbols import find_symbols
from pipelines.syntax.types import Symbol

if TYPE_CHECKING:
    from tree_sitter import Node

_WORD = re.compile(rb"\w")


@dataclass(frozen=True)
class Block:
    """A run of lines.

    Attributes:
        first: its first line, counted from 0.
        last: the line after its last.
        symbol: the definition it is, with the comments above; None for what lies between.
        around: the definition whose division gave this block; None at the top of the file.
    """

    first: int
    last: int
    symbol: Symbol | None
    around: Symbol | None


class ChunkTree:
    """The blocks of one UTF-8 source."""

    def __init__(self, source: bytes, language: Language) -> None:
        self.lines = Lines(source)
        self._reading = read(source, language) if language.reader else None
        self._root = None if self._reading else parse(source, language).root_node
        self._symbols = find_symbols(source, language)
        self._inside = _nest(self._symbols)

    def begun(self, start: int, end: int) -> list[Symbol]:
        """The definitions whose first byte is from `start` to `end`, exclusive, by position."""
        first = bisect_left(self._symbols, start, key=_start)
        return self._symbols[first : bisect_left(self._symbols, end, key=_start)]

    def divide(self, block: Block | None) -> list[Block]:
        """What a block contains (None: the file), in order and without a gap; [] when it is one.

        A run without a word in it (a closing bracket, blank lines) belongs to the block before it.
        """
        around = block.symbol if block else None
        inside = self._inside.get(around, [])
        if block is not None and (around is None or not (inside or self._reading)):
            return []
        first, last = (block.first, block.last) if block else (0, len(self.lines.starts))
        blocks: list[Block] = []
        for part in self._parts(first, last, inside, around):
            start, end = self.lines.span(part.first, part.last)
            if blocks and part.symbol is None and not _WORD.search(self.lines.source, start, end):
                blocks[-1] = replace(blocks[-1], last=part.last)
            else:
                blocks.append(part)
        return blocks

    def _parts(self, first: int, last: int, inside: list[Symbol], around: Symbol | None) -> Iterator[Block]:
        cuts, comments = self._siblings(around)
        at = first
        for symbol in inside:
            top = self.lines.number(min(symbol.start_byte, (symbol.doc_range or (symbol.end_byte,))[0])) - 1
            while top - 1 in comments:
                top -= 1
            top, end = max(top, at), min(symbol.end_line, last)
            if end <= at:
                continue
            yield from _between(at, top, cuts, around)
            yield Block(top, end, symbol, around)
            at = end
        yield from _between(at, last, cuts, around)

    def _siblings(self, around: Symbol | None) -> tuple[list[int], set[int]]:
        """The lines on which the nodes of a body begin, and the lines that are only comment.

        A comment stays with what follows it directly, so that line is not among the first;
        nor is the first statement of a definition, which stays with its header.
        """
        if self._reading is not None:
            return list(self._reading.starts), set(self._reading.attached)
        starts: list[int] = []
        comments: set[int] = set()
        for node in self._body(around).children:
            row = node.start_point.row
            if not self.lines.is_first(node.start_byte):
                continue
            if row - 1 not in comments:
                starts.append(row)
            if node.is_extra:
                end = node.end_point.row + (1 if node.end_point.column else 0)
                comments.update(range(row, end))
        starts = sorted(set(starts))
        return (starts[1:] if around else starts), comments

    def _body(self, symbol: Symbol | None) -> "Node":
        assert self._root is not None
        if symbol is None:
            return self._root
        blank = len(symbol.body) - len(symbol.body.lstrip())
        start, end = symbol.body_start_byte + blank, symbol.body_end_byte
        return self._root.descendant_for_byte_range(start, end) or self._root


def _between(first: int, last: int, cuts: list[int], around: Symbol | None) -> Iterator[Block]:
    edges = [first, *cuts[bisect_right(cuts, first) : bisect_left(cuts, last)], last]
    for start, end in pairwise(edges):
        if start < end:
            yield Block(start, end, None, around)


def _start(symbol: Symbol) -> int:
    return symbol.start_byte


def _nest(found: list[Symbol]) -> dict[Symbol | None, list[Symbol]]:
    """Definition (None: the file) → the definitions directly inside it, by position."""
    inside: dict[Symbol | None, list[Symbol]] = {}
    around: list[Symbol] = []
    for symbol in found:
        while around and around[-1].end_byte < symbol.end_byte:
            around.pop()
        inside.setdefault(around[-1] if around else None, []).append(symbol)
        around.append(symbol)
    return inside
