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
from pipelines.registry.relocation import relocate

TRAINING_TAG = "nocturne.training_identity"
SQLITE = "sqlite:///"


def uri(workspace: Path) -> str:
    """MLFLOW_TRACKING_URI, or the workspace's own SQLite file."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{workspace / 'mlruns' / 'mlflow.db'}"


def database(workspace: Path) -> Path | None:
    """The SQLite file that `uri` names; None when it names something else."""
    where = uri(workspace)
    return Path(where.removeprefix(SQLITE)) if where.startswith(SQLITE) else None


def exists(workspace: Path) -> bool:
    """Whether anything can have been recorded; asking MLflow would create the database."""
    file = database(workspace)
    return file is None or file.exists() or identity.recorded(workspace) is not None


def client(workspace: Path) -> Any:
    """An `MlflowClient` of the registry that this workspace belongs to; the first call creates the database.

    Raises:
        NocturneError: the records cannot be opened, or are not those that this workspace's releases are in.
    """
    found = _opened(workspace)
    identity.check(workspace, found, uri(workspace))
    return found


def accept(workspace: Path) -> str:
    """Let the workspace belong to the registry that it is pointed at now, by a person's word; returns its identity.

    Raises:
        NocturneError: the records cannot be opened, or the workspace cannot keep what was said.
    """
    found = identity.accept(workspace, _opened(workspace, may_create=True), uri(workspace))
    kept = identity.recorded(workspace)
    if kept is None or kept["id"] != found:
        raise NocturneError(
            f"{workspace / identity.FOLDER}, which names the registry, cannot be written.",
            "Free disk space or mend the folder's permissions, and run `nocturne registry accept` again.",
        )
    return found


def _opened(workspace: Path, may_create: bool = False) -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    where, file = uri(workspace), database(workspace)
    if file is not None:
        if not may_create:
            identity.refuse_a_missing_database(workspace, file)
        file.parent.mkdir(parents=True, exist_ok=True)
        for former in relocate(file, workspace):
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
def failing(doing: str) -> Iterator[None]:
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


def experiment(mlflow: Any, project: Project) -> str:
    """The id of the project's experiment, made when it is missing."""
    found = mlflow.get_experiment_by_name(project.name)
    if found is not None:
        return str(found.experiment_id)
    local = database(project.workspace) is not None
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
        self.client = client(self.project.workspace)
        where = experiment(self.client, self.project)
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
