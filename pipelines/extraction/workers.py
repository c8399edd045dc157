"""Work on files in several processes: results in the order of the files, a few files at a time in memory."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

from pipelines.errors import NocturneError
from pipelines.records import Record

T = TypeVar("T")

IN_FLIGHT = 4  # files a worker, so that none waits while a result is taken
WORTH_A_START = 1_000_000  # bytes of source to parse: about a second, several times what starting a worker takes


@dataclass(frozen=True)
class Task(Generic[T]):
    """Something to be called for a file.

    Attributes:
        about: comes back with the result; it is not pickled.
        path: the file, for people.
        call: gives the result; it is pickled. None when there is nothing to do: then the result is None.
    """

    about: T
    path: str
    call: Callable[[], Record] | None = None


@dataclass(frozen=True)
class _Begun(Generic[T]):
    task: Task[T]
    pool: ProcessPoolExecutor | None = None
    future: "Future[Record] | None" = None
    done: Record | None = None


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Processes that run tasks; a context manager. One, or too little work, is this process itself.

    They are started anew and not forked, which is safe beside threads. They end with this process, however it ends.
    """

    def __init__(self, count: int, work: int) -> None:
        """`count` processes for `work` bytes of source."""
        self._count = count if work > WORTH_A_START else 1
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(self._pool)

    def results(self, tasks: Iterable[Task[T]]) -> Iterator[tuple[T, Record | None]]:
        """What each task is about and its result, in order.

        Raises:
            NocturneError: the process that worked on a file died; the file is named.
        """
        waiting: deque[_Begun[T]] = deque()
        for task in tasks:
            waiting.append(self._begin(task))
            if len(waiting) >= self._count * IN_FLIGHT:
                yield self._end(waiting.popleft())
        while waiting:
            yield self._end(waiting.popleft())

    def _begin(self, task: Task[T]) -> _Begun[T]:
        if task.call is None or self._count == 1:
            return _Begun(task, done=task.call() if task.call else None)
        self._pool = self._pool or _pool(self._count)
        try:
            return _Begun(task, self._pool, self._pool.submit(task.call))
        except BrokenProcessPool:
            self._leave(self._pool)
            return self._begin(task)

    def _end(self, begun: _Begun[T]) -> tuple[T, Record | None]:
        if begun.future is None:
            return begun.task.about, begun.done
        try:
            return begun.task.about, begun.future.result()
        except BrokenProcessPool:
            # All that is in flight fails with the file that killed its worker; alone, only that one fails again.
            self._leave(begun.pool)
            return begun.task.about, _alone(begun.task)

    def _leave(self, pool: ProcessPoolExecutor | None) -> None:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
        if pool is self._pool:
            self._pool = None


def _pool(count: int) -> ProcessPoolExecutor:
    """Processes that have begun to answer, so that a death afterwards is that of a file."""
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_prepare)
    try:
        pool.submit(cores).result()
    except BrokenProcessPool:
        raise NocturneError(
            "No worker process could be started.", "What it said is in the log; see whether memory is free."
        ) from None
    return pool


def _alone(task: Task[T]) -> Record:
    assert task.call is not None
    with _pool(1) as pool:
        try:
            return pool.submit(task.call).result()
        except BrokenProcessPool:
            raise NocturneError(
                f"The process that worked on {task.path} died: the parser crashed, or memory ran out.",
                "Keep the file out by snapshot.exclude in params.local.yaml, or free memory; then run it again.",
            ) from None


def _prepare() -> None:
    """Ctrl-C is for the parent to handle; without a parent there is nothing left to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
