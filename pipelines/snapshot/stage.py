"""The snapshot stage: the source repository in; which files it has, which base model is used and which dataset is live,
out."""

import shutil

from pipelines import progress
from pipelines.config.schema import Params
from pipelines.dag.stage import Facts, Stage
from pipelines.lm.base_model import model_identity
from pipelines.project import Project
from pipelines.records import read_json, write_json
from pipelines.records.snapshot import BaseModel, Snapshot
from pipelines.snapshot.cutoff import find_recent
from pipelines.snapshot.files import choose_files
from pipelines.snapshot.suites import read_suites
from pipelines.source import git

SHORT = 12


def run(project: Project, params: Params) -> Facts:
    """Write `snapshot.json` (commit, files, skipped), `base.json` (which base model), `recent.json` (which lines were
    committed after `dataset.split_after`), `suites.json` (the cases of `evaluation/suites`) and `baseline.json` (how
    the live release's dataset is distributed; {} when no night has said so: `night/drift_baseline.py`). With
    `training.warm_start`, `champion/` is a copy of what the live release learned, as the night before has left it;
    else it says that there is none.

    Raises:
        NocturneError: the source is missing, is no git repository, or holds nothing that the patterns take.
    """
    progress.report(0, 1, "repository")
    git.check_repository(project.source)
    commit = git.read_head(project.source)
    taken, skipped = choose_files(project, params)
    snapshot: Snapshot = {
        "commit": commit,
        "files": [file.record() for file in taken],
        "skipped": [item.record() for item in skipped],
    }
    base = params.training.base_model
    write_json(project.path("snapshot", "snapshot.json"), snapshot)
    write_json(project.path("snapshot", "recent.json"), find_recent(project, taken, params.dataset))
    model: BaseModel = {"base_model": base, "identity": model_identity(base, project.workspace)}
    write_json(project.path("snapshot", "base.json"), model)
    write_json(project.path("snapshot", "suites.json"), read_suites(project, taken, params.cleaning))
    _take_champion(project, params.training.warm_start)
    earlier = project.path("baseline.json")
    write_json(project.path("snapshot", "baseline.json"), read_json(earlier) if earlier.is_file() else {})
    progress.report(1, 1, "repository")
    return {
        "files": len(taken),
        "bytes": sum(file.size for file in taken),
        "commit": commit[:SHORT],
        "dirty": sum(file.dirty for file in taken),
        "skipped": len(skipped),
    }


def _take_champion(project: Project, wanted: bool) -> None:
    taken, left = project.path("snapshot", "champion"), project.path("champion")
    shutil.rmtree(taken, ignore_errors=True)
    if wanted and (left / "champion.json").is_file():
        shutil.copytree(left, taken)
    else:
        write_json(taken / "champion.json", {})


STAGE = Stage(
    "snapshot",
    run,
    params=(
        "projects.${key}",
        "snapshot",
        "cleaning",
        "dataset.split",
        "dataset.split_after",
        "training.base_model",
        "training.warm_start",
    ),
    code_deps=("cleaning", "source", "lm/base_model.py"),
    always=True,
)
