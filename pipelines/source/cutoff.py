"""What was committed after a moment, as the snapshot records it in `recent.json`, and what of it a row is made of.

`recent.json` has `after` (the moment: an ISO date or a commit; "" when nothing asks for one), `commits` (those after
it) and `files`: path → `blob` and `lines`, the ranges (first line, last line) of the file that are after it.
"""

from collections.abc import Sequence
from typing import Any

NONE: dict[str, Any] = {"after": "", "commits": [], "files": {}}


def is_late(row: dict[str, Any], recent: dict[str, Any], commits: frozenset[str]) -> bool:
    """Whether what a row is made of was committed after the moment, at least one line of it.

    A row of the file as it stands goes by its lines; any other, as an edit of the past, by its commit.

    Args:
        row: with path, blob, commit, start_line and end_line.
        commits: of `recent`, as a set.
    """
    file = recent["files"].get(row["path"])
    if file is None or file["blob"] != row["blob"]:
        return row["commit"] == "uncommitted" or row["commit"].removesuffix("-dirty") in commits
    return bool(late_lines(row, file["lines"]))


def late_lines(row: dict[str, Any], ranges: Sequence[Sequence[int]]) -> int:
    """How many of the lines from `start_line` to `end_line` are in the ranges."""
    shared = (min(last, row["end_line"]) - max(first, row["start_line"]) + 1 for first, last in ranges)
    return sum(count for count in shared if count > 0)
