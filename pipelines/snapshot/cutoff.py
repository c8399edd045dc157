"""Which lines were committed after `dataset.split_after`; asked of git only for files whose content has changed."""

import json
from pathlib import Path

from pipelines import progress
from pipelines.config.schema import Dataset
from pipelines.errors import NocturneError
from pipelines.project import Project
from pipelines.records import canonical_json, fingerprint, write_atomic
from pipelines.records.snapshot import Recent, RecentFile
from pipelines.source.blame import blame, commits_after, touched_lines
from pipelines.source.cutoff import NONE
from pipelines.source.reader import Reader, Unreadable
from pipelines.source.tracked import UNCOMMITTED, File

Runs = list[tuple[str, int]]


def find_recent(project: Project, files: list[File], params: Dataset) -> Recent:
    """The content of `recent.json`; nothing but its empty form when the split is not by time.

    A file that cannot be asked about counts as after the moment, from its first line to its last.

    Raises:
        UsageError: `dataset.split_after` names no commit of the repository.
    """
    if params.split != "time":
        return NONE
    commits = commits_after(project.source, params.split_after)
    asked = {path.decode("utf-8", "replace") for path in touched_lines(project.source, commits)}
    found: dict[str, RecentFile] = {}
    with Reader(project.source) as reader:
        for file in progress.track(files, len(files), "files blamed"):
            changed = file.dirty or file.path in asked
            runs = _runs(project, reader, file) if changed else []
            found[file.path] = {"blob": file.blob, "lines": _ranges(runs, commits)}
    return {"after": params.split_after, "commits": sorted(commits), "files": found}


def _runs(project: Project, reader: Reader, file: File) -> Runs:
    """What `blame` says, kept by path, blob and commit: the same as long as the file is not touched."""
    kept = project.cache / "blame" / f"{fingerprint(file.path, file.blob, file.commit)}.json"
    try:
        return [(commit, lines) for commit, lines in json.loads(kept.read_bytes())]
    except (OSError, ValueError):
        pass
    try:
        content = reader.read(file.path, file.blob, file.size)
        runs = _asked(project.source, file, content)
    except Unreadable:
        return []  # extraction cannot read it either
    write_atomic(kept, canonical_json(runs).encode())
    return runs


def _asked(source: Path, file: File, content: bytes) -> Runs:
    new = [(UNCOMMITTED, content.count(b"\n") + 1)]
    if file.commit == UNCOMMITTED or b"\0" in content:
        return new
    try:
        return blame(source, file.path, content)
    except NocturneError:
        return new  # HEAD does not have the path: deleted in a commit, and added again since


def _ranges(runs: Runs, commits: set[str]) -> list[list[int]]:
    """The lines that a late commit or none has brought, as ranges, first and last line included."""
    ranges: list[list[int]] = []
    line = 1
    for commit, count in runs:
        if commit in commits or commit == UNCOMMITTED or not commit.strip("0"):
            if ranges and ranges[-1][1] == line - 1:
                ranges[-1][1] = line + count - 1
            else:
                ranges.append([line, line + count - 1])
        line += count
    return ranges
