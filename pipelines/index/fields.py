"""What a point carries beside its chunk, so that a filter is an exact match on both engines."""

import re
from functools import lru_cache
from pathlib import PurePosixPath

from pipelines.records import Record
from pipelines.syntax.testing import is_test

PLACES, NAMES, KINDS, COMMITS, COMPLEXITY = "places", "names", "kinds", "commits", "complexity"
INDEXED = ("path", "language", PLACES, NAMES, KINDS, COMMITS, COMPLEXITY)
AT_LEAST = (COMPLEXITY,)  # numbers: a filter asks for one or more than it; of all others for just this
TEST = "test"
COMMIT_LETTERS = 7  # of a commit, as git shortens it
UNCOMMITTED = "uncommitted"
_BETWEEN = re.compile(r">>| > |::|[.#/]")


def payload(chunk: Record) -> Record:
    """A chunk with `places`, its file and every folder above it, each with its path and its bare name, `names`, its
    symbol and what else it defines, qualified and bare, in small letters, `kinds`, its kind, and `test` where its
    file is one of tests, and `commits`, the last that changed its file, shortened, and `uncommitted` where the file
    was edited since."""
    kinds = {chunk["kind"], TEST} if is_test(chunk["path"]) else {chunk["kind"]}
    return {
        **chunk,
        PLACES: list(_places(chunk["path"])),
        NAMES: _names(symbols_of(chunk)),
        KINDS: sorted(kinds),
        COMMITS: _commits(chunk.get("commit", "")),
    }


def symbols_of(chunk: Record) -> list[str]:
    """The qualified names that a chunk is of: its symbol, and the definitions that begin in it.

    Versions made before chunks said what they define have the symbol alone.
    """
    return [name for name in dict.fromkeys([chunk["symbol"], *chunk.get("defines", ())]) if name]


def bare(symbol: str) -> str:
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
    return sorted({name.lower() for symbol in symbols for name in (symbol, bare(symbol))})
