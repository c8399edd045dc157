"""The languages Nocturne parses: one row each, and the queries beside it.

To add one: a row below, `queries/<queries>.scm` (definitions) and `queries/<queries>.spans.scm`
(spans). The capture names are explained in `symbols.py` and `spans.py`.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipelines.syntax.docs import GODOC, JSDOC, PYTHON, RUSTDOC, DocStyle

if TYPE_CHECKING:
    import tree_sitter


@dataclass(frozen=True)
class Language:
    """One language.

    Attributes:
        name: as written in every record.
        extensions: file name endings, lower case, with their dot.
        grammar: "module:function" of its wheel; loaded when the first file of the language is parsed.
        queries: the stems of its files in `queries/`, which are read one after the other.
        doc: how it documents definitions.
    """

    name: str
    extensions: tuple[str, ...]
    grammar: str
    queries: tuple[str, ...]
    doc: DocStyle


LANGUAGES = (
    Language("python", (".py", ".pyi", ".pyw"), "tree_sitter_python:language", ("python",), PYTHON),
    Language(
        "javascript",
        (".js", ".jsx", ".mjs", ".cjs"),
        "tree_sitter_javascript:language",
        ("ecmascript", "javascript"),
        JSDOC,
    ),
    Language(
        "typescript",
        (".ts", ".mts", ".cts"),
        "tree_sitter_typescript:language_typescript",
        ("ecmascript", "typescript"),
        JSDOC,
    ),
    Language(
        "tsx",
        (".tsx",),
        "tree_sitter_typescript:language_tsx",
        ("ecmascript", "typescript"),
        JSDOC,
    ),
    Language("java", (".java",), "tree_sitter_java:language", ("java",), JSDOC),
    Language("go", (".go",), "tree_sitter_go:language", ("go",), GODOC),
    Language("rust", (".rs",), "tree_sitter_rust:language", ("rust",), RUSTDOC),
)

_BY_NAME = {language.name: language for language in LANGUAGES}
_BY_EXTENSION = {end: language for language in LANGUAGES for end in language.extensions}


def language_of(path: str) -> Language | None:
    """The language of a file by its name's ending, whatever its case; None when there is none."""
    return _BY_EXTENSION.get(PurePosixPath(path).suffix.lower())


def named(name: str) -> Language:
    """The language of that name.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]


def parse(source: bytes, language: Language) -> "tree_sitter.Tree":
    """The syntax tree of UTF-8 source; never fails, broken source has ERROR nodes."""
    import tree_sitter

    return tree_sitter.Parser(_grammar(language)).parse(source)


def valid(source: bytes, language: Language) -> bool:
    """Whether the grammar accepts all of the source: no ERROR and no MISSING node."""
    return not parse(source, language).root_node.has_error


@cache
def query(language: Language, kind: str) -> "tree_sitter.Query":
    """The compiled query of a language; `kind` is "" (definitions) or ".spans"."""
    import tree_sitter

    folder = files("pipelines.syntax") / "queries"
    text = "\n".join((folder / f"{stem}{kind}.scm").read_text() for stem in language.queries)
    return tree_sitter.Query(_grammar(language), text)


@cache
def _grammar(language: Language) -> "tree_sitter.Language":
    import tree_sitter

    module, function = language.grammar.split(":")
    return tree_sitter.Language(getattr(import_module(module), function)())
