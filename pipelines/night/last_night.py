"""When the last night of a project began, when it ended, and how; also when it was killed and could not say so."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pipelines.dag import journal
from pipelines.errors import NocturneError
from pipelines.night.lock import lock_holder
from pipelines.project import Project
from pipelines.records import read_json, write_json

By = Literal["hand", "schedule"]
RUNNING = "running"
CRASHED = "crashed"
FAILED = "failed"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class LastNight:
    """One night, as far as is known of it.

    Attributes:
        began, ended: seconds since 1970; `ended` is None while it runs and when it was killed.
        pid: the process that ran it.
        by: who began it.
        state: `running`, `crashed` (killed, or the power went), `failed`, `interrupted`, or the state of its outcome.
        stage: the stage that was at work when it failed, crashed or was interrupted; "" when there was none.
        fact, next_step: why it failed, and what to do.
    """

    began: float
    pid: int
    by: By
    state: str = RUNNING
    ended: float | None = None
    stage: str = ""
    fact: str = ""
    next_step: str = ""

    def facts(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@contextmanager
def record_night(project: Project, by: By) -> Iterator[None]:
    """Write down that a night begins, before it does anything, and how the block ends. Within a night of the same
    process it adds nothing: the night that the command began goes on in the flow."""
    before = _read(project)
    if before is not None and before.ended is None and before.pid == os.getpid() and before.state == RUNNING:
        yield
        return
    night = LastNight(time.time(), os.getpid(), by)
    _write(project, night)
    try:
        yield
    except NocturneError as error:
        if error.exit_code != 3:  # refused by gates: the outcome says so
            _fail(project, night, FAILED, error.fact, error.next_step)
        raise
    except Exception as error:
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        _fail(project, night, FAILED, words, f"The details are at the end of {project.night / journal.LOG}.")
        raise
    except BaseException:  # Ctrl-C, or Prefect's word for SIGTERM
        _fail(project, night, INTERRUPTED, "", "")
        raise
    else:
        record_end(project)


def record_end(project: Project, state: str = "") -> None:
    """The night has ended now, in this state; without one, in the state that was written last."""
    night = _read(project)
    if night is not None:
        _write(project, replace(night, ended=time.time(), state=state or night.state))


def read_last_night(project: Project) -> LastNight | None:
    """The last night that began, or None; one that has not ended and does not hold the lock is `crashed`."""
    night = _read(project)
    if night is None or night.state != RUNNING:
        return night
    held = lock_holder(project.workspace)
    if held is not None and held["pid"] == night.pid:
        return night
    return replace(night, state=CRASHED, stage=_stage_at_work(project, night))


def _fail(project: Project, night: LastNight, state: str, fact: str, next_step: str) -> None:
    stage = _stage_at_work(project, night)
    _write(project, replace(night, ended=time.time(), state=state, stage=stage, fact=fact, next_step=next_step))


def _stage_at_work(project: Project, night: LastNight) -> str:
    entries = [entry for entry in journal.entries(project, night.began) if entry.state != "done"]
    return max(entries, key=lambda entry: entry.began).stage if entries else ""


def _file(project: Project) -> Path:
    return project.night / "outcome" / "night.json"


def _read(project: Project) -> LastNight | None:
    file = _file(project)
    return LastNight(**read_json(file)) if file.is_file() else None


def _write(project: Project, night: LastNight) -> None:
    write_json(_file(project), night.facts())
