"""What a language's queries (`queries/*.scm`) found in one file, as plain tables."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.syntax import names
from pipelines.syntax.languages import Language
from pipelines.syntax.parser import macros_before, parse, query

if TYPE_CHECKING:
    from tree_sitter import Node

Captures = dict[str, list["Node"]]

_DEFINITION = "definition."


@dataclass(frozen=True)
class Scope:
    """A range whose name is part of the qualified names inside it.

    Attributes:
        start: its first byte.
        end: where it ends.
        name: as it is written in qualified names.
        is_class: whether functions directly inside are methods.
    """

    start: int
    end: int
    name: str
    is_class: bool


@dataclass
class Found:
    """The captures of one file.

    Attributes:
        definitions: node id → (kind, node, all captures of its first pattern).
        scopes: what is no definition but part of the qualified names inside it.
        wrappers: node id → the node that wraps it (`export`, `const`, decorators).
        docstrings: id of a definition → the expression statement that opens its body.
        leading: end byte → start byte of attributes, decorators and macros that stand before a definition.
        comments: end byte → start byte.
    """

    definitions: "dict[int, tuple[str, Node, Captures]]" = field(default_factory=dict)
    scopes: list[Scope] = field(default_factory=list)
    wrappers: "dict[int, Node]" = field(default_factory=dict)
    docstrings: "dict[int, Node]" = field(default_factory=dict)
    leading: dict[int, int] = field(default_factory=dict)
    comments: dict[int, int] = field(default_factory=dict)


def find_definitions(source: bytes, language: Language) -> Found:
    """Run a language's definition queries over UTF-8 source."""
    import tree_sitter

    tree = parse(source, language)
    found = Found(leading=dict(macros_before(source, language)))
    matches = tree_sitter.QueryCursor(query(language, "")).matches(tree.root_node)
    for _, captures in sorted(matches, key=lambda match: match[0]):
        _file(found, captures, source)
    return found


@lru_cache(maxsize=1)  # facts and spans of one file are asked for one after the other
def find_marks(source: bytes, language: Language) -> Captures:
    """What the facts and spans queries capture in UTF-8 source, in no order: one walk over the tree for both."""
    import tree_sitter

    root = parse(source, language).root_node
    return tree_sitter.QueryCursor(query(language, ".facts", ".spans")).captures(root)


def ranges_of(captures: Captures, name: str) -> list[tuple[int, int]]:
    """The first byte and the end of what has been captured under a name, by position."""
    return sorted([node.byte_range for node in captures.get(name, [])])


def _file(found: Found, captures: Captures, source: bytes) -> None:
    key = next((name for name in captures if name.startswith(_DEFINITION)), None)
    if key is not None:
        _file_definition(found, key.removeprefix(_DEFINITION), captures[key][0], captures)
    elif any(key in captures for key in ("scope.name", "scope.path", "scope.title")):
        found.scopes.append(_scope(captures))
    elif "wrapped" in captures:
        found.wrappers.setdefault(captures["wrapped"][0].id, captures["wrapper"][0])
    elif "documented" in captures:
        found.docstrings.setdefault(captures["documented"][0].id, captures["doc"][0])
    else:
        _file_ends(found.leading, captures.get("leading", []), source)
        _file_ends(found.comments, captures.get("comment", []), source)


def _file_definition(found: Found, kind: str, node: "Node", captures: Captures) -> None:
    if "declarator" in captures:
        name = names.declared_names(captures["declarator"][0])
        if name is None:
            return
        captures = {**captures, "name": [name]}
    found.definitions.setdefault(node.id, (kind, node, captures))


def _scope(captures: Captures) -> Scope:
    key = next(key for key in ("scope", "scope.class", "scope.rest") if key in captures)
    node = captures[key][0]
    end = _end_of_rest(node) if key == "scope.rest" else node.end_byte
    if "scope.path" in captures:
        name = names.path_of(names.text_of(captures["scope.path"][0]))
    elif "scope.title" in captures:
        name = names.title_of(captures["scope.title"][0])
    else:
        name = names.last_part(names.text_of(captures["scope.name"][0]))
    return Scope(node.start_byte, end, name, key == "scope.class")


def _end_of_rest(node: "Node") -> int:
    """A statement that names the scope of what follows it holds up to the next of its kind."""
    if node.parent is None:
        return node.end_byte
    later = (other for other in node.parent.children if other.type == node.type and other.start_byte > node.start_byte)
    following = next(later, None)
    return following.start_byte if following else node.parent.end_byte


def _file_ends(ends: dict[int, int], nodes: "list[Node]", source: bytes) -> None:
    for node in nodes:
        text = source[node.start_byte : node.end_byte]
        # Rust's line comments of documentation end with their line feed.
        ends[node.start_byte + len(text.rstrip())] = node.start_byte
