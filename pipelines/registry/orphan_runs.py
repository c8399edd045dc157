"""Runs that nothing names any more: of rejected or replaced candidates, of interrupted nights, of removed releases."""

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.project import Project
from pipelines.registry import runs
from pipelines.registry.artifacts import Artifacts
from pipelines.registry.manifest import PREFIX, Manifest
from pipelines.registry.release import Release
from pipelines.registry.tracking import explain_failures, has_registry, open_client, tracking_uri

DAY = 24 * 3600  # seconds; no recording of a candidate takes that long


@dataclass(frozen=True)
class Leftover:
    """A run with nothing that names it, and how much its files take."""

    run: str
    name: str
    bytes: int


@dataclass(frozen=True)
class Leftovers:
    """The runs of a project's nights that may go, and what those that stay need.

    Attributes:
        runs: newest first.
        folders: what DVC calls the folders that the refused candidates which stay are made of.
    """

    runs: list[Leftover] = field(default_factory=list)
    folders: frozenset[str] = field(default_factory=frozenset)


def find_leftovers(project: Project, kept: Collection[Release], keep: int) -> Leftovers:
    """The runs that neither these releases nor one of the last nights need.

    The newest whole candidates stay, refused ones too, as many as releases are kept: they say how nights decided. So
    does the newest training, which may be interrupted and go on, and the training of each candidate that stays; and
    what was begun within a day and has not ended, for it may be at work on another machine. A person's own runs are
    never among the leftovers.

    Args:
        keep: how many of the newest candidates stay, whatever names them.
    """
    mlflow = open_client(project.workspace) if has_registry(project.workspace) else None
    every = runs.all_runs(mlflow, project)
    trainings = [run for run in every if PREFIX + "night" not in run.data.tags]
    staying = _staying(every, kept, keep)
    needed = {run.info.run_id for run in (*staying, *trainings[:1])}
    needed |= {run.data.tags.get(runs.TRAINING_RUN, "") for run in staying}
    gone = [_leftover(mlflow, project, run) for run in every if run.info.run_id not in needed]
    return Leftovers(gone, frozenset().union(*(_folders(run) for run in staying)))


def folders_of_candidates(project: Project, keep: int) -> frozenset[str]:
    """What DVC calls the folders that the newest candidates of a project are made of, refused ones too.

    Args:
        keep: how many of them stay.
    """
    mlflow = open_client(project.workspace) if has_registry(project.workspace) else None
    return frozenset().union(*(_folders(run) for run in _staying(runs.all_runs(mlflow, project), (), keep)))


def _staying(every: Collection[Any], kept: Collection[Release], keep: int) -> list[Any]:
    """The candidates that stay: those of these releases, the newest whole ones, and those being recorded."""
    candidates = [run for run in every if PREFIX + "night" in run.data.tags]
    named = {release.files.run for release in kept}
    last = [run.info.run_id for run in candidates if run.info.status == "FINISHED"][:keep]
    return [run for run in candidates if run.info.run_id in {*named, *last} or _at_work(run)]


def _folders(run: Any) -> set[str]:
    """What a candidate was made of; nothing of one that was interrupted before it said so."""
    return Manifest.of(run.data.tags).folders if run.info.status == "FINISHED" else set()


def _at_work(run: Any) -> bool:
    return run.info.status == "RUNNING" and run.info.start_time > 1000 * (time.time() - DAY)


def delete_leftovers(project: Project, leftover: Leftover) -> None:
    """Delete a run: its files first, so that a run which is still listed is one that may still have some.

    Raises:
        NocturneError: MLflow or the disk failed; the next clearing finds the run again.
    """
    mlflow = open_client(project.workspace)
    with explain_failures("deleting a run"):
        files = _files(project, mlflow.get_run(leftover.run))
        if files.folder is not None:
            whole = files.folder.parent if files.folder.parent.name == leftover.run else files.folder
            shutil.rmtree(whole, ignore_errors=True)
        else:
            _remote(project, files.uri)
        shutil.rmtree(files.copies / files.run, ignore_errors=True)
        store = mlflow._tracking_client.store
        if hasattr(store, "_hard_delete_run"):  # as `mlflow gc` does: a deleted run would keep its rows
            store._hard_delete_run(leftover.run)
        else:
            mlflow.delete_run(leftover.run)


def _remote(project: Project, where: str) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(where, tracking_uri=tracking_uri(project.workspace)).delete_artifacts()


def _leftover(mlflow: Any, project: Project, run: Any) -> Leftover:
    folder = _files(project, run).folder
    size = _bytes(mlflow, run.info.run_id, "") if folder is None else folder_bytes(folder)
    return Leftover(run.info.run_id, run.info.run_name, size)


def folder_bytes(folder: Path) -> int:
    """The size of all files in a folder; 0 when it is missing."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _bytes(mlflow: Any, run: str, folder: str) -> int:
    entries = mlflow.list_artifacts(run, folder or None)
    return sum(_bytes(mlflow, run, one.path) if one.is_dir else one.file_size or 0 for one in entries)


def _files(project: Project, run: Any) -> Artifacts:
    return Artifacts(run.info.run_id, run.info.artifact_uri, project.cache / "releases", project.workspace)
