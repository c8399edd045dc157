"""What a point carries beside its chunk, so that a filter is an exact match on both engines."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Final, TypedDict

from pipelines.records.extraction import Chunk, Definition
from pipelines.syntax.test_paths import is_test

LANGUAGE: Final = "language"
PLACES: Final = "places"
NAMES: Final = "names"
KINDS: Final = "kinds"
COMMITS: Final = "commits"
COMPLEXITY: Final = "complexity"
DEFINITIONS: Final = "definitions"
OF_DEFINITIONS = (NAMES, KINDS, COMPLEXITY)  # fields of a point that each of its definitions has, too
INDEXED = ("path", LANGUAGE, PLACES, NAMES, KINDS, COMMITS, COMPLEXITY)
AT_LEAST = (COMPLEXITY,)  # numbers: a filter asks for one or more than it; of all others for just this
TEST = "test"
KINDS_OF_CODE = ("class", "function", "method", "section", "text")
COMMIT_LETTERS = 7  # of a commit, as git shortens it
UNCOMMITTED = "uncommitted"
Values = Mapping[str, Sequence[str]]
_BETWEEN = re.compile(r">>| > |::|[.#/]")


class Payload(Chunk):
    """A chunk as a point carries it: `make_payload` says what each field holds."""

    places: list[str]
    names: list[str]
    kinds: list[str]
    commits: list[str]


class Brief(TypedDict):
    """What ranking reads of a chunk: the fields that `interface.BRIEF` names."""

    chunk_id: str
    path: str
    language: str
    symbol: str
    defines: list[str]
    start_line: int


class DefinitionPayload(Definition):
    """A definition as a point carries it."""

    names: list[str]
    kinds: list[str]


class Named(TypedDict):
    """What a chunk says of the names in it."""

    symbol: str
    defines: Sequence[str]


def make_payload(chunk: Chunk) -> Payload:
    """A chunk with `places`, its file and every folder above it, each with its path and its bare name, and `commits`,
    the last that changed its file, shortened, and `uncommitted` where the file was edited since.

    Each of its `definitions` gets `names`, qualified and bare, in small letters, and `kinds`, the mark of its kind. The
    chunk has those of all of them, so that one look at it says whether some definition can be meant.
    """
    definitions = [_definition(one, is_test(chunk["path"])) for one in definitions_of(chunk)]
    return {
        **chunk,
        DEFINITIONS: [*definitions],
        PLACES: list(_places(chunk["path"])),
        NAMES: sorted({name for one in definitions for name in one[NAMES]}),
        KINDS: sorted({kind for one in definitions for kind in one[KINDS]}),
        COMMITS: _commits(chunk.get("commit", "")),
    }


def definitions_of(chunk: Chunk) -> list[Definition]:
    """The definitions in a chunk, each with `symbol`, `kind`, `start_line`, `end_line` and `complexity`; of a chunk
    without one the chunk itself, under each of its names.
    """
    named: list[Definition] = [
        {
            "symbol": name,
            "kind": chunk["kind"],
            "complexity": chunk.get(COMPLEXITY, 0),
            "start_line": chunk.get("start_line", 0),
            "end_line": chunk.get("end_line", 0),
        }
        for name in symbols_of(chunk) or [""]
    ]
    return chunk.get(DEFINITIONS) or named


def mark_words(wanted: Collection[str] | None, unwanted: Collection[str]) -> list[str]:
    """The marks of the kinds that a definition may have: one that is wanted (None: any), none that is not."""
    found = []
    for kind in (*KINDS_OF_CODE, TEST):
        for in_test in (False, True):
            kinds = {kind, TEST} if in_test else {kind}
            if (wanted is None or kinds & set(wanted)) and not kinds & set(unwanted):
                found.append(_mark(kind, in_test))
    return sorted(set(found))


def is_wanted(definition: Definition, must: Values, must_not: Values) -> bool:
    """Whether a definition, as `make_payload` makes it, is what a scope asks of definitions."""
    asked = [field for field in OF_DEFINITIONS if field in must]
    refused = [field for field in OF_DEFINITIONS if field in must_not]
    has_all = all(_has(definition, field, must[field]) for field in asked)
    return has_all and not any(_has(definition, field, must_not[field]) for field in refused)


def _has(definition: Mapping[str, Any], field: str, values: Sequence[str]) -> bool:
    if field in AT_LEAST:
        return bool(definition[field] >= min(map(float, values)))
    held = definition[field] if field != KINDS else [kind for mark in definition[field] for kind in mark.split("+")]
    return not set(values).isdisjoint(held)


def _definition(definition: Definition, in_test: bool) -> DefinitionPayload:
    names = _names([definition["symbol"]]) if definition["symbol"] else []
    whole: Definition = {**definition, COMPLEXITY: definition.get(COMPLEXITY, 0)}
    return {**whole, NAMES: names, KINDS: [_mark(definition["kind"], in_test)]}


def _mark(kind: str, in_test: bool) -> str:
    """A kind, and that it stands in a test, as one word: what has both is not found by chance in two definitions."""
    return f"{kind}+{TEST}" if in_test and kind in KINDS_OF_CODE else kind


def symbols_of(chunk: Named | Chunk) -> list[str]:
    """The qualified names that a chunk is of: its symbol, and the definitions that begin in it."""
    return [name for name in dict.fromkeys([chunk["symbol"], *chunk.get("defines", ())]) if name]


def strip_marks(symbol: str) -> str:
    """The last name of a qualified one: `get` of `Session.get`, `at:put:` of `Foo>>at:put:`, `b` of `a::b`."""
    return _BETWEEN.split(symbol)[-1]


def _commits(commit: str) -> list[str]:
    """Of a record's `commit`: hexadecimal, `-dirty` after it where the file differed from it, or `uncommitted`."""
    edited = [UNCOMMITTED] if commit == UNCOMMITTED or commit.endswith("-dirty") else []
    return edited if commit in ("", UNCOMMITTED) else [commit[:COMMIT_LETTERS], *edited]


@lru_cache(maxsize=64)  # a file's chunks follow each other
def _places(path: str) -> list[str]:
    file = PurePosixPath(path)
    folders = [folder for folder in file.parents if folder.name]
    return sorted({path, file.name, *(folder.as_posix() for folder in folders), *(folder.name for folder in folders)})


def _names(symbols: list[str]) -> list[str]:
    return sorted({name.lower() for symbol in symbols for name in (symbol, strip_marks(symbol))})
