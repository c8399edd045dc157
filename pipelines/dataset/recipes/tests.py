"""A function to its test."""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from pipelines.dataset.call_resolution import FOLDER_IMPORTED, CallResolver
from pipelines.dataset.recipes.recipe import QUERY_CHARS, LicensedSymbol, Recipe, Sources, format_messages, make_draft
from pipelines.lm import prompts
from pipelines.lm.context_packing import cut_beginning
from pipelines.records.dataset import Draft
from pipelines.syntax import test_paths

# What a test runner takes for a test, by name; where a language is not here, whatever begins or ends with `test`.
NAMES = {"go": re.compile(r"Test(?![a-z]).*"), "python": re.compile(r"test.*")}
NAME = re.compile(r"[Tt]est.*|.*Test")
# By decorator: JUnit, Cargo, NUnit, xUnit.
DECORATOR = re.compile(r"[@\[.:](?:Test|test|ParameterizedTest|RepeatedTest|Fact|Theory)\b")
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
MARKS = frozenset({"test", "tests", "spec", "should", "benchmark", "example"})


def make(sources: Sources) -> Iterator[Draft]:
    """One draft for each test that exercises one function or class of the repository more than others.

    `source[start_byte:end_byte]` is the completion: the test as it stands in its file.
    """
    symbols = list(sources.symbols())
    subjects = CallResolver(symbol for symbol in symbols if not is_in_tests(symbol))
    for test in filter(is_test, symbols):
        subject = subject_of(test, subjects, sources.may_show)
        if subject is not None:
            yield _draft(sources, test, subject)


def subject_of(
    test: LicensedSymbol, subjects: CallResolver[LicensedSymbol], may_show: Callable[[str, str], bool]
) -> LicensedSymbol | None:
    """What a test is about: of what it calls, imported or of its own package, and the class that its group names, that
    to which its name points best. When the name points to none, the only one, if no other name that the test calls is
    defined in the repository."""
    called = [subject for _, subject in subjects.of(test, may_show, FOLDER_IMPORTED)]
    group: LicensedSymbol = {**test, "calls": test["scope"].split(".")}
    groups = subjects.of(group, may_show)
    called += [subject for _, subject in groups if subject["kind"] == "class"]
    best = max(called, key=lambda subject: map_tests(test, subject), default=None)
    if best is None or map_tests(test, best):
        return best
    alone = len(called) == 1 and sum(map(subjects.defines, test["calls"])) == 1
    return best if alone else None


def map_tests(test: LicensedSymbol, subject: LicensedSymbol) -> int:
    """How clearly the name of a test points to a definition; 0 when it does not.

    `test_parse_header_twice` points to `parse_header` and, less clearly, to `parse`; `ParserTest.testHeader` to
    `Parser.header` and, less clearly, to `Parser`.
    """
    name, scope = words_of(test["name"]), words_of(test["scope"])
    around = [*scope, *words_of(PurePosixPath(test["path"]).stem)]
    wanted, of = words_of(subject["name"]), words_of(subject["scope"])
    if wanted and _holds(name, wanted):
        return 4 * len(wanted) + (2 if of and _holds(around, of) else 0)
    return 1 if wanted and subject["kind"] == "class" and _holds(around, wanted) else 0


def is_test(symbol: LicensedSymbol) -> bool:
    """Whether a definition is a test: by its title (`it("adds one", …)`), by its decorators (`@Test`, `#[test]`), or by
    its name in a file of tests."""
    if symbol["kind"] == "test":
        return True
    if symbol["kind"] not in ("function", "method"):
        return False
    if any(DECORATOR.search(decorator) for decorator in symbol["decorators"]):
        return True
    name = NAMES.get(symbol["language"], NAME)
    return test_paths.is_test(symbol["path"]) and name.fullmatch(symbol["name"]) is not None


def is_in_tests(symbol: LicensedSymbol) -> bool:
    """Whether a definition is part of tests, a helper perhaps."""
    scopes = symbol["qualified_name"].split(".")[:-1]
    return test_paths.is_test(symbol["path"]) or not {"test", "tests"}.isdisjoint(scopes) or is_test(symbol)


def words_of(name: str) -> list[str]:
    """The words of an identifier in lower case, but those that only say that it is a test."""
    return [word for word in (found.lower() for found in WORD.findall(name)) if word not in MARKS]


def _holds(some: list[str], run: list[str]) -> bool:
    return any(some[at : at + len(run)] == run for at in range(len(some) - len(run) + 1))


def _draft(sources: Sources, test: LicensedSymbol, subject: LicensedSymbol) -> Draft:
    source = sources.source(test["path"])[test["start_byte"] : test["end_byte"]].decode()
    name, path, language = subject["qualified_name"], subject["path"], subject["language"]
    there = (test["qualified_name"], test["path"])
    bare = format_messages(sources, prompts.unit_test_prompt(name, path, language, "", *there))
    code, _ = cut_beginning(subject["code"], sources.tokenizer, sources.room(bare["prompt"], source))
    shown = "\n".join(code) or subject["signature"]
    return make_draft(
        test,
        test,
        format_messages(sources, prompts.unit_test_prompt(name, path, language, shown, *there)),
        task="tests",
        completion=source,
        query=f"{name}\n{subject['code']}"[:QUERY_CHARS],
        content=[source] if sources.plain(shown) else [source, shown],
    )


RECIPE = Recipe(
    "tests", make, "tests with a name or a title of their own that call what they import or have in their package"
)
