"""Trials of `benchmarks.crash.kills`: a subject's work is killed at drawn moments, and what is left is looked at."""

import multiprocessing
import os
import random
import signal
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Protocol

from benchmarks.crash.processes import call_in_process, try_in_process

IN_A_ROW = 3
START = 300  # seconds for a process to begin, or for the slowest write
BEGIN = "before the first write"


class Subject(Protocol):
    """Work that is killed; `preloaded` are modules that every process of it needs.

    `prepare` makes what is live before the first trial, `begin` what trial number n finds. `work` does the trial's work
    or goes on with it, calls `begun` with the kind of each write just before it, and returns whether it went on from
    something that earlier work had left. `state` says after a kill what is there, "old", "new" or "none", and raises
    AssertionError when any of it is torn. `check` raises AssertionError when finished work has not ended as an
    undisturbed one. `asking` returns a question: each call of it searches as `nocturne search` does, and raises
    AssertionError for an answer that is not of one version served.
    """

    @property
    def preloaded(self) -> Sequence[str]: ...
    def prepare(self) -> None: ...
    def begin(self, trial: int) -> None: ...
    def work(self, trial: int, begun: Callable[[str], None]) -> bool: ...
    def state(self, trial: int) -> str: ...
    def check(self, trial: int) -> None: ...
    def asking(self) -> Callable[[], None]: ...


@dataclass(frozen=True)
class Kill:
    """One kill: what was being done, and what came of it.

    Attributes:
        left: "old", "new" or "none"; "torn" when it was none of these.
        resumed: whether the work went on from what was left.
        same: whether it ended at last as undisturbed work does.
    """

    what: str
    left: str
    resumed: bool = False
    same: bool = True


@dataclass
class Answers:
    """Questions that were asked while something was killed.

    Attributes:
        right: how many were answered as they should be.
        wrong: what was wrong with the others.
    """

    right: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Moment:
    """When to kill: just before the write of this kind that is number `at`, or `after` seconds from when write number
    `at` has begun, of whatever kind. Work that writes less ends before it comes to that."""

    at: int
    after: float | None
    kind: str = ""


def run_kills(subject: Subject, count: int, draw: random.Random) -> tuple[list[Kill], Answers]:
    """Prepare the subject, let one trial end undisturbed to know its writes, and kill so many times in others."""
    processes = multiprocessing.get_context("forkserver")
    call_in_process(processes, subject.prepare)
    found: list[Kill] = []
    with _asked(processes, subject) as answers:
        writes = call_in_process(processes, _counted, subject)  # work that was done before has fewer
        print(f"{len(writes)} writes in {writes[-1][1]:.1f} s", file=sys.stderr, flush=True)
        trial = 1
        while len(found) < count:
            trial += 1
            found += _trial(processes, subject, trial, writes, draw)[: count - len(found)]
    return found, answers


@contextmanager
def _asked(processes: Any, subject: Subject) -> Iterator[Answers]:
    """Let another process ask until the block ends; what it found is there afterwards."""
    answers, stop = Answers(), processes.Event()
    here, there = processes.Pipe(duplex=False)
    child = processes.Process(target=_ask, args=(subject, stop, there))
    child.start()
    there.close()
    try:
        yield answers
    finally:
        stop.set()
        answers.right, answers.wrong = here.recv()
        child.join()


def _ask(subject: Subject, stop: Any, pipe: Connection) -> None:
    right, wrong, ask = 0, [], subject.asking()
    while not stop.is_set():
        try:
            ask()
            right += 1
        except Exception as error:
            said = error if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            wrong.append(str(said))
            print(f"      answered wrongly: {said}", file=sys.stderr, flush=True)
    pipe.send((right, wrong))


def _trial(processes: Any, subject: Subject, trial: int, writes: list[tuple[str, float]], draw: Any) -> list[Kill]:
    call_in_process(processes, subject.begin, trial)
    found: list[Kill] = []
    for _ in range(draw.randint(1, IN_A_ROW)):
        moment = _drawn(writes, draw)
        what = _killed(processes, subject, trial, moment)
        if what is None:
            break
        left, wrong = try_in_process(processes, subject.state, trial)
        found.append(Kill(what, left or "torn"))
        exact = "exact" if moment.after is None else "timed"
        print(f"{trial:>4}  {exact}  {left or 'torn':<4}  {what}{wrong}", file=sys.stderr, flush=True)
    resumed, wrong = try_in_process(processes, _undisturbed, subject, trial)
    if wrong:
        print(f"{trial:>4}  ended otherwise{wrong}", file=sys.stderr, flush=True)
    return [replace(kill, resumed=bool(resumed), same=not wrong) for kill in found]


def _drawn(writes: list[tuple[str, float]], draw: random.Random) -> Moment:
    if draw.random() < 0.5:
        kinds = [kind for kind, _ in writes[:-1]]
        kind = draw.choice(sorted(set(kinds)))
        return Moment(draw.randrange(kinds.count(kind)), None, kind)
    times = [when for _, when in writes]
    moment = draw.uniform(0, times[-1])
    at = bisect_right(times, moment) - 1
    return Moment(at, moment - times[at])


def _killed(processes: Any, subject: Subject, trial: int, moment: Moment) -> str | None:
    """Start the work and kill it and its children; returns what it was doing, None when it ended before."""
    here, there = processes.Pipe(duplex=False)
    child = processes.Process(target=_telling, args=(subject, trial, there, moment))
    child.start()
    there.close()
    seen: list[str] = []
    try:
        while moment.after is None or len(seen) <= moment.at:
            assert here.poll(START), "the work does not go on"
            seen.append(here.recv())
        time.sleep(moment.after)
        os.killpg(child.pid, signal.SIGKILL)
        while here.poll(0.1):
            seen.append(here.recv())
    except (EOFError, ProcessLookupError):  # it has ended
        pass
    child.join()
    return seen[-1] if child.exitcode == -signal.SIGKILL else None


def _telling(subject: Subject, trial: int, pipe: Connection, moment: Moment) -> None:
    os.setpgrp()
    left = moment.at

    def begun(kind: str) -> None:
        nonlocal left
        pipe.send(kind)
        if kind == moment.kind and left == 0:
            os.killpg(0, signal.SIGKILL)
        left -= kind == moment.kind

    begun(BEGIN)
    subject.work(trial, begun)


def _counted(subject: Subject) -> list[tuple[str, float]]:
    """The writes of undisturbed work and when each began, in seconds; the last entry is its end."""
    subject.begin(1)
    began = time.monotonic()
    writes = [(BEGIN, 0.0)]
    subject.work(1, lambda kind: writes.append((kind, time.monotonic() - began)))
    subject.check(1)
    return [*writes, (writes[-1][0], time.monotonic() - began)]


def _undisturbed(subject: Subject, trial: int) -> bool:
    resumed = subject.work(trial, lambda kind: None)
    subject.check(trial)
    return resumed
