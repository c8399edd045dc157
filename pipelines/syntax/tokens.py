"""Where the tokens of a source are: the leaves of its syntax tree."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_SPACE = frozenset(b" \t\r\n\f\v")


def token_starts(tree: "Tree", source: bytes, within: list[tuple[int, int]], skip: Mapping[int, int]) -> list[int]:
    """The first byte of each leaf that has any text, in order; a line feed that ends a statement is none.

    Args:
        tree: of one source.
        source: it, in UTF-8.
        within: the ranges that are asked about, none inside another, ascending; what lies outside may be left out.
        skip: start byte → end byte of what is passed over: comments, documentation.
    """
    ends = [end for _, end in within]
    found: list[int] = []
    for node in tree.root_node.children:
        first = bisect_right(ends, node.start_byte)
        if first < len(within) and within[first][0] < node.end_byte:
            found += _leaves(node, source)
    return _without(found, skip)


def _leaves(node: "Node", source: bytes) -> Iterator[int]:
    cursor = node.walk()
    down, right, up = cursor.goto_first_child, cursor.goto_next_sibling, cursor.goto_parent
    before = -1
    while True:
        while down():
            pass
        leaf = cursor.node
        assert leaf is not None
        start = leaf.start_byte
        # What has no text stands where the next leaf does, or before white space: a look at one byte tells most apart.
        if start != before and ((start < len(source) and source[start] not in _SPACE) or _has_text(leaf)):
            yield start
            before = start
        while not right():
            if not up():
                return


def _has_text(leaf: "Node") -> bool:
    return leaf.end_byte > leaf.start_byte and not leaf.type.isspace()


def _without(starts: list[int], skip: Mapping[int, int]) -> list[int]:
    kept: list[int] = []
    at = 0
    for start in sorted(skip):
        first = bisect_left(starts, start, at)
        kept += starts[at:first]
        at = bisect_left(starts, skip[start], first)
    return kept + starts[at:]
