"""Referential integrity: what a row says that it is from is there, in the files and changes that were read tonight."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipelines.records import Record
from pipelines.records.extraction import File
from pipelines.records.history import Edit

SPAN = ("start_line", "end_line", "start_byte", "end_byte")
FILE = "path and blob must be those of a file of extraction/files.jsonl, or of a change of history/edits.jsonl"
PLACE = "start_byte to end_byte must lie in that file, on the lines from start_line to end_line"
Check = Callable[[pd.DataFrame], "pd.Series[bool]"]


@dataclass
class Sources:
    """What rows can be from.

    Attributes:
        files: (path, blob) → the byte at which each line of that file begins, and its size in bytes.
        changes: (path, blob) of a changed function's file → where such functions are in it: lines, then bytes.
    """

    files: dict[tuple[str, str], tuple[list[int], int]] = field(default_factory=dict)
    changes: dict[tuple[str, str], set[tuple[int, ...]]] = field(default_factory=dict)

    def has(self, row: Record) -> bool:
        """Whether the row's file, in the row's version, was read."""
        key = row["path"], row["blob"]
        return key in self.files or key in self.changes

    def places(self, row: Record) -> bool:
        """Whether the row's bytes are on the row's lines of its file; of an unknown file there is nothing to say."""
        key, span = (row["path"], row["blob"]), tuple(row[name] for name in SPAN)
        if not self.has(row) or not all(isinstance(number, int) for number in span):
            return True
        return span in self.changes.get(key, ()) or (key in self.files and _on_lines(span, *self.files[key]))

    def rules(self) -> dict[str, Check]:
        """The rules, in words, over the rows of a table."""
        return {FILE: _over(self.has), PLACE: _over(self.places)}


def sources(files: Iterable[File], edits: Iterable[Edit]) -> Sources:
    """From the records of `extraction/files.jsonl` and `history/edits.jsonl`."""
    found = Sources()
    for file in files:
        text = file["text"].encode()
        found.files[file["path"], file["blob"]] = [0, *(end.end() for end in re.finditer(b"\n", text))], len(text)
    for edit in edits:
        spans = found.changes.setdefault((edit["path"], edit["after_blob"]), set())
        spans.add((edit["start_line"], edit["end_line"], edit["start_byte"], edit["end_byte"]))
    return found


def _on_lines(span: tuple[int, ...], starts: list[int], size: int) -> bool:
    first, last, start, end = span
    if not 0 <= start <= end <= size or last > len(starts):
        return False
    return first <= bisect_right(starts, start) and bisect_right(starts, max(start, end - 1)) <= last


def _over(holds: Callable[[Record], bool]) -> Check:
    def check(frame: pd.DataFrame) -> "pd.Series[bool]":
        rows: Any = frame.to_dict("records")
        return pd.Series([holds(row) for row in rows], index=frame.index, dtype=bool)

    return check
