"""Which symbols a test exercises, by the names that tests call and import; nothing is run.

A symbol counts as tested when a test calls it by name and either imports it, its class, its module or its folder by
name, or lies in its package; so does a class with a tested member. What is itself part of a test does not.
"""

import re
from pathlib import PurePosixPath
from typing import TypedDict

from pipelines.syntax.facts import FileFacts
from pipelines.syntax.test_paths import LAYOUT, STANDS_FOR_ITS_FOLDER, is_test, package_of
from pipelines.syntax.types import Symbol

_CONSTRUCTORS = frozenset(["__init__", "constructor", "initialize", "__construct"])
_WORD = re.compile(r"[\w-]+")


class CalledNames(TypedDict):
    """What `TestLinks` must know of a file.

    `imports` are the words of its import statements; `calls` what it calls, and `test_calls` what its tests call;
    `symbols` are kind, name, scope and whether it is part of a test, for each symbol.
    """

    imports: list[str]
    calls: list[str]
    test_calls: list[str]
    symbols: list[tuple[str, str, str, bool]]


def called_names(found: list[Symbol], known: FileFacts) -> CalledNames:
    """What `TestLinks` must be told of a file, as a small JSON object."""
    words = {word for text in known.imports for word in _WORD.findall(text)}
    pairs = zip(found, known.symbols, known.test_symbols, strict=True)
    return {
        "imports": sorted(words),
        "calls": known.calls,
        "test_calls": known.test_calls,
        "symbols": [(symbol.kind, symbol.name, facts.scope, in_test) for symbol, facts, in_test in pairs],
    }


class TestLinks:
    """The names that tests call and import. Of files that test nothing it keeps nothing."""

    def __init__(self) -> None:
        self._callers: dict[str, list[int]] = {}
        self._packages: list[tuple[str, ...]] = []
        self._imports: list[frozenset[str]] = []

    def add(self, path: str, names: CalledNames) -> None:
        """Take note of the tests in one file; every file comes here before the first `cover`."""
        calls = names["calls"] if is_test(path) else names["test_calls"]
        if not calls:
            return
        for name in dict.fromkeys(calls):
            self._callers.setdefault(name, []).append(len(self._packages))
        self._packages.append(package_of(path))
        self._imports.append(frozenset(names["imports"]))

    def cover(self, path: str, names: CalledNames) -> list[bool]:
        """For each symbol of a file, in order, whether a test exercises it."""
        if is_test(path):
            return [False] * len(names["symbols"])
        own, modules = package_of(path), _modules(path)
        covered = [
            kind != "section" and not in_test and self._called(name, scope, own, modules)
            for kind, name, scope, in_test in names["symbols"]
        ]
        pairs = list(zip(names["symbols"], covered, strict=True))
        scopes = {symbol[2] for symbol, tested in pairs if tested}
        return [
            tested or (kind == "class" and not in_test and f"{scope}.{name}".lstrip(".") in scopes)
            for (kind, name, scope, in_test), tested in pairs
        ]

    def _called(self, name: str, scope: str, own: tuple[str, ...], modules: frozenset[str]) -> bool:
        owner = scope.rsplit(".", 1)[-1] or name
        called = owner if name in _CONSTRUCTORS else name
        known_as = modules | {owner}
        return any(
            self._packages[test] == own or not known_as.isdisjoint(self._imports[test])
            for test in self._callers.get(called, ())
        )


def _modules(path: str) -> frozenset[str]:
    """The names by which a test may import a file: its own and its folder's, where they say something."""
    file = PurePosixPath(path)
    return frozenset([file.stem, *file.parent.parts[-1:]]) - LAYOUT - STANDS_FOR_ITS_FOLDER
