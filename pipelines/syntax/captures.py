"""What a language's queries (`queries/*.scm`) found in one file, as plain tables."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.syntax.languages import Language, parse, query

if TYPE_CHECKING:
    from tree_sitter import Node

Captures = dict[str, list["Node"]]

_DEFINITION = "definition."


@dataclass
class Found:
    """The captures of one file.

    Attributes:
        definitions: node id → (kind, node, all captures of its first pattern).
        scopes: (node, name node, whether functions directly inside are methods).
        wrappers: node id → the node that wraps it (`export`, `const`, decorators).
        docstrings: id of a definition → the expression statement that opens its body.
        leading: end byte → start byte of attributes and decorators that stand before a definition.
        comments: end byte → start byte.
    """

    definitions: "dict[int, tuple[str, Node, Captures]]" = field(default_factory=dict)
    scopes: "list[tuple[Node, Node, bool]]" = field(default_factory=list)
    wrappers: "dict[int, Node]" = field(default_factory=dict)
    docstrings: "dict[int, Node]" = field(default_factory=dict)
    leading: dict[int, int] = field(default_factory=dict)
    comments: dict[int, int] = field(default_factory=dict)


def find(source: bytes, language: Language) -> Found:
    """Run a language's definition queries over UTF-8 source."""
    import tree_sitter

    found = Found()
    tree = parse(source, language)
    matches = tree_sitter.QueryCursor(query(language, "")).matches(tree.root_node)
    for _, captures in sorted(matches, key=lambda match: match[0]):
        _file(found, captures, source)
    return found


def _file(found: Found, captures: Captures, source: bytes) -> None:
    key = next((name for name in captures if name.startswith(_DEFINITION)), None)
    if key is not None:
        node = captures[key][0]
        found.definitions.setdefault(node.id, (key.removeprefix(_DEFINITION), node, captures))
    elif "scope.name" in captures:
        scope = captures.get("scope") or captures["scope.class"]
        found.scopes.append((scope[0], captures["scope.name"][0], "scope.class" in captures))
    elif "wrapped" in captures:
        found.wrappers.setdefault(captures["wrapped"][0].id, captures["wrapper"][0])
    elif "documented" in captures:
        found.docstrings.setdefault(captures["documented"][0].id, captures["doc"][0])
    else:
        _file_ends(found.leading, captures.get("leading", []), source)
        _file_ends(found.comments, captures.get("comment", []), source)


def _file_ends(ends: dict[int, int], nodes: "list[Node]", source: bytes) -> None:
    for node in nodes:
        text = source[node.start_byte : node.end_byte]
        # Rust's line comments of documentation end with their line feed.
        ends[node.start_byte + len(text.rstrip())] = node.start_byte
