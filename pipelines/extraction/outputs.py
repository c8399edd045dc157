"""The stage's five files, written side by side in one pass; a file stands under its name only when all are whole."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from pipelines.records import canonical_json

NAMES = ("symbols", "chunks", "files", "skipped", "findings")


class Outputs:
    """Writers of `<name>.jsonl` for each of `NAMES`; a context manager.

    Attributes:
        counts: lines written so far, by name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, BinaryIO] = {}
        self.counts = dict.fromkeys(NAMES, 0)

    def __enter__(self) -> "Outputs":
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            self._open[name] = self._aside(name).open("wb")
        return self

    def write(self, name: str, lines: bytes, count: int) -> None:
        """Append some whole lines to one file."""
        self._open[name].write(lines)
        self.counts[name] += count

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


def iterate_lines(*records: Mapping[str, Any]) -> bytes:
    """Records as canonical JSON, a line each."""
    return "".join(canonical_json(record) + "\n" for record in records).encode()
