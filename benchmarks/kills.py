"""Kills a process at drawn moments, again and again, and looks at what is left: always the old or the new, whole.

`python -m benchmarks.kills --what release --trials 100 --seed 17 FOLDER` prints where the kills fell and what was then
live; it ends with exit code 1 when anything was ever torn. FOLDER must be empty; a small workspace is made in it.

A trial draws one of the writes of the work, lets a process of its own begin it, waits a drawn time and sends SIGKILL.
Then another process looks: what is live must be the old or the new, every part of it there and as it was made; and the
work, begun again, must end as if nothing had happened. WHAT names what can be killed; a subject is added there.
"""

import argparse
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from benchmarks.kills_index import IndexSubject
from benchmarks.kills_release import ReleaseSubject

WITHIN = 0.02  # seconds after a write has begun; most writes here take less
START = 120  # seconds for a process to begin


class Subject(Protocol):
    """Work that is killed; `preloaded` are modules that every process of it needs.

    `prepare` makes what is live before the first trial. `work` does trial number n, and calls `begun` with the name of
    each write just before it. `state` says after a kill what is live, "old" or "new", and raises AssertionError when
    any of it is torn. `mend` does the work again, and raises AssertionError when it does not end as an undisturbed one.
    """

    preloaded: Sequence[str]

    def prepare(self) -> None: ...
    def work(self, trial: int, begun: Callable[[str], None]) -> None: ...
    def state(self, trial: int) -> str: ...
    def mend(self, trial: int) -> None: ...


WHAT: dict[str, Callable[[Path], Subject]] = {"index": IndexSubject, "release": ReleaseSubject}


@dataclass(frozen=True)
class Kill:
    """One trial: the write in which the kill fell ("after the last" when the work had ended), and what was live."""

    write: str
    left: str


def kills(subject: Subject, trials: int, seed: int) -> list[Kill]:
    """Prepare the subject, let one trial end undisturbed to know its writes, and kill so many others.

    Raises:
        AssertionError: something was torn, or was not mended.
    """
    draw = random.Random(seed)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(list(subject.preloaded))
    _in_process(processes, subject.prepare)
    writes = _in_process(processes, _counted, subject, 1)  # work that was done before has fewer
    print(f"{len(writes)} writes: {', '.join(writes)}", file=sys.stderr, flush=True)
    found = []
    for trial in range(2, trials + 2):
        at, after = draw.randrange(len(writes)), draw.uniform(0, WITHIN)
        write = _killed(processes, subject, trial, at, after)
        left = _in_process(processes, _looked, subject, trial)
        found.append(Kill(write, left))
        print(f"{trial - 1:>4}  {left:<4}  {write}", file=sys.stderr, flush=True)
    return found


def _killed(processes: Any, subject: Subject, trial: int, at: int, after: float) -> str:
    """Start the work, kill it so long after write number `at` has begun; returns the write it was at."""
    here, there = processes.Pipe(duplex=False)
    child = processes.Process(target=_telling, args=(subject, trial, there))
    child.start()
    there.close()
    seen: list[str] = []
    try:
        while len(seen) <= at:
            assert here.poll(START), "the work does not go on"
            seen.append(here.recv())
        time.sleep(after)
        os.kill(child.pid, signal.SIGKILL)
        while here.poll(0.1):
            seen.append(here.recv())
    except EOFError:  # the pipe is closed: the process has ended
        pass
    child.join()
    return seen[-1] if child.exitcode == -signal.SIGKILL else "after the last"


def _telling(subject: Subject, trial: int, pipe: Connection) -> None:
    subject.work(trial, pipe.send)


def _looked(subject: Subject, trial: int) -> str:
    """What is live, before the next work makes it the new."""
    left = subject.state(trial)
    subject.mend(trial)
    return left


def _counted(subject: Subject, trial: int) -> list[str]:
    """The writes of undisturbed work, in their order."""
    writes: list[str] = []
    subject.work(trial, writes.append)
    return writes


def _in_process(processes: Any, call: Callable[..., Any], *arguments: Any) -> Any:
    """Call it in a fresh process; returns what it returns and raises what it raises."""
    here, there = processes.Pipe(duplex=False)
    child = processes.Process(target=_answer, args=(call, arguments, there))
    child.start()
    there.close()
    error, value = here.recv()
    child.join()
    if error is not None:
        raise error
    return value


def _answer(call: Callable[..., Any], arguments: tuple[Any, ...], pipe: Connection) -> None:
    try:
        pipe.send((None, call(*arguments)))
    except BaseException as error:
        pipe.send((AssertionError(f"{type(error).__name__}: {error}"), None))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--what", choices=sorted(WHAT), required=True)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=17)
    chosen = parser.parse_args()
    if chosen.folder.exists() and any(chosen.folder.iterdir()):
        parser.error(f"{chosen.folder} is not empty")
    try:
        found = kills(WHAT[chosen.what](chosen.folder.resolve()), chosen.trials, chosen.seed)
    except AssertionError as torn:
        sys.exit(f"TORN: {torn}")
    left = Counter((kill.write, kill.left) for kill in found)
    print("| killed in | old is live | new is live |\n| --- | ---: | ---: |")
    for write in dict.fromkeys(kill.write for kill in found):
        print(f"| {write} | {left[write, 'old']} | {left[write, 'new']} |")
    print(f"| all {len(found)} | {sum(k.left == 'old' for k in found)} | {sum(k.left == 'new' for k in found)} |")


if __name__ == "__main__":
    main()
