"""The functions, methods and classes of a file: exactly where they are, and what documents them."""

from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.syntax import names
from pipelines.syntax.captures import Captures, Found, Scope, find_definitions
from pipelines.syntax.doc_comments import string_text
from pipelines.syntax.languages import Language
from pipelines.syntax.lines import Lines
from pipelines.syntax.parser import read
from pipelines.syntax.types import Symbol

if TYPE_CHECKING:
    from tree_sitter import Node

# Every symbol carries its source, so nested ones cost depth times the file: what nests deeper than
# any code people write (CPython stops at 100 indentations) is left out.
MAX_DEPTH = 100


def find_symbols(source: bytes, language: Language) -> list[Symbol]:
    """Every definition in UTF-8 source, nested ones too, by position.

    Source with syntax errors gives the definitions that the grammar could still make out.
    """
    return list(_symbols(source, language))


@lru_cache(maxsize=1)  # chunks ask for the same file's symbols again
def _symbols(source: bytes, language: Language) -> tuple[Symbol, ...]:
    if language.reader:
        return read(source, language).symbols
    found = find_definitions(source, language)
    lines = Lines(source)
    made = [_symbol(key, found, lines, language, name) for key, name in _qualified(found).items()]
    return tuple(sorted(made, key=lambda symbol: (symbol.start_byte, -symbol.end_byte)))


def _qualified(found: Found) -> dict[int, tuple[str, bool]]:
    """Node id → qualified name, and whether it belongs to a class."""
    scopes: list[tuple[Scope, int | None]] = [(scope, None) for scope in found.scopes]
    own: list[tuple[Scope, int | None]] = [
        (Scope(node.start_byte, node.end_byte, ".".join(_own_path(captures)), kind == "class"), key)
        for key, (kind, node, captures) in found.definitions.items()
    ]
    around: list[Scope] = []
    qualified: dict[int, tuple[str, bool]] = {}
    for scope, key in sorted(scopes + own, key=lambda item: (item[0].start, -item[0].end)):
        while around and around[-1].end < scope.end:
            around.pop()
        if key is not None and len(around) < MAX_DEPTH:
            path = ".".join([*(outer.name for outer in around), scope.name])
            belongs = len(_own_path(found.definitions[key][2])) > 1
            qualified[key] = (path, belongs or (bool(around) and around[-1].is_class))
        around.append(scope)
    return qualified


def _own_path(captures: Captures) -> list[str]:
    """The name of a definition, after those of the scopes that it names itself."""
    receivers = captures.get("receiver", [])
    if "title" in captures:
        return [*map(names.text_of, receivers), names.title_of(captures["title"][0])]
    scopes, name = names.split(captures["name"][0])
    receivers = receivers + scopes
    own = names.join(captures["name"]) if len(captures["name"]) > 1 else names.text_of(name)
    return [*(names.path_of(names.text_of(node)) for node in receivers), own]


def _symbol(key: int, found: Found, lines: Lines, language: Language, qualified: tuple[str, bool]) -> Symbol:
    kind, node, captures = found.definitions[key]
    outer = node
    while outer.id in found.wrappers:
        outer = found.wrappers[outer.id]
    start, comments = _before(outer.start_byte, found, lines, language)
    end = outer.end_byte
    header_end, body = _body(node, captures, end, lines)
    doc, doc_range = "", None
    if comments:
        doc = language.doc.text([lines.text(*comment) for comment in comments])
        doc_range = (comments[0][0], comments[-1][1])
    elif key in found.docstrings:
        string = found.docstrings[key]
        text = string_text(names.text_of(string))
        if text is not None:
            doc, doc_range = text, (string.start_byte, string.end_byte)
            body = (lines.after_statement(string.end_byte, body[1]), body[1])
    return Symbol(
        kind="method" if kind == "function" and qualified[1] else kind,
        name=_own_path(captures)[-1],
        qualified_name=qualified[0],
        signature=lines.text(start, header_end, cut=doc_range).rstrip().rstrip(";"),
        doc=doc,
        body=lines.text(*body),
        code=lines.text(start, end, cut=doc_range),
        start_byte=start,
        end_byte=end,
        start_line=lines.number(start),
        end_line=lines.number(max(start, end - 1)),
        body_start_byte=body[0],
        body_end_byte=body[1],
        doc_range=doc_range,
    )


def _body(node: "Node", captures: Captures, end: int, lines: Lines) -> tuple[int, tuple[int, int]]:
    """Where the header ends, and the range of the body."""
    if "header" in captures:
        header_end = captures["header"][0].end_byte
        if "body" not in captures:
            return header_end, (header_end, header_end)
        body_end = captures["body"][0].end_byte
        return header_end, (lines.after_statement(header_end, body_end), body_end)
    if "body.open" in captures:
        opening = captures["body.open"][0].start_byte
        return opening, (opening, node.end_byte)
    if "body" in captures:
        body = captures["body"][0]
        return body.start_byte, (body.start_byte, body.end_byte)
    return end, (end, end)


def _before(start: int, found: Found, lines: Lines, language: Language) -> tuple[int, list[tuple[int, int]]]:
    """Walk up from a definition over what stands directly before it.

    Returns where it begins with its attributes, and its documentation comments, top to bottom.
    """
    comments: list[tuple[int, int]] = []
    position = start
    while (end := lines.end_before(position)) is not None:
        if end in found.leading:
            start = position = found.leading[end]
            if comments:
                break
            continue
        opening = found.comments.get(end)
        if opening is None or not lines.same_block(end, position):
            break
        if not lines.is_first(opening) and lines.number(end) < lines.number(position):
            break
        text = lines.text(opening, end)
        if language.doc.is_block(text):
            if not comments:
                comments.append((opening, end))
            break
        if language.doc.is_line(text):
            comments.insert(0, (opening, end))
        elif comments:
            break
        position = opening
    return start, comments
