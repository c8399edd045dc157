"""What the extraction stage writes: the source's files as they may be learned, cut and parsed.

Offsets in bytes are those of the file's text in UTF-8, after cleaning; lines count from 1 and include the last.
"""

from typing import Annotated, Any, TypedDict


class Blob(TypedDict):
    """Which version of which file something is from; from git, by way of the snapshot."""

    path: Annotated[str, "the file, from the source's root, with slashes"]
    blob: Annotated[str, "git's hash of the file's bytes, 40 hexadecimal digits"]
    commit: Annotated[str, "the last commit that changed the file; `…-dirty` or `uncommitted` as in `snapshot.json`"]


class Origin(Blob):
    """The same, with the language."""

    language: Annotated[str, "the language's name; of a text that no parser reads its kind, such as `yaml`"]


class Span(TypedDict):
    """Where something stands in its file."""

    start_byte: Annotated[int, "bytes from the file's beginning to its own"]
    end_byte: Annotated[int, "bytes from the file's beginning to its end"]
    start_line: Annotated[int, "its first line, from 1"]
    end_line: Annotated[int, "its last line, from 1"]


class File(Origin):
    """One file of text that may be learned."""

    text: Annotated[str, "all of it, after cleaning"]
    license: Annotated[str, "SPDX expression of its own header, else of the project; `unknown` where neither says one"]
    spans: Annotated[
        list[list[Any]], "the whole syntax nodes that a recipe may ask for: first byte, end byte, the grammar's type"
    ]


class SymbolText(Span):
    """What a definition says, as the parser finds it."""

    kind: Annotated[
        str,
        "`function`, `method`, `class` (interface, enum, record, struct and trait, too), `test` (a test with a title "
        "and without a name), or `section` of prose",
    ]
    name: Annotated[str, "the name as defined; of a section its heading"]
    qualified_name: Annotated[str, "the names around it and its own: `Foo.bar`, `Foo>>at:put:`, `Guide > Install`"]
    signature: Annotated[str, "the source up to the body, with decorators and modifiers"]
    doc: Annotated[str, 'the words of its documentation without their marks; `""` without any']
    body: Annotated[str, 'the source of the body, without the documentation in it; `""` for a mere declaration']
    code: Annotated[str, "the whole source without its documentation"]
    body_start_byte: Annotated[int, "bytes from the file's beginning to the body's"]
    body_end_byte: Annotated[int, "bytes from the file's beginning to the body's end"]
    doc_range: Annotated[
        list[int] | None,
        "first and end byte of the documentation with its marks, which may stand before `start_byte`; null without any",
    ]
    scope: Annotated[str, 'the qualified name of what encloses it; `""` at the top']
    imports: Annotated[
        list[str],
        "the file's import statements that bind a name it uses, in order, also those inside it. A star, a C "
        "`#include`, a Ruby `require` and a C# namespace show no name and are never listed",
    ]
    decorators: Annotated[list[str], "its decorators, annotations or attributes as written"]
    calls: Annotated[
        list[str], "the last name of each callee, once, in order; `new Foo()` and Ruby's `Foo.new` give `Foo`"
    ]
    complexity: Annotated[
        int,
        "1 + its decisions (McCabe), as radon counts Python and lizard the rest: branches, loops, cases, handlers, "
        "conditional expressions, `and`, `or`, comprehensions, assertions. A function inside counts its own; a class "
        "counts all that it holds",
    ]
    token_count: Annotated[int, "leaves of its syntax tree, without comments and documentation"]


class Symbol(Origin, SymbolText):
    """One definition, or one section of prose."""

    symbol_id: Annotated[str, "32 hexadecimal digits that change with its path, its place or its source"]
    tested: Annotated[
        bool,
        "a test calls it by name, and imports it, its module or its folder, or lies in its package; so is a class with "
        "a tested member. Part of a test never is. Nothing is run (`pipelines/extraction/test_links.py`)",
    ]


class DefinitionLines(TypedDict):
    """A definition in a chunk, as the parser finds it."""

    symbol: Annotated[str, "its qualified name"]
    kind: Annotated[str, "as in `symbols.jsonl`"]
    start_line: Annotated[int, "its first line, from 1"]
    end_line: Annotated[int, "its last line, from 1"]


class Definition(DefinitionLines):
    """A definition in a chunk, and how complex it is."""

    complexity: Annotated[int, "as in `symbols.jsonl`; 0 when it is no function"]


class ChunkText(Span):
    """What a chunk says, as it is cut."""

    kind: Annotated[str, "the kind of `symbol`; `text` when it belongs to none; `file` for the summary of a file"]
    symbol: Annotated[
        str,
        'qualified name of the only definition in it, else of the one around it, else of the largest in it; else `""`',
    ]
    text: Annotated[str, "whole lines; of a summary the path and the names of what the file defines"]
    defines: Annotated[list[str], "qualified names of the definitions that begin in it, in order"]
    definitions: Annotated[
        list[Definition], "the same with their lines, and before them `symbol` where that begins in an earlier chunk"
    ]
    complexity: Annotated[int, "the highest of `definitions`; 0 without a function"]
    content_hash: Annotated[str, "SHA-256 of what is embedded: `symbol` and `text`; a rename changes nothing in it"]


class Chunk(Origin, ChunkText):
    """One passage that a search can find."""

    chunk_id: Annotated[str, "32 hexadecimal digits that change with its path, its place or its content"]


class FindingText(TypedDict):
    """What cleaning found in a file."""

    kind: Annotated[str, "what it is, as the scanner names it; never a part of it"]
    scanner: Annotated[str, "who found it: detect-secrets, Kingfisher, or a search for personal data"]
    start_line: Annotated[int, "its first line, from 1"]
    end_line: Annotated[int, "its last line, from 1"]
    category: Annotated[str, "`secret` or `personal`"]
    action: Annotated[str, "what was done: `redact` or `quarantine`"]


class Finding(Blob, FindingText):
    """Something that must not be learned: where it stands, and neither the secret nor a hash of it."""
