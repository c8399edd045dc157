"""Ranges of source that make good holes for fill-in-the-middle: whole syntax nodes."""

from dataclasses import dataclass

from pipelines.syntax.languages import Language, parse, query

MIN_BYTES = 10
MAX_BYTES = 1_000


@dataclass(frozen=True)
class Span:
    """One syntax node: its bytes, `source[start_byte:end_byte]`, and its type in the grammar."""

    start_byte: int
    end_byte: int
    type: str


def spans(source: bytes, language: Language) -> list[Span]:
    """Bodies, blocks, statements, argument lists and assigned values of UTF-8 source.

    Each is `MIN_BYTES` to `MAX_BYTES` long and free of syntax errors; sorted by start, the longer
    first; one per range.
    """
    import tree_sitter

    tree = parse(source, language)
    captures = tree_sitter.QueryCursor(query(language, ".spans")).captures(tree.root_node)
    nodes = sorted(captures.get("span", []), key=lambda node: (node.start_byte, -node.end_byte, node.type))
    chosen: dict[tuple[int, int], Span] = {}
    for node in nodes:
        size = node.end_byte - node.start_byte
        if MIN_BYTES <= size <= MAX_BYTES and not node.has_error and not node.is_extra:
            span = Span(node.start_byte, node.end_byte, node.type)
            chosen.setdefault((span.start_byte, span.end_byte), span)
    return list(chosen.values())
