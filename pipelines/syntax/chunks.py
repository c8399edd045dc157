"""Passages for retrieval: whole lines, cut where the syntax allows it.

A file is divided into its definitions (with the comments above them) and the statements between.
Neighbours of one level are merged while they fit. A definition that does not fit is divided in the
same way by what it contains, so a class gives its header and its methods. What contains no further
definition and still does not fit is cut at line ends, and only there do passages overlap.

Prose is divided into its sections, which stay apart, and a section that does not fit into its paragraphs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipelines.records.extraction import DefinitionLines
from pipelines.syntax.chunk_tree import Block, ChunkTree
from pipelines.syntax.languages import Language
from pipelines.syntax.lines import Lines
from pipelines.syntax.types import Symbol

GAP = 20  # lines; the JSON between two cells without output is 8 to 14


@dataclass(frozen=True)
class Chunk:
    """One passage: whole lines, without blank ones at its ends and without the last line feed.

    Attributes:
        start_byte: where it begins; `source[start_byte:end_byte]` is the text.
        end_byte: where it ends.
        start_line: its first line, from 1.
        end_line: its last line, inclusive.
        kind: the kind of `symbol`, or "text" when it belongs to none.
        symbol: qualified name: of the only definition in the passage; else of the one around it;
            else of the largest in it; else "".
        text: the source.
        defines: qualified names of all definitions that begin in it, in order: several methods share a passage.
        definitions: `symbol`, `kind`, `start_line` and `end_line` of these, and before them of `symbol` where it begins
            in an earlier passage.
    """

    start_byte: int
    end_byte: int
    start_line: int
    end_line: int
    kind: str
    symbol: str
    text: str
    defines: tuple[str, ...] = ()
    definitions: tuple[DefinitionLines, ...] = ()


def split_chunks(source: bytes, language: Language, max_chars: int, overlap_chars: int) -> list[Chunk]:
    """The passages of UTF-8 source, in order; every line that is not blank is in at least one.

    No passage is longer than `max_chars` characters, except a single line that is. Where one
    definition or statement is cut, each piece repeats at most `overlap_chars` characters: whole
    lines from the end of the piece before it.
    """
    outline = ChunkTree(source, language)
    lines = outline.lines
    made: list[Chunk] = []
    for block in _passages(outline, max_chars):
        trimmed = _trim(block, lines)
        for first, last in _cut(trimmed, lines, max_chars, overlap_chars):
            made.append(_chunk(replace(trimmed, first=first, last=last), outline))
    return made


def _passages(outline: ChunkTree, limit: int) -> Iterator[Block]:
    """Blocks merged as far as they fit; a block that does not fit is divided if it can be."""
    levels = [iter(outline.divide(None))]
    waiting: list[Block] = []
    while levels:
        block = next(levels[-1], None)
        if waiting and (
            block is None
            or outline.lines.chars(waiting[0].first, block.last) > limit
            or _apart(waiting[-1], block)
            or _gap(waiting[-1], outline.lines)
        ):
            yield _merge(waiting)
            waiting = []
        if block is None:
            levels.pop()
        elif outline.lines.chars(block.first, block.last) > limit and (parts := outline.divide(block)):
            levels.append(iter(parts))
        else:
            waiting.append(block)


def _apart(before: Block, block: Block) -> bool:
    """Whether two neighbours are not one section of prose; a heading without text goes with the section below it."""
    owner, section = before.symbol or before.around, block.symbol or block.around
    if section is None or section.kind != "section" or section is owner:
        return False
    return block.symbol is None or before.symbol is None or bool(before.symbol.body)


def _gap(block: Block, lines: Lines) -> bool:
    """Whether a block ends with so many blank lines that what follows is something else, as a notebook's next cell."""
    return block.last - block.first > GAP and all(map(lines.is_blank, range(block.last - GAP, block.last)))


def _merge(blocks: list[Block]) -> Block:
    """One block over several; it belongs to the definition that says most about all of it."""
    around = blocks[0].around
    defined = [block.symbol for block in blocks if block.symbol is not None]
    symbol: Symbol | None
    if len(defined) == 1 and (len(blocks) == 1 or around is None):
        symbol = defined[0]
    elif around is not None or not defined:
        symbol = around
    else:
        symbol = max(defined, key=lambda symbol: symbol.end_byte - symbol.start_byte)
    return Block(blocks[0].first, blocks[-1].last, symbol, around)


def _trim(block: Block, lines: Lines) -> Block:
    first, last = block.first, block.last
    while first < last and lines.is_blank(first):
        first += 1
    while last > first and lines.is_blank(last - 1):
        last -= 1
    return replace(block, first=first, last=last)


def _cut(block: Block, lines: Lines, limit: int, overlap: int) -> Iterator[tuple[int, int]]:
    """The block's lines in pieces that fit; a longer line is a piece of its own."""
    first, at = block.first, block.first
    while at < block.last:
        end = at + 1
        while end < block.last and lines.chars(first, end + 1) <= limit:
            end += 1
        if any(not lines.is_blank(line) for line in range(at, end)):
            yield first, end
        first = at = end
        while first > 0 and _repeats(first - 1, at, block, lines, limit, overlap):
            first -= 1


def _repeats(first: int, at: int, block: Block, lines: Lines, limit: int, overlap: int) -> bool:
    """Whether a piece that goes on at line `at` may begin at `first`, with room for a new line."""
    return (
        first >= block.first
        and at < block.last
        and lines.chars(first, at) <= overlap
        and lines.chars(first, at + 1) <= limit
    )


def _chunk(block: Block, outline: ChunkTree) -> Chunk:
    lines = outline.lines
    block = _trim(block, lines)
    start, end = lines.span(block.first, block.last)
    text = lines.source[start:end].rstrip(b"\r\n")
    symbol, begun = block.symbol, outline.begun(start, end)
    return Chunk(
        start_byte=start,
        end_byte=start + len(text),
        start_line=block.first + 1,
        end_line=block.last,
        kind=symbol.kind if symbol else "text",
        symbol=symbol.qualified_name if symbol else "",
        text=text.decode("utf-8", "replace"),
        defines=tuple(one.qualified_name for one in begun),
        definitions=tuple(map(_definition, begun if symbol is None or symbol in begun else [symbol, *begun])),
    )


def _definition(symbol: Symbol) -> DefinitionLines:
    return {
        "symbol": symbol.qualified_name,
        "kind": symbol.kind,
        "start_line": symbol.start_line,
        "end_line": symbol.end_line,
    }
