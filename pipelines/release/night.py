"""One night of one project: the lock, its outcome, and whether there is anything to do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from pipelines import dag
from pipelines.errors import NocturneError
from pipelines.params import Params
from pipelines.project import Project
from pipelines.records import read_json, write_json
from pipelines.registry.manifest import Release
from pipelines.registry.releases import CHALLENGER, CHAMPION, Releases
from pipelines.release.candidate import candidate

LOCK_WAIT = 1  # second, in which a look at the lock by `status` passes
State = Literal["released", "waiting", "rejected", "unchanged", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """How a night ended.

    Attributes:
        state: `released`: a new champion. `waiting`: a challenger waits for a person. `rejected`: a gate failed.
            `unchanged`: nothing was to be done; `gates` is then what the last measured night decided.
            `skipped`: too little is new to be learned; `reason` says how little.
        release: the version made, or when none was made the live one.
        waiting: a challenger that nobody has promoted yet, when nothing was made.
        index_release: the release that was made of tonight's index and the adapter that was live, when no adapter of
            tonight was released.
        gates: one row a gate, as `pipelines.gates.Judged` has it.
    """

    project: str
    state: State
    passed: bool
    release: int | None = None
    waiting: int | None = None
    index_release: int | None = None
    gates: list[dict[str, Any]] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    report: str = ""
    run: str = ""
    reason: str = ""

    def facts(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@contextmanager
def alone(project: Project) -> Iterator[None]:
    """Hold the workspace's lock; the operating system frees it when the process ends, however it ends. One night at a
    time: two would share the cores, and DVC lets only one of them run a stage.

    Raises:
        NocturneError: a night is running.
    """
    project.night.mkdir(parents=True, exist_ok=True)
    lock, holder = _lock(project)
    try:
        with lock:
            write_json(holder, {"project": project.name, "pid": os.getpid()})
            try:
                yield
            finally:
                holder.unlink(missing_ok=True)
    except Timeout:
        running = read_json(holder) if holder.is_file() else {"project": "another project", "pid": "?"}
        raise NocturneError(
            f"A night of `{running['project']}` is already running (process {running['pid']}).",
            f"Wait for it, or watch it: `nocturne status {running['project']}`.",
        ) from None


def is_held(project: Project) -> bool:
    """Whether a night of the project is running now."""
    lock, holder = _lock(project)
    if not holder.is_file():
        return False
    try:
        with lock:
            return False
    except Timeout:
        return bool(read_json(holder)["project"] == project.name) if holder.is_file() else False


def _lock(project: Project) -> tuple[FileLock, Path]:
    folder = project.workspace / "data"
    return FileLock(folder / ".night.lock", timeout=LOCK_WAIT), folder / ".night.json"


def unchanged(project: Project, params: Params) -> Outcome | None:
    """Read the source anew; the outcome when neither it nor anything else has changed since the last decision.

    Raises:
        NocturneError: the source cannot be read.
    """
    dag.reproduce(project, "snapshot")
    return None if dag.stale(project) else settled(project, params)


def settled(project: Project, params: Params) -> Outcome | None:
    """The outcome when exactly what the stages have made was judged before, and the judgement was carried out.

    A passed candidate without its release was interrupted between the two: it is judged again.
    """
    releases = Releases(project)
    releases.notice()
    now = candidate(project, params)
    passed = releases.decided(now.night)
    if passed is None or not releases.carried_out(now.night, params.release.promotion == "auto"):
        return None
    live = releases.at(CHAMPION)
    report = str(project.path("report", "report.html"))
    return Outcome(
        project.name,
        "unchanged",
        passed,
        release=_number(live),
        waiting=_number(releases.at(CHALLENGER)),
        gates=releases.gates_of(now.night),
        report=report,
    )


def _number(release: Release | None) -> int | None:
    return release.version if release else None


def with_index(outcome: Outcome, made: Release | None) -> Outcome:
    """The outcome of a night whose adapter was not released, once its index has been."""
    if made is None:
        return outcome
    live = made.version if CHAMPION in made.aliases else outcome.release
    return replace(outcome, release=live, index_release=made.version)


def last(project: Project) -> Outcome | None:
    """How the last night that came to an end ended, or None."""
    file = project.night / "outcome" / "last.json"
    return Outcome(**read_json(file)) if file.is_file() else None


def remember(project: Project, outcome: Outcome) -> Outcome:
    """Keep an outcome for `status`."""
    write_json(project.night / "outcome" / "last.json", outcome.facts())
    return outcome
