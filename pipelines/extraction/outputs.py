"""The stage's four files, written side by side in one pass; a file stands under its name only when all are whole."""

import os
from pathlib import Path
from types import TracebackType
from typing import TextIO

from pipelines.records import Record, dumps

NAMES = ("symbols", "chunks", "files", "skipped")


class Outputs:
    """Writers of `<name>.jsonl` for each of `NAMES`; a context manager.

    Attributes:
        counts: lines written so far, by name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, TextIO] = {}
        self.counts = dict.fromkeys(NAMES, 0)

    def __enter__(self) -> "Outputs":
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            self._open[name] = self._aside(name).open("w", encoding="utf-8", newline="\n")
        return self

    def write(self, name: str, *records: Record) -> None:
        """Append lines to one file."""
        for record in records:
            self._open[name].write(dumps(record) + "\n")
        self.counts[name] += len(records)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._open.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()
        for name in NAMES:
            if error is None:
                self._aside(name).replace(self._folder / f"{name}.jsonl")
            else:
                self._aside(name).unlink()

    def _aside(self, name: str) -> Path:
        return self._folder / f".{name}.jsonl.{os.getpid()}.tmp"
