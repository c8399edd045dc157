"""What is known of a symbol besides where it is and what it says: its imports, calls, complexity and size.

The queries `queries/*.facts.scm` say where a language has what; one without such a query gets neutral facts,
and so does one that has no grammar.
Their captures: `@import` (a statement), `@import.keyword` (a word written once before several),
`@import.scope` (what an import inside is seen in), `@binds` (a name that the import around binds), `@binds.path`
(a path whose last part it binds), `@use` (a name that may be an import's), `@member` (a use that is none),
`@decorator`, `@call` (the last name of what is called), `@decision` and `@default` (a token for each way the
code may branch, and for each branch that needs no decision), `@test` (code that is only a test), `@comment`.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.syntax.captures import find_marks, ranges_of
from pipelines.syntax.imports import read_imports, used_names
from pipelines.syntax.languages import Language
from pipelines.syntax.parser import parse
from pipelines.syntax.tokens import token_starts
from pipelines.syntax.types import Symbol


@dataclass(frozen=True)
class Facts:
    """What is known of one symbol.

    Attributes:
        scope: the qualified name of what encloses it; "" at the top.
        imports: the import statements that bind a name it uses, in the file's order, white space normalised.
        decorators: its decorators, annotations or attributes as written.
        calls: the last name of each thing it calls, in the order of their first appearance.
        complexity: 1 + the decisions in it (McCabe, A Complexity Measure, 1976). A function inside counts its
            own; for a class, all decisions inside count.
        token_count: leaves of the syntax tree (words and marks where there is none); comments and documentation
            are not counted.
    """

    scope: str
    imports: list[str]
    decorators: list[str]
    calls: list[str]
    complexity: int
    token_count: int


@dataclass(frozen=True)
class FileFacts:
    """What is known of one file.

    Attributes:
        symbols: the facts of each symbol, in the order of the symbols.
        imports: all its import statements.
        calls: the last name of each thing it calls.
        test_symbols: for each symbol, whether it lies in a part of the file that is only a test.
        test_calls: what such parts call.
    """

    symbols: list[Facts]
    imports: list[str]
    calls: list[str]
    test_symbols: list[bool]
    test_calls: list[str]


def read_facts(source: bytes, language: Language, found: list[Symbol]) -> FileFacts:
    """The facts of UTF-8 source and of its symbols.

    Args:
        source: the file.
        language: its language.
        found: what `symbols` found in it.
    """
    if language.grammar:
        return _File(source, language, found).facts()
    return FileFacts([_neutral(symbol) for symbol in found], [], [], [False] * len(found), [])


def _neutral(symbol: Symbol) -> Facts:
    """What can be said without a syntax tree; words and marks stand for tokens."""
    return Facts(_scope(symbol), [], [], [], 1, len(re.findall(r"\w+|[^\w\s]", symbol.code)))


def _scope(symbol: Symbol) -> str:
    """A dot joins the names of code, ` > ` the headings of prose."""
    return symbol.qualified_name.removesuffix(symbol.name).rstrip(" >").removesuffix(".")


class _File:
    def __init__(self, source: bytes, language: Language, found: list[Symbol]) -> None:
        self.source = source
        self.found = found
        captures = find_marks(source, language)
        comments = dict(ranges_of(captures, "comment"))
        docs = dict(symbol.doc_range for symbol in found if symbol.doc_range)
        self.tokens = token_starts(parse(source, language), source, _outermost(found), comments | docs)
        self.imports = read_imports(captures, comments, source)
        self.uses = used_names(self.imports, captures, source)
        self.calls = [(start, self._text(start, end)) for start, end in ranges_of(captures, "call")]
        self.decorators = [(start, self._text(start, end)) for start, end in ranges_of(captures, "decorator")]
        self.decisions = sorted({start for start, _ in ranges_of(captures, "decision")})
        self.defaults = sorted({start for start, _ in ranges_of(captures, "default")})
        self.tests = ranges_of(captures, "test") + [
            (one.start_byte, one.end_byte) for one in found if one.kind == "test"
        ]

    def facts(self) -> FileFacts:
        return FileFacts(
            symbols=[self._symbol(*pair) for pair in zip(self.found, self._complexities(), strict=True)],
            imports=[statement.text for statement in self.imports],
            calls=_names(self.calls, 0, len(self.source)),
            test_symbols=[any(start <= symbol.start_byte < end for start, end in self.tests) for symbol in self.found],
            test_calls=[name for start, end in self.tests for name in _names(self.calls, start, end)],
        )

    def _symbol(self, symbol: Symbol, complexity: int) -> Facts:
        start, end = symbol.start_byte, symbol.end_byte
        return Facts(
            scope=_scope(symbol),
            imports=[text for text, places in self.uses if _count(places, start, end)],
            decorators=[text for _, text in _within(self.decorators, start, symbol.body_start_byte)],
            calls=_names(self.calls, start, end),
            complexity=complexity,
            token_count=_count(self.tokens, start, end),
        )

    def _complexities(self) -> list[int]:
        """One for each symbol: what lies inside it, less what lies in the functions and classes inside it."""
        inside = [self._decisions(symbol) for symbol in self.found]
        own = list(inside)
        around: list[int] = []
        for number, symbol in enumerate(self.found):
            while around and self.found[around[-1]].end_byte < symbol.end_byte:
                around.pop()
            if around and self.found[around[-1]].kind != "class":
                own[around[-1]] -= inside[number]
            around.append(number)
        return [1 + max(0, decisions) for decisions in own]

    def _decisions(self, symbol: Symbol) -> int:
        start, end = symbol.start_byte, symbol.end_byte
        return _count(self.decisions, start, end) - _count(self.defaults, start, end)

    def _text(self, start: int, end: int) -> str:
        return self.source[start:end].decode("utf-8", "replace")


def _outermost(found: list[Symbol]) -> list[tuple[int, int]]:
    """The ranges of the symbols that lie in no other, by position."""
    outer: list[tuple[int, int]] = []
    for symbol in found:
        if not outer or symbol.start_byte >= outer[-1][1]:
            outer.append((symbol.start_byte, symbol.end_byte))
        elif symbol.end_byte > outer[-1][1]:
            outer[-1] = (outer[-1][0], symbol.end_byte)
    return outer


def _count(places: list[int], start: int, end: int) -> int:
    return bisect_left(places, end) - bisect_left(places, start)


def _within(texts: list[tuple[int, str]], start: int, end: int) -> Sequence[tuple[int, str]]:
    return texts[bisect_left(texts, (start,)) : bisect_left(texts, (end,))]


def _names(calls: list[tuple[int, str]], start: int, end: int) -> list[str]:
    return list(dict.fromkeys(name for _, name in _within(calls, start, end)))
