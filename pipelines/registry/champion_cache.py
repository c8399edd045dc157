"""What is live, without asking MLflow again while its database is, as far as SQLite counts, what it was when it told.

Loading MLflow takes two seconds, which is half of a `nocturne search`. SQLite counts in the database's header every
transaction that changes it (https://www.sqlite.org/fileformat2.html#file_change_counter), so `champion` cannot have
moved while that, and the file's time and size, are the same. Whatever else there is, a server, another journal, a
write going on, is asked.
"""

from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson

from pipelines.project import Project
from pipelines.records import write_atomic
from pipelines.registry.artifacts import Artifacts
from pipelines.registry.manifest import Manifest
from pipelines.registry.release import Release
from pipelines.registry.releases import Releases
from pipelines.registry.tracking import database_file

FILE = "champion.json"
HEADER = 100  # bytes, the counter among them
JOURNAL_MODE = slice(18, 20)
ROLLBACK = b"\x01\x01"  # the mode in which every transaction is counted


def read_champion(project: Project) -> Release:
    """The live release, as `Releases.champion` gives it.

    Raises:
        NocturneError: none is live, or MLflow failed.
    """
    kept, state = project.cache / FILE, _state(project.workspace)
    known = _read(kept, state, project) if state else None
    if known is not None:
        return known
    found = Releases(project).champion()
    if state and state == _state(project.workspace):
        with suppress(OSError):  # on a disk that is full MLflow is asked again
            write_atomic(kept, orjson.dumps({"state": state, "release": _plain(found)}))
    return found


def _state(workspace: Path) -> list[Any] | None:
    """What differs once MLflow's database has been written; None when that cannot be known, or it is just written."""
    file = database_file(workspace)
    if file is None or any(file.with_name(file.name + end).exists() for end in ("-journal", "-wal")):
        return None
    try:
        with file.open("rb") as opened:
            header = opened.read(HEADER)
        told = file.stat()
    except OSError:
        return None
    if header[JOURNAL_MODE] != ROLLBACK:
        return None
    return [str(file), header.hex(), told.st_mtime_ns, told.st_size, told.st_ino]


def _plain(release: Release) -> dict[str, Any]:
    files = {"run": release.files.run, "uri": release.files.uri}
    fields = {name: getattr(release, name) for name in ("project", "version", "created", "aliases")}
    return {**fields, "files": files, "manifest": asdict(release.manifest)}


def _read(kept: Path, state: list[Any], project: Project) -> Release | None:
    try:
        found = orjson.loads(kept.read_bytes())
        if found["state"] != state:
            return None
        own = found["release"]
        files = Artifacts(**own.pop("files"), copies=project.cache / "releases", workspace=project.workspace)
        manifest = Manifest(**own.pop("manifest"))
        release = Release(**own, files=files, manifest=manifest)
        return replace(release, aliases=tuple(release.aliases))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
