"""A workspace that was moved or copied: MLflow's SQLite file keeps absolute places, and they are set right here.

MLflow names the folder of every run and model version by an absolute URI. In a copy of a workspace these still name the
first one, where a night would then write. So whoever opens the file sees that it was made elsewhere, by the places of
the projects' experiments, and rewrites them to the folder that it lies in now.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlparse

from pipelines.errors import NocturneError

ARTIFACTS = Path("mlruns") / "artifacts"
PLACES = {  # every column of MLflow's tables that names a file or folder
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "model_versions": ("source", "storage_location"),
    "logged_models": ("artifact_location",),
    "datasets": ("dataset_source",),
}
BUSY_S = 30.0  # how long to wait for another process that writes to the database


def rewrite_locations(database: Path, workspace: Path) -> list[Path]:
    """Let a workspace's MLflow file name the folder that the workspace is in now.

    All places change in one transaction. Places of artifacts that did not come along stay as they are.

    Args:
        database: MLflow's SQLite file; nothing happens unless it is the workspace's own, in `mlruns/`.

    Returns:
        The folders that the workspace was in before; empty when it has not been moved.

    Raises:
        NocturneError: the file is no MLflow database, or is damaged.
    """
    if not database.is_file() or database.resolve() != (workspace / "mlruns" / "mlflow.db").resolve():
        return []
    try:
        with closing(sqlite3.connect(database, timeout=BUSY_S, isolation_level=None)) as opened:
            if not _has_table(opened, "experiments") or not list(_former(opened, workspace)):
                return []
            opened.execute("BEGIN IMMEDIATE")
            moved = sorted(set(_former(opened, workspace)))
            for former in moved:
                _rewrite(opened, former, workspace)
            opened.execute("COMMIT")
            return moved
    except sqlite3.Error as error:
        is_busy = getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        mend = "Bring the file back from a backup; what it names is still in mlruns/artifacts and data/live."
        wait = "Another process writes to it: wait for it, or end it."
        fact = f"MLflow's records in {database} cannot be read: {error}."
        raise NocturneError(fact, wait if is_busy else mend) from error


def _former(opened: sqlite3.Connection, workspace: Path) -> Iterator[Path]:
    """The workspaces that experiments say they are in, other than this one."""
    for name, place in opened.execute("SELECT name, artifact_location FROM experiments"):
        where = urlparse(place or "")
        folder = Path(unquote(where.path))
        if where.scheme not in ("", "file") or folder.parts[-3:] != (*ARTIFACTS.parts, name):
            continue
        former = folder.parents[len(ARTIFACTS.parts)]
        if former != workspace and (workspace / ARTIFACTS / name).is_dir():
            yield former


def _rewrite(opened: sqlite3.Connection, former: Path, workspace: Path) -> None:
    """Replace the folder wherever a place begins with it, as a URI or as a plain path; datasets have theirs in JSON."""
    spelled = {former.as_uri(): workspace.as_uri(), str(former): str(workspace)}

    def relocated(place: str | None) -> str | None:
        for old, new in spelled.items():
            if place and place.startswith(f"{old}/"):
                return new + place.removeprefix(old)
            if place and f'"{old}/' in place:
                return place.replace(f'"{old}/', f'"{new}/')
        return place

    opened.create_function("relocated", 1, relocated, deterministic=True)
    for table, columns in PLACES.items():
        for column in columns if _has_table(opened, table) else ():
            opened.execute(
                f"UPDATE {table} SET {column} = relocated({column}) WHERE {column} IS NOT relocated({column})"  # noqa: S608 - names of PLACES
            )


def _has_table(opened: sqlite3.Connection, name: str) -> bool:
    found = opened.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
    return found.fetchone() is not None
