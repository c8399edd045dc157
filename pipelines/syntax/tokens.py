"""Where the tokens of a source are: the leaves of its syntax tree."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Tree


def tokens(tree: "Tree", skip: Mapping[int, int]) -> list[int]:
    """The first byte of each leaf that has any text, in order; a line feed that ends a statement is none.

    Args:
        tree: of one source.
        skip: start byte → end byte of what is passed over: comments, documentation.
    """
    cursor = tree.walk()
    down, right, up = cursor.goto_first_child, cursor.goto_next_sibling, cursor.goto_parent
    starts: list[int] = []
    behind = 0
    while True:
        if down():
            continue
        node = cursor.node
        start = node.start_byte if node is not None else 0
        behind = max(behind, skip.get(start, 0))
        if node is not None and start >= behind and node.end_byte > start and not node.type.isspace():
            starts.append(start)
        while not right():
            if not up():
                return starts
