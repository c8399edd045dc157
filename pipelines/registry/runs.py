"""A candidate in MLflow: one run with its adapter, figures, parameters, datasets, and a card that explains them."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.project import Project
from pipelines.registry.manifest import PREFIX, Manifest
from pipelines.registry.tracking import TRAINING_TAG, experiment_of, explain_failures, find_training

PASSED = "nocturne.gates_passed"
OF_NIGHT = "nocturne.of_night"  # the identity of the night that decided, where it is not the candidate's own
INDEX_FOLLOWS = "nocturne.index_follows"  # of a refused candidate whose index is released without its adapter
TRAINING_RUN = "nocturne.training_run"
CONTEXTS = {"train": "training", "holdout": "evaluation"}  # MLflow's words for what a dataset was used for
PARAMS_AT_ONCE = 100  # of a batch, by MLflow's own rule
DIGEST_CHARS = 36  # MLflow's limit, and exactly the length of DVC's name for a folder


@dataclass(frozen=True)
class Context:
    """What a candidate was made with, for a person and for comparisons.

    Attributes:
        params: the values of params.yaml that entered it, by dotted key, as JSON.
        data: of each split, "train" and "holdout", its file in DVC's cache and how many examples it has.
        card: Markdown; MLflow shows it with the run and with the model version.
        tags: more of the run's tags.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, tuple[Path, int]] = field(default_factory=dict)
    card: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """Where a release comes from, as MLflow has it.

    Attributes:
        training_run: the run that watched the training of its adapter; empty when there is none.
        params: as in `Context`; empty for a release from before they were kept.
        reindexed: why its index was replaced, by when.
    """

    run: str
    experiment: str
    training_run: str
    params: Mapping[str, str]
    reindexed: Mapping[str, str] = field(default_factory=dict)


def record_run(
    mlflow: Any,
    project: Project,
    manifest: Manifest,
    files: Mapping[str, Iterable[Path]],
    metrics: Mapping[str, float],
    passed: bool,
    context: Context,
) -> str:
    """Store a candidate as a run, which is finished only when all of it is there; returns the run's id.

    Args:
        files: what to keep, by the folder it goes to ("" is the top); of a folder named here, its content.

    Raises:
        NocturneError: MLflow or the disk failed; the run is then marked as failed, and never found again.
    """
    with explain_failures("recording a candidate"):
        where = experiment_of(mlflow, project)
        run = mlflow.create_run(
            where, run_name=f"night {manifest.commit[:7]}", tags=_tags(mlflow, where, manifest, passed, context)
        ).info.run_id
        try:
            _upload(mlflow, run, files)
            _describe(mlflow, run, project, manifest, metrics, context)
            mlflow.set_terminated(run)
        except BaseException:
            with suppress(Exception):  # what failed first is what counts
                mlflow.set_terminated(run, "FAILED")
            raise
    return str(run)


def latest_run(mlflow: Any, project: Project) -> Any | None:
    """The newest whole candidate: how the last night that decided did so; None before the first one."""
    if mlflow is None or mlflow.get_experiment_by_name(project.name) is None:
        return None
    rule = f"tags.`{PASSED}` LIKE '%' and attributes.status = 'FINISHED'"
    found = mlflow.search_runs([experiment_of(mlflow, project)], filter_string=rule, max_results=1)
    return found[0] if found else None


def all_runs(mlflow: Any, project: Project) -> list[Any]:
    """All runs that nights of this project have made, candidates and trainings, newest first; a person's own are left
    out."""
    if mlflow is None or mlflow.get_experiment_by_name(project.name) is None:
        return []
    found, token = [], None
    while True:
        page = mlflow.search_runs([experiment_of(mlflow, project)], max_results=1000, page_token=token)
        found += [run for run in page if PREFIX + "night" in run.data.tags or TRAINING_TAG in run.data.tags]
        token = page.token
        if not token:
            return found


def _tags(mlflow: Any, where: str, manifest: Manifest, passed: bool, context: Context) -> dict[str, str]:
    from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_RUN_NOTE

    watched = find_training(mlflow, where, manifest.training)
    return {
        **manifest.tags(),
        PASSED: str(passed).lower(),
        TRAINING_RUN: watched.info.run_id if watched else "",
        MLFLOW_GIT_COMMIT: manifest.commit,
        MLFLOW_RUN_NOTE: context.card,
        **context.tags,
    }


def _upload(mlflow: Any, run: str, files: Mapping[str, Iterable[Path]]) -> None:
    for folder, paths in files.items():
        for path in paths:
            if path.is_dir():
                mlflow.log_artifacts(run, str(path), folder or path.name)
            else:
                mlflow.log_artifact(run, str(path), folder or None)


def _describe(
    mlflow: Any, run: str, project: Project, manifest: Manifest, metrics: Mapping[str, float], context: Context
) -> None:
    from mlflow.entities import Metric, Param
    from mlflow.utils.time import get_current_time_millis

    now = get_current_time_millis()
    mlflow.log_batch(run, metrics=[Metric(key, value, now, 0) for key, value in metrics.items()])
    params = [Param(key, value) for key, value in sorted(context.params.items())]
    for first in range(0, len(params), PARAMS_AT_ONCE):
        mlflow.log_batch(run, params=params[first : first + PARAMS_AT_ONCE])
    if context.data:
        mlflow.log_inputs(run, _datasets(project, manifest, context.data))


def _datasets(project: Project, manifest: Manifest, data: Mapping[str, tuple[Path, int]]) -> list[Any]:
    """The dataset's splits as MLflow's inputs: `mlflow.data.get_source` finds the very bytes in DVC's cache."""
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    found = []
    for split, (file, count) in data.items():
        dataset = Dataset(
            name=f"{project.name} {split}",
            digest=manifest.dataset_dvc[:DIGEST_CHARS],
            source_type="local",
            source=json.dumps({"uri": file.as_uri()}),
            profile=json.dumps({"num_rows": count}),
        )
        found.append(DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, CONTEXTS[split])]))
    return found
