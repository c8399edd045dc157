"""What a DVC stage is: one function over a project's files, and what it needs, said once beside it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from pipelines.config.schema import Params
from pipelines.errors import UsageError
from pipelines.project import Project

Facts = dict[str, int | float | str]

NAMES = ("snapshot", "extraction", "history", "dataset", "validation", "training", "embedding", "evaluation")


@dataclass(frozen=True)
class Stage:
    """One stage of the night. It owns the folder `data/<project>/<name>`, its metrics and plots, and nothing else.

    Attributes:
        name: the module, the params section, the DVC stage, the task.
        run: makes the folder's files; returns the facts worth showing (counts, seconds saved).
        inputs: files of earlier stages, relative to `data/<project>/`.
        params: sections of params.yaml that change the result.
        code_deps: shared folders or files of `pipelines/` whose code the result depends on.
        always: runs every time, because what it reads lies outside the workspace.
        keep_outputs: finds its own files of the time before, and may keep what was decided then.
        metrics, plots: files for DVC's own views, relative to `data/<project>/`; no other stage reads them.
    """

    name: str
    run: Callable[[Project, Params], Facts]
    inputs: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    code_deps: tuple[str, ...] = ()
    always: bool = False
    keep_outputs: bool = False
    metrics: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()


def load(name: str) -> Stage:
    """Import a stage by its name.

    Raises:
        UsageError: there is no such stage.
    """
    if name not in NAMES:
        raise UsageError(f"There is no stage `{name}`.", f"The stages are {', '.join(NAMES)}.")
    stage: Stage = import_module(f"pipelines.{name}.stage").STAGE
    return stage


def empty_folder(folder: Path, last: str) -> Path:
    """A stage's folder without what an earlier run has left there.

    Args:
        last: the file whose presence says that the others are whole; it goes first.
    """
    (folder / last).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return folder
