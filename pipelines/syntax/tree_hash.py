"""What a piece of source says to a parser, whatever its white space."""

import hashlib
from typing import TYPE_CHECKING

from pipelines.records import fingerprint
from pipelines.syntax.languages import Language
from pipelines.syntax.parser import parse, read

if TYPE_CHECKING:
    from tree_sitter import Node


def hash_shapes(source: bytes, language: Language, ranges: list[tuple[int, int]]) -> list[str]:
    """A hash of the syntax nodes in each range of bytes: their types, nesting and tokens, comments included.

    Two pieces with the same hash differ in white space at most; Python's indentation counts, because it nests.
    A language with a reader has no syntax nodes: there the reader's tokens are hashed.
    """
    if language.reader:
        tokens = read(source, language).tokens
        return [
            fingerprint([token.decode("utf-8", "replace") for token in tokens(source[start:end])])
            for start, end in ranges
        ]
    root = parse(source, language).root_node
    return [_shape(root, start, end) for start, end in ranges]


def _shape(root: "Node", start: int, end: int) -> str:
    digest = hashlib.sha256()
    todo = [(root.descendant_for_byte_range(start, max(start, end - 1)) or root, 0)]
    while todo:
        node, depth = todo.pop()
        if node.end_byte <= start or node.start_byte >= end:
            continue
        if start <= node.start_byte and node.end_byte <= end:
            token = b"" if node.child_count else (node.text or b"").strip()
            digest.update(b"%d %s %s\0" % (depth, node.type.encode(), token))
            depth += 1
        todo += ((child, depth) for child in reversed(node.children))
    return digest.hexdigest()
