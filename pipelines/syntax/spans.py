"""Ranges of source that make good holes for fill-in-the-middle: whole syntax nodes."""

from pipelines.syntax.captures import find_marks
from pipelines.syntax.languages import Language
from pipelines.syntax.parser import parse, read
from pipelines.syntax.types import Span

MIN_BYTES = 10
MAX_BYTES = 1_000
WRAPPER = "expression_statement"


def find_spans(source: bytes, language: Language) -> list[Span]:
    """Bodies, blocks, loops, statements, argument lists and assigned values of UTF-8 source.

    Each is `MIN_BYTES` to `MAX_BYTES` long and free of syntax errors; sorted by start, the longer
    first; one per range, and of two nodes with the same range not the statement that only wraps the other.
    """
    if language.reader:
        return list(read(source, language).spans)
    sound = not parse(source, language).root_node.has_error
    chosen: dict[tuple[int, int], str] = {}
    for node in find_marks(source, language).get("span", []):
        start, end = node.byte_range
        if MIN_BYTES <= end - start <= MAX_BYTES and not node.is_extra and (sound or not node.has_error):
            kind, other = node.type, chosen.get((start, -end))
            if other is None or (kind == WRAPPER, kind) < (other == WRAPPER, other):
                chosen[start, -end] = kind
    return [Span(start, -end, chosen[start, end]) for start, end in sorted(chosen)]
