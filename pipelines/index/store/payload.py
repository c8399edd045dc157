"""What a point carries beside its chunk, so that a filter is an exact match on both engines."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from pipelines.records import Record
from pipelines.syntax.test_paths import is_test

PLACES, NAMES, KINDS, COMMITS, COMPLEXITY = "places", "names", "kinds", "commits", "complexity"
LANGUAGE, DEFINITIONS = "language", "definitions"
OF_DEFINITIONS = (NAMES, KINDS, COMPLEXITY)  # fields of a point that each of its definitions has, too
INDEXED = ("path", LANGUAGE, PLACES, NAMES, KINDS, COMMITS, COMPLEXITY)
AT_LEAST = (COMPLEXITY,)  # numbers: a filter asks for one or more than it; of all others for just this
TEST = "test"
KINDS_OF_CODE = ("class", "function", "method", "section", "text")
COMMIT_LETTERS = 7  # of a commit, as git shortens it
UNCOMMITTED = "uncommitted"
Values = Mapping[str, Sequence[str]]
_BETWEEN = re.compile(r">>| > |::|[.#/]")


def make_payload(chunk: Record) -> Record:
    """A chunk with `places`, its file and every folder above it, each with its path and its bare name, and `commits`,
    the last that changed its file, shortened, and `uncommitted` where the file was edited since.

    Each of its `definitions` gets `names`, qualified and bare, in small letters, and `kinds`, the mark of its kind. The
    chunk has those of all of them, so that one look at it says whether some definition can be meant.
    """
    definitions = [_definition(one, is_test(chunk["path"])) for one in definitions_of(chunk)]
    return {
        **chunk,
        DEFINITIONS: definitions,
        PLACES: list(_places(chunk["path"])),
        NAMES: sorted({name for one in definitions for name in one[NAMES]}),
        KINDS: sorted({kind for one in definitions for kind in one[KINDS]}),
        COMMITS: _commits(chunk.get("commit", "")),
    }


def definitions_of(chunk: Record) -> list[Record]:
    """The definitions in a chunk, each with `symbol`, `kind`, `start_line`, `end_line` and `complexity`; of a chunk
    without one the chunk itself, under each of its names.
    """
    own = {"kind": chunk["kind"], "complexity": chunk.get(COMPLEXITY, 0)}
    lines = {key: chunk.get(key, 0) for key in ("start_line", "end_line")}
    named = [{**own, **lines, "symbol": name} for name in symbols_of(chunk) or [""]]
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


def is_wanted(definition: Record, only: Values, never: Values) -> bool:
    """Whether a definition, as `make_payload` makes it, is what a scope asks of definitions."""
    asked = [field for field in OF_DEFINITIONS if field in only]
    refused = [field for field in OF_DEFINITIONS if field in never]
    has_all = all(_has(definition, field, only[field]) for field in asked)
    return has_all and not any(_has(definition, field, never[field]) for field in refused)


def _has(definition: Record, field: str, values: Sequence[str]) -> bool:
    if field in AT_LEAST:
        return bool(definition[field] >= min(map(float, values)))
    held = definition[field] if field != KINDS else [kind for mark in definition[field] for kind in mark.split("+")]
    return not set(values).isdisjoint(held)


def _definition(definition: Record, in_test: bool) -> Record:
    names = _names([definition["symbol"]]) if definition["symbol"] else []
    return {COMPLEXITY: 0, **definition, NAMES: names, KINDS: [_mark(definition["kind"], in_test)]}


def _mark(kind: str, in_test: bool) -> str:
    """A kind, and that it stands in a test, as one word: what has both is not found by chance in two definitions."""
    return f"{kind}+{TEST}" if in_test and kind in KINDS_OF_CODE else kind


def symbols_of(chunk: Record) -> list[str]:
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
