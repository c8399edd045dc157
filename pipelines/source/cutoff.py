"""What was committed after a moment, as the snapshot records it in `recent.json`, and what of it a row is made of."""

from collections.abc import Sequence
from typing import TypedDict

from pipelines.records.snapshot import Recent

NONE: Recent = {"after": "", "commits": [], "files": {}}


class Lines(TypedDict):
    """Where a row is from, as far as it is asked for here."""

    path: str
    blob: str
    commit: str
    start_line: int
    end_line: int


def is_late(row: Lines, recent: Recent, commits: frozenset[str]) -> bool:
    """Whether what a row is made of was committed after the moment, at least one line of it.

    A row of the file as it stands goes by its lines; any other, as an edit of the past, by its commit.

    Args:
        commits: of `recent`, as a set.
    """
    file = recent["files"].get(row["path"])
    if file is None or file["blob"] != row["blob"]:
        return row["commit"] == "uncommitted" or row["commit"].removesuffix("-dirty") in commits
    return bool(late_lines(row, file["lines"]))


def late_lines(row: Lines, ranges: Sequence[Sequence[int]]) -> int:
    """How many of the lines from `start_line` to `end_line` are in the ranges."""
    shared = (min(last, row["end_line"]) - max(first, row["start_line"]) + 1 for first, last in ranges)
    return sum(count for count in shared if count > 0)
