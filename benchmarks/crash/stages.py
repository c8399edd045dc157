"""Training with its checkpoints, and evaluation, for `benchmarks.crash.kills`: the stages as DVC runs them, on a small
project with the bundled base model, while a release is live.

The project has two states, A and B. Trial by trial it changes from one to the other: what the stage shall make is known
from an undisturbed run of each, and what it finds is what it has made of the other. Writes are heard of through
Python's audit events, so that a new one needs no entry here.
"""

import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.crash.release import NAME, ROOT, ReleaseSubject, asking, check_release, make_workspace, opened
from pipelines.project import Project
from pipelines.records import read_jsonl, tree_sha256, write_jsonl

BASE = "data/models/nano-coder"
BEFORE = ("snapshot", "extraction", "history", "embedding", "dataset")
SMALL: dict[str, dict[str, Any]] = {
    "dataset": {"holdout": 0.3, "max_example_tokens": 192, "retrieval_examples": 0},
    "training": {"max_steps": 9, "batch_size": 2, "checkpoint_steps": 2, "threads": 1, "min_preferences": 4},
    "evaluation": {
        "max_examples": 6, "generate_examples": 2, "max_new_tokens": 6, "retrieval_questions": 4,
        "memorisation_examples": 4, "bootstrap": 100,
    },
}  # fmt: skip
PAIRS = 6
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
REMOVALS = ("os.remove", "os.rmdir")
HEAVY = ("torch", "transformers", "peft", "mlflow", "numpy", "qdrant_edge", "pipelines.lm.causal")


class StageSubject(ABC):
    """One stage of a small project; `last` is the file whose presence says that all are whole."""

    stage: ClassVar[str]
    last: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    preloaded: ClassVar[tuple[str, ...]]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """A workspace with a live release, and beside it what every stage makes of A and B."""
        make_workspace(self.folder, SMALL)
        live = ReleaseSubject(self.folder)
        live.begin(0)
        live.work(0, lambda write: None)
        (self.folder / BASE).parent.mkdir(parents=True)
        (self.folder / BASE).symlink_to(ROOT / BASE)
        for side in "AB":
            self._make(side)

    def begin(self, trial: int) -> None:
        """The stages before have run, this one has last run on the other state."""
        project, _ = opened(self.folder)
        shutil.rmtree(project.cache / self.stage, ignore_errors=True)
        for stage in self.needs:
            _copied(self._made(trial) / stage, project.path(stage))
        _copied(self._made(trial - 1) / self.stage, project.path(self.stage))

    def work(self, trial: int, begun: Callable[[str], None]) -> bool:
        """The stage, as a night lets DVC start it."""
        from pipelines import __main__ as command
        from pipelines.dag import journal

        project, _ = opened(self.folder)
        os.environ.update({"NOCTURNE_HOME": str(self.folder), journal.NIGHT_PID: str(os.getppid())})
        kept = any((project.cache / self.stage).rglob("*.json"))
        self._watched(project, begun)
        code = command.main([self.stage, NAME])
        said = journal.read(project, self.stage)
        assert code == 0, said.error if said else f"exit code {code}"
        return self._resumed(said.facts if said else {}, kept)

    def state(self, trial: int) -> str:
        """Looks at the release that is live and at the stage's own folder."""
        from pipelines.registry.releases import Releases

        project, params = opened(self.folder)
        live = Releases(project).champion()
        assert live.version == 1, f"release {live.version} is live"
        check_release(project, params, live)
        folder = project.path(self.stage)
        sides = {"new": self._made(trial) / self.stage, "old": self._made(trial - 1) / self.stage}
        for file in _visible(folder):
            name = file.relative_to(folder)
            known = [side / name for side in sides.values() if (side / name).is_file()]
            assert any(file.read_bytes() == one.read_bytes() for one in known), f"{name} is half-made"
        if not (folder / self.last).is_file():
            return "none"
        whole = [side for side, made in sides.items() if _contents(folder) == _contents(made)]
        assert whole, f"{self.last} is there, and not everything that belongs to it"
        return whole[0]

    def check(self, trial: int) -> None:
        """The same bytes as undisturbed, and nothing left lying about."""
        project, _ = opened(self.folder)
        folder, made = project.path(self.stage), self._made(trial) / self.stage
        if tree_sha256(folder) != tree_sha256(made):
            ours, theirs = ({file.name for file in place.rglob("*")} for place in (folder, made))
            raise AssertionError(f"other bytes; {sorted(ours ^ theirs) or 'the same names'}")
        left = [file.name for file in (project.cache / self.stage).rglob("*.tmp")]
        assert not left, f"left behind: {left}"

    def asking(self) -> Callable[[], None]:
        """Asks the release that is live."""
        return asking(self.folder)

    def _made(self, trial: int) -> Path:
        return self.folder / "made" / "AB"[trial % 2]

    def _make(self, side: str) -> None:
        from pipelines.dag.stage import load

        project, params = opened(self.folder)
        _write_source(project.source, side)
        for stage in (*BEFORE, "training", "evaluation"):
            load(stage).run(project, params)
            if stage == "dataset":
                _prefer(project)
            _copied(project.path(stage), self.folder / "made" / side / stage)

    def _watched(self, project: Project, begun: Callable[[str], None]) -> None:
        """Let `begun` hear of every write. Each process that is watched ends with its work."""

        def heard(event: str, arguments: tuple[Any, ...]) -> None:
            path = _written(event, arguments)
            if path is None or not path.startswith(str(project.folder)):
                return
            kind = self._kind(path[len(str(project.folder)) + 1 :], event in REMOVALS)
            if kind:
                begun(kind)

        sys.addaudithook(heard)

    @abstractmethod
    def _kind(self, path: str, removed: bool) -> str | None:
        """What a write of this path below the project's folder is called, None when it is not one of the stage's."""

    @abstractmethod
    def _resumed(self, facts: dict[str, Any], kept: bool) -> bool:
        """Whether the stage went on from what was left, by its facts."""


class TrainingSubject(StageSubject):
    """Tuning, then preference tuning; both keep checkpoints."""

    stage, last = "training", "training.json"
    needs = ("snapshot", "dataset")
    preloaded = (
        *HEAVY,
        "trl",
        "datasets",
        "bitsandbytes",
        "pipelines.training.dpo",
        "pipelines.training.callbacks",
    )

    def _watched(self, project: Project, begun: Callable[[str], None]) -> None:
        from pipelines.training.callbacks import Watch

        super()._watched(project, begun)
        ended = Watch.on_step_end

        def told(*given: Any, **named: Any) -> Any:
            begun("after a step")
            return ended(*given, **named)

        setattr(Watch, "on_step_end", told)  # noqa: B010 - a method cannot be assigned to

    def _kind(self, path: str, removed: bool) -> str | None:
        if path.startswith("training/"):
            return "clearing the former result" if removed else "writing the result"
        if not path.startswith(".cache/training/"):
            return None
        if "/checkpoint-" not in path:
            return "clearing up" if removed else "keeping what was learned"
        if removed:
            return "removing a checkpoint"
        return "sealing a checkpoint" if "complete.json" in path else "writing a checkpoint"

    def _resumed(self, facts: dict[str, Any], kept: bool) -> bool:
        return bool(facts["resumed_at"])


class EvaluationSubject(StageSubject):
    """Four arms, retrieval, forgetting, page and charts."""

    stage, last = "evaluation", "evaluation.json"
    needs = (*BEFORE, "training")
    preloaded = (*HEAVY, "matplotlib", "pipelines.evaluation.stage", "pipelines.evaluation.charts")

    def _kind(self, path: str, removed: bool) -> str | None:
        if path.startswith("evaluation/"):
            return "clearing the former result" if removed else "writing the result"
        if path.startswith(".cache/evaluation/"):
            return "forgetting answers" if removed else "keeping answers"
        return None

    def _resumed(self, facts: dict[str, Any], kept: bool) -> bool:
        return kept


def _written(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The file that an audit event says is about to be written, renamed to or removed."""
    if event == "open" and isinstance(arguments[0], str) and arguments[2] & WRITING:
        return arguments[0]
    if event in ("os.rename", "os.link"):
        return os.fspath(arguments[1])
    if event in REMOVALS:
        path, folder = os.fspath(arguments[0]), arguments[1]
        return str(Path(f"/proc/self/fd/{folder}").readlink() / path) if folder >= 0 else path
    return None


def _write_source(folder: Path, side: str) -> None:
    """A repository of some of this project's own files; B has another one and lacks one."""
    folder.mkdir(exist_ok=True)
    files = [*(ROOT / "pipelines").glob("*.py"), *(ROOT / "pipelines" / "gates").glob("*.py")]
    for number, file in enumerate(sorted(files)):
        copy = folder / f"{file.parent.name}_{file.name}"
        copy.unlink(missing_ok=True)
        if file.stat().st_size and number % 5 != ("AB".index(side)):
            shutil.copy(file, copy)
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", f"state {side} of the source"]):
        subprocess.run([*git, *command], cwd=folder, check=True)


def _prefer(project: Project) -> None:
    """A few pairs, whose worse version is another example's; so short a history has none of its own."""
    rows = list(islice(read_jsonl(project.path("dataset", "train.jsonl")), 2 * PAIRS))
    pairs = [
        {**one, "chosen": one["completion"], "rejected": other["completion"]}
        for one, other in zip(rows[::2], rows[1::2], strict=False)
    ]
    write_jsonl(project.path("dataset", "preferences.jsonl"), pairs)


def _copied(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _visible(folder: Path) -> list[Path]:
    """Its files, but for those that are still written aside."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts)]


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in _visible(folder)}
