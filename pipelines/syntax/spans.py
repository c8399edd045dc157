"""Ranges of source that make good holes for fill-in-the-middle: whole syntax nodes."""

from dataclasses import dataclass

from pipelines.syntax.languages import Language, parse, query, read

MIN_BYTES = 10
MAX_BYTES = 1_000
WRAPPER = "expression_statement"


@dataclass(frozen=True)
class Span:
    """One syntax node: its bytes, `source[start_byte:end_byte]`, and its type in the grammar."""

    start_byte: int
    end_byte: int
    type: str


def spans(source: bytes, language: Language) -> list[Span]:
    """Bodies, blocks, loops, statements, argument lists and assigned values of UTF-8 source.

    Each is `MIN_BYTES` to `MAX_BYTES` long and free of syntax errors; sorted by start, the longer
    first; one per range, and of two nodes with the same range not the statement that only wraps the other.
    """
    if language.reader:
        return list(read(source, language).spans)
    import tree_sitter

    tree = parse(source, language)
    captures = tree_sitter.QueryCursor(query(language, ".spans")).captures(tree.root_node)
    good: set[tuple[int, int, bool, str]] = set()
    for node in captures.get("span", []):
        start, end = node.start_byte, node.end_byte
        if MIN_BYTES <= end - start <= MAX_BYTES and not node.has_error and not node.is_extra:
            good.add((start, -end, node.type == WRAPPER, node.type))
    chosen: dict[tuple[int, int], Span] = {}
    for start, end, _wraps, kind in sorted(good):
        chosen.setdefault((start, end), Span(start, -end, kind))
    return list(chosen.values())
