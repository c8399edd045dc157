"""The languages Nocturne parses: one row each, and the queries beside it; and, for all other files, kinds of text.

To add one with a tree-sitter wheel: a row below, `queries/<queries>.scm` (definitions), `queries/<queries>.spans.scm`
(spans) and, if its facts are wanted, `queries/<queries>.facts.scm`. The capture names are explained in `symbols.py`,
`spans.py` and `facts.py`. One that has none brings a reader of its own: a row that names it, and `reading.py` says what
it gives.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from importlib.resources import files
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipelines.syntax import macros
from pipelines.syntax.docs import CDOC, CSHARPDOC, GODOC, JSDOC, PYTHON, RDOC, RUSTDOC, DocStyle
from pipelines.syntax.text import kinds

if TYPE_CHECKING:
    import tree_sitter

    from pipelines.syntax.reading import Reading


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
    Language("notebook", (".ipynb",), "tree_sitter_python:language", ("python",), PYTHON),  # by `dialects.opened`
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


def called(name: str) -> Language | None:
    """The language or kind of text that a person means, by its name or a file ending; None when there is none."""
    low = name.lower().removeprefix(".")
    return _BY_EXTENSION.get(f".{low}") or _BY_NAME.get(low) or _of_kind(kinds.called(low))


@cache
def _of_kind(kind: str | None) -> Language | None:
    if kind is None or kind in _BY_NAME:
        return _BY_NAME.get(kind or "")
    ending = ".yaml" if kind == "yaml" else ".conf"  # how scanners for secrets read it: values need no quotes
    pattern = kinds.PATTERNS.get(kind, "")
    reader = "pipelines.syntax.text.blocks:read"
    return Language(kind, (ending,), reader=reader, library=kinds.LIBRARY, code=False, blocks=pattern)


def named(name: str) -> Language:
    """The language of that name.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]


def parse(source: bytes, language: Language) -> "tree_sitter.Tree":
    """The syntax tree of UTF-8 source; never fails, broken source has ERROR nodes."""
    return _parsed(source, language)[0]


def macros_before(source: bytes, language: Language) -> dict[int, int]:
    """End → start of macros that the tree does not have and that stand before a word, as attributes do."""
    return _parsed(source, language)[1]


@lru_cache(maxsize=1)  # symbols, chunks and spans of one file are asked for one after the other
def _parsed(source: bytes, language: Language) -> "tuple[tree_sitter.Tree, dict[int, int]]":
    import tree_sitter

    parser = tree_sitter.Parser(_grammar(language))
    return macros.parsed(source, parser.parse) if language.macros else (parser.parse(source), {})


@lru_cache(maxsize=1)
def read(source: bytes, language: Language) -> "Reading":
    """What the reader of a language says of UTF-8 source; kept until the next file, as several ask for it in turn."""
    module, function = language.reader.split(":")
    reader = getattr(import_module(module), function)
    reading: Reading = reader(source, language.blocks) if language.blocks else reader(source)
    return reading


def valid(source: bytes, language: Language) -> bool | None:
    """Whether the grammar accepts all of the source: no ERROR and no MISSING node; None for text, which has none."""
    if language.reader:
        return read(source, language).valid
    return not parse(source, language).root_node.has_error


@cache
def query(language: Language, *kinds: str) -> "tree_sitter.Query":
    """The compiled query of a language; each kind is "" (definitions), ".spans" or ".facts"."""
    import tree_sitter

    folder = files("pipelines.syntax") / "queries"
    parts = [(kind, folder / f"{stem}{kind}.scm") for kind in kinds for stem in language.queries]
    text = "\n".join(part.read_text() for kind, part in parts if kind != ".facts" or part.is_file())
    return tree_sitter.Query(_grammar(language), text)


@cache
def _grammar(language: Language) -> "tree_sitter.Language":
    import tree_sitter

    module, function = language.grammar.split(":")
    return tree_sitter.Language(getattr(import_module(module), function)())
