"""The languages Nocturne parses: one row each, and the queries beside it; and, for all other files, kinds of text.

To add one with a tree-sitter wheel: a row below, `queries/<queries>.scm` (definitions), `queries/<queries>.spans.scm`
(spans) and, if its facts are wanted, `queries/<queries>.facts.scm`. The capture names are explained in `symbols.py`,
`spans.py` and `facts.py`. One that has none brings a reader of its own: a row that names it, and `types.Reading` says
what it gives.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from pipelines.syntax.doc_comments import CDOC, CSHARPDOC, GODOC, JSDOC, PYTHON, RDOC, RUSTDOC, DocStyle
from pipelines.syntax.text import kinds


@dataclass(frozen=True)
class Language:
    """One language.

    Attributes:
        name: as written in every record.
        extensions: file name endings, lower case, with their dot.
        grammar: "module:function" of its wheel; loaded when the first file of the language is parsed; "" with a reader.
        queries: the stems of its files in `queries/`, which are read one after the other.
        doc: how it documents definitions.
        reader: "module:function" of this room that reads it instead of a grammar and queries, or "".
        library: the package whose version the reader's results depend on, or "".
        macros: whether a preprocessor runs before its grammar holds.
        code: whether its functions and classes are known; prose and other text have none.
        blocks: for text, a pattern that the first line of a block matches; "" where blank lines part it.
    """

    name: str
    extensions: tuple[str, ...]
    grammar: str = ""
    queries: tuple[str, ...] = ()
    doc: DocStyle = PYTHON
    reader: str = ""
    library: str = ""
    macros: bool = False
    code: bool = True
    blocks: str = ""

    @property
    def data(self) -> bool:
        """Whether it is a format for data, which programs write as well as people."""
        return self.name in kinds.DATA


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
    Language("c", (".c", ".h"), "tree_sitter_c:language", ("c",), CDOC, macros=True),
    Language(
        "cpp",
        (".cpp", ".cc", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".h++", ".ipp", ".tpp", ".inl", ".cppm", ".ixx"),
        "tree_sitter_cpp:language",
        ("cpp", "c"),
        CDOC,
        macros=True,
    ),
    Language("csharp", (".cs", ".csx"), "tree_sitter_c_sharp:language", ("csharp",), CSHARPDOC),
    Language("ruby", (".rb", ".rake", ".gemspec", ".ru"), "tree_sitter_ruby:language", ("ruby",), RDOC),
    Language("php", (".php", ".phtml"), "tree_sitter_php:language_php", ("php",), JSDOC),
    Language("notebook", (".ipynb",), "tree_sitter_python:language", ("python",), PYTHON),  # by `dialects.open_dialect`
    Language(
        "markdown",
        (".md", ".markdown"),
        reader="pipelines.syntax.prose.markdown:read",
        library="markdown-it-py",
        code=False,
    ),
    Language("smalltalk", (".st",), reader="pipelines.syntax.smalltalk.reader:read"),
    Language("restructuredtext", (".rst",), reader="pipelines.syntax.prose.restructuredtext:read", code=False),
)

_BY_NAME = {language.name: language for language in LANGUAGES}
_BY_EXTENSION = {end: language for language in LANGUAGES for end in language.extensions}


def language_of(path: str) -> Language | None:
    """The language of a file by its name, else the kind of text that it is; None when the name is a binary file's."""
    name = PurePosixPath(path)
    known = _BY_EXTENSION.get(name.suffix.lower())
    return known or _of_kind(kinds.kind_of(name.name))


def find_language(name: str) -> Language | None:
    """The language or kind of text that a person means, by its name or a file ending; None when there is none."""
    low = name.lower().removeprefix(".")
    return _BY_EXTENSION.get(f".{low}") or _BY_NAME.get(low) or _of_kind(kinds.find_kind(low))


@cache
def _of_kind(kind: str | None) -> Language | None:
    if kind is None or kind in _BY_NAME:
        return _BY_NAME.get(kind or "")
    ending = ".yaml" if kind == "yaml" else ".conf"  # how scanners for secrets read it: values need no quotes
    pattern = kinds.PATTERNS.get(kind, "")
    reader = "pipelines.syntax.text.blocks:read"
    return Language(kind, (ending,), reader=reader, library=kinds.LIBRARY, code=False, blocks=pattern)


def language_named(name: str) -> Language:
    """The language of that name.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]
