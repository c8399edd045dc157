"""The import statements of a file: what each binds, and where its names are used."""

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.syntax.captures import Captures

if TYPE_CHECKING:
    from tree_sitter import Node

# A Go package is called by the last element of its path but one, where the last is a major version:
# https://go.dev/ref/mod#major-version-suffixes
_MAJOR_VERSION = re.compile(rb"[/.]v[0-9]+$")


@dataclass(frozen=True)
class Import:
    """One import statement.

    Attributes:
        text: the statement without comments, white space as single blanks.
        names: what it binds; nothing for a star, nor where only a compiler knows.
        start: its first byte.
        end: the byte after its last.
        seen: the first byte and the end of what its names are seen in.
    """

    text: str
    names: frozenset[bytes]
    start: int
    end: int
    seen: tuple[int, int]


def read_imports(captures: Captures, comments: dict[int, int], source: bytes) -> list[Import]:
    """The import statements of UTF-8 source, in order.

    Args:
        captures: of the language's facts query.
        comments: start byte → end byte.
        source: the file.
    """
    bound = [(node.start_byte, _source(node, source)) for node in captures.get("binds", [])]
    bound += [(node.start_byte, _package(_source(node, source))) for node in captures.get("binds.path", [])]
    bound.sort()
    made = {}
    for node in captures.get("import", []):
        within = bound[bisect_left(bound, (node.start_byte,)) : bisect_left(bound, (node.end_byte,))]
        made[node.start_byte] = Import(
            text=_keyword(node, captures) + _text(node, comments, source),
            names=frozenset(name for _, name in within),
            start=node.start_byte,
            end=node.end_byte,
            seen=_seen(node, captures, source),
        )
    return [made[start] for start in sorted(made)]


def used_names(statements: list[Import], captures: Captures, source: bytes) -> list[tuple[str, list[int]]]:
    """The text of each import statement whose names are used where they are seen, and the bytes where, ascending."""
    places: dict[bytes, list[int]] = {name: [] for statement in statements for name in statement.names}
    if not places:
        return []
    apart = {node.start_byte for node in captures.get("member", [])}
    apart.update(at for statement in statements for at in range(statement.start, statement.end))
    for node in captures.get("use", []):
        start, end = node.byte_range
        name = source[start:end]
        if name in places and start not in apart:
            places[name].append(start)
    used = []
    for statement in statements:
        first, last = statement.seen
        seen = sorted(at for name in statement.names for at in places[name] if first <= at < last)
        if seen:
            used.append((statement.text, seen))
    return used


def _source(node: "Node", source: bytes) -> bytes:
    return source[node.start_byte : node.end_byte]


def _package(path: bytes) -> bytes:
    return _MAJOR_VERSION.sub(b"", path).rsplit(b"/", 1)[-1]


def _keyword(node: "Node", captures: Captures) -> str:
    """The word that stands once before several imports, with a blank."""
    before = [word for word in captures.get("import.keyword", []) if word.end_byte <= node.start_byte]
    return f"{(before[-1].text or b'').decode()} " if before else ""


def _text(node: "Node", comments: dict[int, int], source: bytes) -> str:
    kept, at = b"", node.start_byte
    for start, end in comments.items():
        if node.start_byte <= start < node.end_byte:
            kept, at = kept + source[at:start] + b" ", end
    return " ".join((kept + source[at : node.end_byte]).decode("utf-8", "replace").split())


def _seen(node: "Node", captures: Captures, source: bytes) -> tuple[int, int]:
    """The innermost scope around an import; the whole file where there is none."""
    around = [
        (scope.start_byte, scope.end_byte)
        for scope in captures.get("import.scope", [])
        if scope.start_byte <= node.start_byte and node.end_byte <= scope.end_byte
    ]
    return max(around, default=(0, len(source)))
