"""What a definition is called: its own name, and the path of what it is said to belong to."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_ARGUMENTS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")


def text_of(node: "Node") -> str:
    """The source of a node; of a conversion (`operator bool() const`) what is its name."""
    source = node.text or b""
    if node.type == "operator_cast" and (declarator := node.child_by_field_name("declarator")) is not None:
        source = source[: declarator.start_byte - node.start_byte].rstrip()
    return source.decode("utf-8", "replace")


def last_part(name: str) -> str:
    """`*List[T]`, `a::List<T>` and `"list"` are all the scope `List` or `list`."""
    return path_of(name).rsplit(".", 1)[-1]


def path_of(name: str) -> str:
    r"""`a::List<T>::Node`, `A\List` and `*List[T]` are the scopes `a.List.Node`, `A.List` and `List`."""
    bare = name.strip("*&\"' ")
    while (shorter := _ARGUMENTS.sub("", bare)) != bare:
        bare = shorter
    return ".".join(part.strip() for part in re.split(r"::|\\|\.", bare or name) if part.strip())


def title_of(node: "Node") -> str:
    """What a test or a group of tests is called, `it("adds one", …)`: the words of a string, without its quotes."""
    return " ".join(text_of(node).split()).strip("\"'`")


def join(nodes: "list[Node]") -> str:
    """A name that one node, or several of one parent, spell: `~Box`, `operator +`."""
    first, parent = nodes[0], nodes[0].parent
    if len(nodes) == 1 or parent is None:
        return text_of(first)
    start = parent.start_byte
    whole = (parent.text or b"")[first.start_byte - start : nodes[-1].end_byte - start]
    return " ".join(whole.decode("utf-8", "replace").split())


def split(node: "Node") -> "tuple[list[Node], Node]":
    """The scopes before a name and the name itself: `a::Box<T>::put` gives `a`, `Box<T>` and `put`."""
    scopes: list[Node] = []
    while node.type in _QUALIFIED and (name := node.child_by_field_name("name")) is not None:
        scope = node.child_by_field_name("scope")
        if scope is not None:
            scopes.append(scope)
        node = name
    return scopes, node


def declared_names(declarator: "Node") -> "Node | None":
    """The name in a C or C++ declarator that declares a function; None when it declares a variable.

    A declarator is written as what it declares is used (`*(*find(int key))[3]`): what stands nearest
    to the name says what the name is.
    """
    node, nearest = declarator, declarator.type
    while (inner := _inner(node)) is not None:
        if node.type not in _TRANSPARENT:
            nearest = node.type
        node = inner
    if node.type == "primitive_type" or text_of(node) in _STATEMENTS:
        return None
    conversion = split(node)[1].type == "operator_cast"
    return node if conversion or nearest == "function_declarator" else None


def _inner(node: "Node") -> "Node | None":
    if node.type in _WRAPPING:
        return next((child for child in node.named_children if child.type not in _BESIDE), None)
    return None if node.type == "operator_cast" else node.child_by_field_name("declarator")


_QUALIFIED = {"qualified_identifier", "scope_resolution", "template_type", "template_function", "template_method"}
# What `#if` and macros make of code that the grammar cannot read: `else if (x) {` as a function `if`.
_STATEMENTS = {"if", "for", "while", "switch"}
_TRANSPARENT = {"parenthesized_declarator", "attributed_declarator"}
_WRAPPING = _TRANSPARENT | {"reference_declarator"}
_BESIDE = {"comment", "attribute_declaration", "ms_call_modifier"}
