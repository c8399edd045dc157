"""One of several processes that train together: it meets the others, works, and tells the one that waits."""

import os
import pickle
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from itertools import pairwise
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from pipelines import progress
from pipelines.errors import NocturneError
from pipelines.progress import Step

STEP, METRICS, RESULT, FAILED = "step", "metrics", "result", "failed"


class Teller:
    """Stands for MLflow's run and the bar in a process of several."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def metrics(self, values: dict[str, float], step: int) -> None:
        """Figures at a step."""
        self._connection.send((METRICS, values, step))

    def step(self, step: Step) -> None:
        """How far it is."""
        self._connection.send((STEP, step))

    def result(self, value: Any) -> None:
        """It is done."""
        self._connection.send((RESULT, value))

    def failed(self, error: BaseException) -> None:
        """It has failed, and when: the others fail for want of it a moment later."""
        self._connection.send((FAILED, time.monotonic(), pickle_object(error)))


def run_member(pipes: Sequence[Connection], store: str, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Work as the process that the environment says; accelerate has set RANK, LOCAL_RANK and WORLD_SIZE.

    Args:
        pipes: of every process; its own is used.
        store: a file through which the processes find each other.
    """
    rank = int(os.environ["RANK"])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for other in range(len(pipes)):
        if other != rank:
            pipes[other].close()
    tell = Teller(pipes[rank])
    try:
        _meet(rank, len(pipes), store)
        with progress.show_progress(tell.step):
            done = work(*arguments, tell)
        _leave()
    except Exception as error:
        tell.failed(error)
        sys.exit(1)
    tell.result(done if rank == 0 else None)


def _meet(rank: int, count: int, store: str) -> None:
    """Join the group: through a file, so that no port is opened for it."""
    import torch
    from torch import distributed

    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(rank)
    meeting = distributed.FileStore(store, count)
    distributed.init_process_group("nccl" if on_gpu else "gloo", store=meeting, rank=rank, world_size=count)


def _leave() -> None:
    from torch import distributed

    distributed.destroy_process_group()


def _end_with_parent() -> None:
    """Without the process that waits there is nothing left to do, however it ended."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def pickle_object(error: BaseException) -> list[bytes]:
    """An error and what it was raised from, each for itself: pickle leaves causes out."""
    made: list[bytes] = []
    one: BaseException | None = error
    while one is not None:
        if not isinstance(one, NocturneError):
            one.add_note("".join(traceback.format_exception(type(one), one, one.__traceback__, chain=False)))
        try:
            made.append(pickle.dumps(one))
            pickle.loads(made[-1])  # noqa: S301 - its own bytes: some errors cannot be made again
        except Exception:
            made[len(made) - 1 :] = [pickle.dumps(RuntimeError(f"{type(one).__name__}: {one}"))]
        one = one.__cause__ or one.__context__
    return made


def unpickle_object(made: Sequence[bytes]) -> BaseException:
    """The error again, with its causes."""
    errors: list[BaseException] = [pickle.loads(one) for one in made]  # noqa: S301 - a child's own bytes
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]
