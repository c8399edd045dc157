"""What commits changed, kept by commit, so that a night reads only new ones. Deleting the folder changes no result."""

import json
from pathlib import Path

from pipelines.cleaning import fingerprint as cleaning
from pipelines.cleaning.clean import FAILED
from pipelines.config.schema import Params
from pipelines.project import Project
from pipelines.records import canonical_json, file_sha256, fingerprint, write_atomic
from pipelines.records.history import CommitChanges
from pipelines.syntax.fingerprint import syntax_identity


class Cache:
    """One JSON file a commit; results of other code or other parameters are never served."""

    def __init__(self, project: Project, params: Params) -> None:
        self._folder = project.cache / "history"
        own = [path for room in ("history", "source") for path in (Path(__file__).parents[1] / room).glob("*.py")]
        sections = (params.snapshot, params.extraction, params.cleaning)
        decides = [*(section.model_dump() for section in sections), params.forgotten(project.name)]
        code = [syntax_identity(), cleaning.cleaning_identity()]
        self._key = fingerprint(decides, str(project.source), code, [file_sha256(path) for path in sorted(own)])
        self._used: set[str] = set()

    def read(self, commit: str) -> CommitChanges | None:
        """What a commit changed, or None."""
        try:
            entry = json.loads(self._file(commit).read_bytes())
            return entry["changed"] if entry["key"] == self._key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, commit: str, changed: CommitChanges) -> None:
        """Keep what a commit changed; not where a file could not be checked: the next night tries again."""
        if any(file["rule"] == FAILED for file in changed["skipped"]):
            return
        write_atomic(self._file(commit), canonical_json({"key": self._key, "changed": changed}).encode())

    def prune(self) -> None:
        """Delete what was neither read nor written since this cache was opened."""
        for file in self._folder.glob("*"):
            if file.name not in self._used:
                file.unlink()

    def _file(self, commit: str) -> Path:
        name = f"{commit}.json"
        self._used.add(name)
        return self._folder / name
