"""A file's source parsed by its language's grammar, or read by the reader of one that has none."""

from functools import cache, lru_cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING

from pipelines.syntax import macros
from pipelines.syntax.languages import Language
from pipelines.syntax.types import Reading

if TYPE_CHECKING:
    import tree_sitter


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
    return macros.parse_with_macros(source, parser.parse) if language.macros else (parser.parse(source), {})


@lru_cache(maxsize=1)
def read(source: bytes, language: Language) -> Reading:
    """What the reader of a language says of UTF-8 source; kept until the next file, as several ask for it in turn."""
    module, function = language.reader.split(":")
    reader = getattr(import_module(module), function)
    reading: Reading = reader(source, language.blocks) if language.blocks else reader(source)
    return reading


def is_valid(source: bytes, language: Language) -> bool | None:
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
