"""A training in one process or in several, which accelerate and torch start on this machine alone.

Each of several trains on its share of every update, and they sum their gradients (torch's DistributedDataParallel, over
NCCL between GPUs, else over gloo). The process that DVC and MLflow know waits and shows what the first of them tells.
"""

import multiprocessing
import socket
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from pickle import UnpicklingError
from signal import SIGABRT, Signals
from typing import Any, Protocol, TypeVar

from pipelines import progress
from pipelines.errors import NocturneError
from pipelines.training.worker import FAILED, METRICS, RESULT, STEP, run_member, unpickle_object

T = TypeVar("T")

SETTLE = 0.5  # seconds in which the others end that a dead process takes with it


class SupportsMetrics(Protocol):
    """Where the metrics of a training go while it runs."""

    def metrics(self, values: dict[str, float], step: int) -> None:
        """Record figures at a step."""


class Killed(NocturneError):
    """One of several processes ended without a word."""


def run_processes(
    count: int, threads: int, work: Callable[..., T], arguments: tuple[Any, ...], run: SupportsMetrics
) -> T:
    """Call `work(*arguments, run)` in so many processes at once; in this one where it is one.

    Args:
        threads: of each process.
        work: a module's function; in several processes its arguments are pickled, and torch.distributed is ready.
        run: where the figures go that `work` tells its own `run`.

    Returns:
        What the first process returned.

    Raises:
        Killed: a process was killed. However it ends, no process is left.
        Exception: what the process that failed first has raised.
    """
    if count == 1:
        return work(*arguments, run)
    from accelerate.utils import DistributedType, PrepareForLaunch, patch_environment
    from torch.cuda import is_available
    from torch.multiprocessing import start_processes

    ours, theirs = zip(*(multiprocessing.Pipe(duplex=False) for _ in range(count)), strict=True)
    kind = DistributedType.MULTI_GPU if is_available() else DistributedType.MULTI_CPU
    with tempfile.TemporaryDirectory(prefix="nocturne-training-") as folder:
        given = (theirs, str(Path(folder) / "store"), work, arguments)
        with patch_environment(**_environment(count, threads)):
            started = start_processes(PrepareForLaunch(run_member, kind), given, count, join=False, daemon=True)
        crew = _Crew(started.processes, ours, run)
        try:
            for connection in theirs:
                connection.close()
            return crew.result()
        finally:
            crew.end()


def _environment(count: int, threads: int) -> dict[str, Any]:
    """What torch, accelerate and the libraries below them read when a process starts."""
    from accelerate.utils import check_cuda_p2p_ib_support

    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
    direct = {} if check_cuda_p2p_ib_support() else {"nccl_p2p_disable": 1, "nccl_ib_disable": 1}
    return {
        **direct,
        "world_size": count,
        "local_world_size": count,
        "omp_num_threads": threads,
        "gloo_socket_ifname": loopback,
        "nccl_socket_ifname": loopback,
        "pythonwarnings": "ignore",
    }


@dataclass
class _Crew:
    """The processes that train together, and what they have said."""

    processes: Sequence[BaseProcess]
    connections: Sequence[Connection]
    run: SupportsMetrics
    results: dict[int, Any] = field(default_factory=dict)
    failures: list[tuple[float, list[bytes]]] = field(default_factory=list)

    def result(self) -> Any:
        """Wait for every process, and show what the first one tells."""
        while len(self.results) < len(self.processes):
            working = [rank for rank in range(len(self.processes)) if rank not in self.results]
            open_ends = [connection for connection in self.connections if not connection.closed]
            wait([*open_ends, *(self.processes[rank].sentinel for rank in working)])
            gone = [rank for rank in working if not self.processes[rank].is_alive()]
            self._listen()
            if self.failures or any(rank not in self.results for rank in gone):
                self._fail()
        return self.results[0]

    def _listen(self) -> None:
        for rank, connection in enumerate(self.connections):
            while (said := _receive(connection)) is not None:
                self._hear(rank, *said)

    def _hear(self, rank: int, kind: str, *said: Any) -> None:
        if kind == STEP:
            progress.report(said[0].done, said[0].total, said[0].unit, said[0].note)
        elif kind == METRICS:
            self.run.metrics(*said)
        elif kind == RESULT:
            self.results[rank] = said[0]
        elif kind == FAILED:
            self.failures.append((said[0], said[1]))

    def _fail(self) -> None:
        """Raise the first cause: a process that was killed, or else the error that was raised first."""
        for process in self.processes:
            process.join(SETTLE / len(self.processes))
        self._listen()
        for rank, process in enumerate(self.processes):
            # NCCL aborts a process whose partner has failed.
            silent = process.exitcode is not None and not (self.failures and process.exitcode in (1, -SIGABRT))
            if silent and rank not in self.results:
                raise self._killed(rank, process.exitcode or 0)
        raise unpickle_object(min(self.failures)[1])

    def _killed(self, rank: int, code: int) -> Killed:
        how = f"was killed by {Signals(-code).name}" if code < 0 else f"ended by itself (exit code {code})"
        return Killed(
            f"Process {rank + 1} of the {len(self.processes)} that train together {how}.",
            "Look at the end of the night's log for where it stood, and whether memory ran out (`dmesg`); "
            "`nocturne nightly` goes on from the last whole checkpoint.",
        )

    def end(self) -> None:
        """End whatever still runs: what it has learned is in its checkpoints."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.join()
        for connection in self.connections:
            connection.close()


def _receive(connection: Connection) -> Any:
    """What a process has said, or None when it has said nothing more, or was cut short."""
    try:
        return connection.recv() if not connection.closed and connection.poll() else None
    except (EOFError, OSError, UnpicklingError):
        connection.close()
        return None
