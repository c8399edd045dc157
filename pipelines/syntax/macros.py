"""C and C++ for a parser that runs no preprocessor: macros where the language has no word are blanked out.

`class EXPORT Box {` defines a function `Box` for the grammar, `int size() NOEXCEPT {` one called `NOEXCEPT`, and after
`INLINE void open() {` it loses its way. Blanks of the same length stand for such names, so that every place in the tree
is one in the source. Only names in capitals are taken for macros, as nearly all guidelines write them.
"""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

NEAR = 160  # bytes; the parser notices some tokens later that it has been misled

_NO_LINE_END = re.compile(rb"[^\r\n]")

_NAME = rb"(?<![\w.:>#])_*[A-Z][A-Z0-9_]+\b(?!::)"
_MACRO = _NAME + rb"(?:[ \t]*\((?:[^()]|\([^()]*\))*+\))?"
_RUN = rb"(?P<%s>" + _MACRO + rb"(?:\s+" + _MACRO + rb")*+)"
# What is passed over: comments, strings and the preprocessor's own lines.
_ASIDE = rb"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|^[ \t]*#(?:\\\r?\n|[^\n])*"
# Where nothing but a macro can stand.
_SURE = re.compile(
    _ASIDE
    + rb"|\b(?:class|struct|union|enum(?:\s+(?:class|struct))?)\s+"
    + _RUN % b"kind"
    + rb"(?=\s+[A-Za-z_][\w:]*\s*(?:<[^;{}()]*>\s*)?(?:final\s*)?(?::[^:]|\{))"
    + rb"|\)\s*(?:(?:const|volatile|noexcept|override|final|&&?)\s*)*+"
    + _RUN % b"qualifier"
    + rb"(?=\s*\{)",
    re.DOTALL | re.MULTILINE,
)
# Where a type or a statement can stand as well: only asked near an error, one kind after the other.
_LIKELY = tuple(
    re.compile(_ASIDE + rb"|" + place, re.DOTALL | re.MULTILINE)
    for place in (
        rb"(?<=[\w*&>])\s+(?P<middle>" + _MACRO + rb")(?=\s+[A-Za-z_~][\w:~<>]*\s*\()",
        rb"(?P<before>" + _MACRO + rb")(?=[ \t]+[A-Za-z_~])(?!\s+" + _NAME + rb"\s+[A-Za-z_~][\w:~]*\s*\()",
        rb"(?<=[\w)])\s+(?P<after>" + _MACRO + rb")(?=\s*(?:[;={,:]|override\b|final\b|const\b))",
        rb"^[ \t]*(?P<alone>" + _MACRO + rb")(?=[ \t]*;?[ \t]*\r?$(?!\s*[{:(]))",
    )
)


def parse_with_macros(source: bytes, parse: Callable[[bytes], "Tree"]) -> "tuple[Tree, dict[int, int]]":
    """The tree of C or C++ source behind its macros; and end → start of those that stand before a word.

    Of doubtful names only those near an error are blanked, and only if that leaves fewer errors.
    """
    before: dict[int, int] = {}
    text = _blanked(source, list(_found(_SURE, source)), before)
    tree = parse(text)
    errors = _errors(tree.root_node)
    for place in _LIKELY if errors else ():
        near = _near(list(_found(place, text)), errors)
        more = dict(before)
        repaired = _blanked(text, near, more)
        other = parse(repaired) if near else tree
        if len(left := _errors(other.root_node)) < len(errors):
            text, tree, errors, before = repaired, other, left, more
    return tree, before


def _found(pattern: re.Pattern[bytes], source: bytes) -> Iterator[re.Match[bytes]]:
    return (match for match in pattern.finditer(source) if match.lastgroup)


def _blanked(source: bytes, found: list[re.Match[bytes]], before: dict[int, int]) -> bytes:
    text = bytearray(source)
    for match in found:
        start, end = match.span(str(match.lastgroup))
        text[start:end] = _NO_LINE_END.sub(b" ", source[start:end])
        if match.lastgroup == "before":
            before[end] = start
    return bytes(text)


def _errors(root: "Node") -> list[tuple[int, int]]:
    """The bytes of what the parser could not read or had to add, by position."""
    found: list[tuple[int, int]] = []
    todo = [root] if root.has_error else []
    while todo:
        node = todo.pop()
        if node.is_error or node.is_missing:
            found.append(node.byte_range)
        todo += [child for child in node.children if child.has_error]
    return sorted(found)


def _near(found: list[re.Match[bytes]], errors: list[tuple[int, int]]) -> list[re.Match[bytes]]:
    """Those within `NEAR` bytes of an error; both are sorted."""
    kept: list[re.Match[bytes]] = []
    at, end = 0, -1
    for match in found:
        while at < len(errors) and errors[at][0] <= match.end() + NEAR:
            end = max(end, errors[at][1])
            at += 1
        if match.start() <= end + NEAR:
            kept.append(match)
    return kept
