"""What was made of each file, kept from night to night, so that a night makes only what changed.

Deleting the folder changes no result.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from pipelines.cleaning import fingerprint as cleaning
from pipelines.config.schema import Cleaning, Extraction
from pipelines.project import Project
from pipelines.records import Record, file_sha256, fingerprint
from pipelines.syntax.fingerprint import syntax_identity


@dataclass(frozen=True)
class Entry:
    """Where something is kept: the entry's name, and the key it must have been written under to be served."""

    name: str
    key: str


@dataclass(frozen=True)
class Cache:
    """A folder of entries: each a line of JSON that says what it holds, then the bytes themselves.

    Attributes:
        folder: where the entries are.
        code: changes with everything but the file itself and `extraction` that results depend on.
    """

    folder: Path
    code: str

    @classmethod
    def of(cls, project: Project, cleaned: Cleaning) -> "Cache":
        """The cache of a project for the code, the scanners and the parameters of cleaning as they are now."""
        own = [file_sha256(path) for path in sorted(Path(__file__).parent.glob("*.py"))]
        return cls(
            project.cache / "extraction",
            fingerprint(syntax_identity(), cleaning.cleaning_identity(), cleaned.model_dump(), own),
        )

    def key(self, params: Extraction) -> str:
        """The key of what is parsed under some parameters."""
        return fingerprint(self.code, params.model_dump())

    def head(self, entry: Entry) -> Record | None:
        """What an entry says that it holds; None when there is none, it is torn, or it has another key."""
        with self._opened(entry) as (head, _file):
            return head

    def read(self, entry: Entry) -> tuple[Record, bytes] | None:
        """What an entry says that it holds, and its bytes; None as for `head`."""
        with self._opened(entry) as (head, file):
            return None if head is None or file is None else (head, file.read())

    def write(self, entry: Entry, head: Record, body: bytes) -> None:
        """Keep an entry. It is not synced to disk: one that a crash tears is made again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f".{entry.name}.{os.getpid()}.tmp"
        first = orjson.dumps({"key": entry.key, "bytes": len(body), "head": head})
        with aside.open("wb") as file:
            file.writelines((first, b"\n", body))
        aside.replace(self.folder / entry.name)

    def prune(self, used: set[str]) -> None:
        """Delete every entry but these."""
        for file in self.folder.glob("*"):
            if file.name not in used:
                file.unlink()

    @contextmanager
    def _opened(self, entry: Entry) -> Iterator[tuple[Record | None, BinaryIO | None]]:
        try:
            file = (self.folder / entry.name).open("rb")
        except OSError:
            yield None, None
            return
        with file:
            yield _head(file, entry.key), file


def _head(file: BinaryIO, key: str) -> Record | None:
    line = file.readline()
    try:
        entry = orjson.loads(line)
        whole = entry["key"] == key and os.fstat(file.fileno()).st_size == len(line) + entry["bytes"]
        return entry["head"] if whole else None
    except (ValueError, KeyError, TypeError):
        return None
