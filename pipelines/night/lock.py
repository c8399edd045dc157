"""The lock of a workspace: one night at a time, and no change of its releases meanwhile."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipelines.errors import NocturneError
from pipelines.locks import is_locked
from pipelines.project import Project
from pipelines.records import read_json, write_json

LOCK = ".night.lock"
HOLDER = ".night.json"
LOCK_WAIT = 1  # second, in which a look at the lock by `status` passes


@contextmanager
def exclusive_lock(project: Project, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the workspace's lock; the operating system frees it when the process ends, however it ends. One night at a
    time: two would share the cores, and DVC lets only one of them run a stage. A process that holds it may enter again.

    Args:
        waiting: told once which night is running, which is then waited for. Without it, a running night is an error.

    Raises:
        NocturneError: a night is running.
    """
    project.night.mkdir(parents=True, exist_ok=True)
    folder = project.workspace / "data"
    # One object a process, so that a night which the command has begun goes on in the flow under the same lock.
    lock = FileLock(folder / LOCK, timeout=LOCK_WAIT, is_singleton=True, thread_local=False)
    file = folder / HOLDER
    _acquire(lock, file, waiting)
    first = lock.lock_counter == 1
    try:
        if first:
            write_json(file, {"project": project.name, "pid": os.getpid()})
        yield
    finally:
        if first:
            file.unlink(missing_ok=True)
        lock.release()


def _acquire(lock: FileLock, file: Path, waiting: Callable[[str], None] | None) -> None:
    said = False
    while True:
        try:
            lock.acquire()
            return
        except Timeout:
            running = read_json(file) if file.is_file() else {"project": "another project", "pid": "?"}
            fact = f"A night of `{running['project']}` is already running (process {running['pid']})."
        if waiting is None:
            raise NocturneError(fact, f"Wait for it, or watch it: `nocturne status {running['project']}`.")
        if not said:
            waiting(f"{fact} This one begins when it has ended.")
        said = True


def lock_holder(workspace: Path) -> dict[str, Any] | None:
    """Who holds the workspace's lock now: `project` and `pid`; None when nobody does. Nothing is written."""
    folder = workspace / "data"
    file = folder / HOLDER
    return dict(read_json(file)) if is_locked(folder / LOCK) and file.is_file() else None
