"""Parsed files kept by blob, so that a night parses only what changed. Deleting the folder changes no result."""

import json
from pathlib import Path

from pipelines.params import Extraction
from pipelines.project import Project
from pipelines.records import Record, dumps, file_sha256, fingerprint, write_atomic
from pipelines.syntax.identity import identity


class Cache:
    """One JSON file per language and blob; results of other code or other parameters are never served."""

    def __init__(self, project: Project, params: Extraction) -> None:
        self._folder = project.cache / "extraction"
        own = sorted(Path(__file__).parent.glob("*.py"))
        self._key = fingerprint(params.model_dump(), identity(), [file_sha256(path) for path in own])
        self._used: set[str] = set()

    def read(self, language: str, blob: str) -> Record | None:
        """What was parsed from a blob, or None."""
        try:
            entry = json.loads(self._file(language, blob).read_bytes())
            return entry["parsed"] if entry["key"] == self._key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, language: str, blob: str, parsed: Record) -> None:
        """Keep what was parsed from a blob."""
        write_atomic(self._file(language, blob), dumps({"key": self._key, "parsed": parsed}).encode())

    def prune(self) -> None:
        """Delete what was neither read nor written since this cache was opened."""
        for file in self._folder.glob("*"):
            if file.name not in self._used:
                file.unlink()

    def _file(self, language: str, blob: str) -> Path:
        name = f"{language}-{blob}.json"
        self._used.add(name)
        return self._folder / name
