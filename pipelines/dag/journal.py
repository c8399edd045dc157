"""What a stage says while it runs and when it ends: one small file each, read by the night, the flow and `status`."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipelines import progress
from pipelines.dag.stage import Facts
from pipelines.errors import NocturneError
from pipelines.progress import Step
from pipelines.project import Project
from pipelines.records import write_atomic

WRITE_EVERY = 0.25  # seconds
LOG = "night.log"
NIGHT_PID = "NOCTURNE_NIGHT_PID"  # set by a night for its stages


@dataclass
class Entry:
    """One stage's last run: how far it is, then its facts or its error."""

    stage: str
    state: Literal["running", "done", "failed"] = "running"
    began: float = 0.0
    seconds: float = 0.0
    step: dict[str, Any] | None = None
    facts: Facts = field(default_factory=dict)
    error: dict[str, str] | None = None


def read(project: Project, stage: str) -> Entry | None:
    """What a stage last said, or None."""
    try:
        return Entry(**json.loads((project.night / f"{stage}.json").read_text()))
    except FileNotFoundError:
        return None


def entries(project: Project, since: float) -> list[Entry]:
    """What the stages that began after `since` (seconds since 1970) last said."""
    found = [read(project, file.stem) for file in project.night.glob("*.json")]
    return [entry for entry in found if entry is not None and entry.began >= since]


def running_step(project: Project, since: float) -> Entry | None:
    """The step that is at work in the night that began at `since`. What an earlier night left unfinished is not;
    ask only while the night runs."""
    return next((entry for entry in entries(project, since) if entry.state == "running"), None)


@contextmanager
def record(project: Project, stage: str, also: progress.Sink | None = None) -> Iterator[Entry]:
    """Write down the block's progress and end; the block fills in `facts`. `also` sees every progress report."""
    entry = Entry(stage, began=time.time())
    file = project.night / f"{stage}.json"
    written = 0.0

    def note(step: Step) -> None:
        nonlocal written
        if also is not None:
            also(step)
        if time.monotonic() - written > WRITE_EVERY:
            written = time.monotonic()
            entry.step = asdict(step)
            _write(file, entry)

    _write(file, entry)
    try:
        with progress.show_progress(note):
            yield entry
        entry.state = "done"
    except NocturneError as error:
        entry.state, entry.error = "failed", {"fact": error.fact, "next_step": error.next_step}
        raise
    except BaseException as error:
        log = project.night / LOG
        entry.state = "failed"
        entry.error = {
            "fact": f"{stage} failed unexpectedly: {type(error).__name__}: {' '.join(str(error).split())[:200]}",
            "next_step": f"The details are at the end of {log}.",
        }
        raise
    finally:
        entry.seconds = round(time.time() - entry.began, 2)
        _write(file, entry)


def _write(file: Path, entry: Entry) -> None:
    """In the stage's own order, which says what matters first."""
    write_atomic(file, json.dumps(asdict(entry), ensure_ascii=False, indent=2).encode())


@contextmanager
def redirect_output(log: Path) -> Iterator[int]:
    """Send everything this process and its children print to a log file; yields a descriptor of the real stderr.

    Libraries write banners and warnings to descriptors, not only to `sys.stderr`, so the descriptors are moved.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    try:
        yield saved[1]
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for descriptor in saved:
            os.close(descriptor)
