"""Where MLflow keeps its records, and a run that shows a training's metrics while it lasts."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from pipelines.errors import NocturneError
from pipelines.project import Project
from pipelines.registry import identity
from pipelines.registry.relocation import rewrite_locations

TRAINING_TAG = "nocturne.training_identity"
SQLITE = "sqlite:///"


def tracking_uri(workspace: Path) -> str:
    """MLFLOW_TRACKING_URI, or the workspace's own SQLite file."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{workspace / 'mlruns' / 'mlflow.db'}"


def database_file(workspace: Path) -> Path | None:
    """The SQLite file that `tracking_uri` names; None when it names something else."""
    where = tracking_uri(workspace)
    return Path(where.removeprefix(SQLITE)) if where.startswith(SQLITE) else None


def has_registry(workspace: Path) -> bool:
    """Whether anything can have been recorded; asking MLflow would create the database."""
    file = database_file(workspace)
    return file is None or file.exists() or identity.recorded_identities(workspace) is not None


def open_client(workspace: Path) -> Any:
    """An `MlflowClient` of the registry that this workspace belongs to; the first call creates the database.

    Raises:
        NocturneError: the records cannot be opened, or are not those that this workspace's releases are in.
    """
    found = _open(workspace)
    identity.check_registry(workspace, found, tracking_uri(workspace))
    return found


def accept(workspace: Path) -> str:
    """Let the workspace belong to the registry that it is pointed at now, by a person's word; returns its identity.

    Raises:
        NocturneError: the records cannot be opened, or the workspace cannot keep what was said.
    """
    found = identity.accept_registry(workspace, _open(workspace, may_create=True), tracking_uri(workspace))
    kept = identity.recorded_identities(workspace)
    if kept is None or kept["id"] != found:
        raise NocturneError(
            f"{workspace / identity.FOLDER}, which names the registry, cannot be written.",
            "Free disk space or mend the folder's permissions, and run `nocturne registry accept` again.",
        )
    return found


def _open(workspace: Path, may_create: bool = False) -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    where, file = tracking_uri(workspace), database_file(workspace)
    if file is not None:
        if not may_create:
            identity.refuse_a_missing_database(workspace, file)
        file.parent.mkdir(parents=True, exist_ok=True)
        for former in rewrite_locations(file, workspace):
            print(f"The workspace was in {former}; MLflow's records name {workspace} now.", file=sys.stderr)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    try:
        found = MlflowClient(tracking_uri=where, registry_uri=where)
        found.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise NocturneError(
            f"MLflow's records at {where} cannot be opened: {reason}",
            "Check MLFLOW_TRACKING_URI and that its server runs, or bring mlruns/mlflow.db back from a backup.",
        ) from error
    return found


@contextmanager
def explain_failures(doing: str) -> Iterator[None]:
    """Make an error that a user can act on of whatever MLflow, its database or the disk raises in the block.

    Args:
        doing: what the block does, as in "MLflow failed while registering a release".
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise NocturneError(
            f"MLflow failed while {doing}: {type(error).__name__}: {reason}",
            "What was live stays live. Free disk space or start MLflow's server; the next night mends the rest.",
        ) from error


def experiment_of(mlflow: Any, project: Project) -> str:
    """The id of the project's experiment, made when it is missing."""
    found = mlflow.get_experiment_by_name(project.name)
    if found is not None:
        return str(found.experiment_id)
    local = database_file(project.workspace) is not None
    artifacts = (project.workspace / "mlruns" / "artifacts" / project.name).as_uri() if local else None
    return str(mlflow.create_experiment(project.name, artifact_location=artifacts))


class LiveRun:
    """A run that is open while a training lasts. An interrupted training goes on in the run that it began."""

    def __init__(self, project: Project, name: str, identity: str, params: dict[str, Any]) -> None:
        self.project = project
        self.name = name
        self.identity = identity
        self.params = params

    def __enter__(self) -> "LiveRun":
        self.client = open_client(self.project.workspace)
        where = experiment_of(self.client, self.project)
        begun = find_training(self.client, where, self.identity)
        if begun is not None and begun.info.status != "FINISHED":
            self.id = begun.info.run_id
            self.client.update_run(self.id, status="RUNNING")
            return self
        run = self.client.create_run(where, run_name=self.name, tags={TRAINING_TAG: self.identity})
        self.id = run.info.run_id
        for key, value in self.params.items():
            self.client.log_param(self.id, key, value)
        return self

    def metrics(self, values: dict[str, float], step: int) -> None:
        """Record figures at a step, so that MLflow's charts move while the training runs."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self.client.log_batch(self.id, [Metric(key, value, now, step) for key, value in values.items()])

    def keep(self, folder: Path, name: str) -> None:
        """Store a folder's files with the run, under a name."""
        self.client.log_artifacts(self.id, str(folder), name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.set_terminated(self.id, "FINISHED" if kind is None else "FAILED")


def find_training(mlflow: Any, experiment_id: str, identity: str) -> Any | None:
    """The newest run of the training with this identity, or None."""
    found = mlflow.search_runs([experiment_id], filter_string=f"tags.`{TRAINING_TAG}` = '{identity}'", max_results=1)
    return found[0] if found else None
