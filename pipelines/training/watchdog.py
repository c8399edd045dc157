"""A watchdog: a step that takes far longer than those before it ends the training, instead of hanging until morning."""

import faulthandler
import os
import signal
import statistics
import sys
import threading
import time
from collections import deque
from types import FrameType, TracebackType

from pipelines.errors import NocturneError

FACTOR = 20  # times the median step; a step with a checkpoint and a measurement takes a few
LEAST = 300.0  # seconds, so that a machine that sleeps or swaps for a moment is not taken for a stalled one
FIRST = 3600.0  # seconds until the first step must have ended
GRACE = 60.0  # seconds after which a process that does not react is killed; the next night goes on from a checkpoint
STEPS = 50  # of which the median is taken
SIGNAL = signal.SIGUSR1


class Watchdog:
    """Watches one training from its own thread; `beat` says that a step has ended.

    The main thread is interrupted by a signal, also in a blocking call; one that hangs inside native code is killed
    after a grace period, and where each thread stands is written to the log first.
    """

    def __init__(
        self, least: float = LEAST, factor: float = FACTOR, first: float = FIRST, grace: float = GRACE
    ) -> None:
        self.least, self.factor, self.first, self.grace = least, factor, first, grace
        self._steps: deque[float] = deque(maxlen=STEPS)
        self._last = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._watches = threading.current_thread() is threading.main_thread()

    def beat(self) -> None:
        """A step has ended."""
        now = time.monotonic()
        self._steps.append(now - self._last)
        self._last = now

    def alive(self) -> None:
        """Something else than a step has ended: a measurement, or writing a checkpoint."""
        self._last = time.monotonic()

    def limit(self) -> float:
        """How many seconds the present step may take."""
        if not self._steps:
            return self.first
        return max(self.least, self.factor * statistics.median(self._steps))

    def __enter__(self) -> "Watchdog":
        self._last = time.monotonic()
        if self._watches:  # only the main thread may handle signals
            self._former = signal.signal(SIGNAL, self._stop)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._watches:
            self._thread.join()
            signal.signal(SIGNAL, self._former)

    def _watch(self) -> None:
        while not self._ended.wait(min(1.0, self.least / 4)):
            if time.monotonic() - self._last > self.limit():
                faulthandler.dump_traceback(sys.__stderr__ or 2)
                signal.pthread_kill(threading.main_thread().ident or 0, SIGNAL)
                if not self._ended.wait(self.grace):
                    os.kill(os.getpid(), signal.SIGKILL)
                return

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._ended.is_set():
            return
        took, usual = time.monotonic() - self._last, statistics.median(self._steps or [self.first])
        raise NocturneError(
            f"Training stalled: step {len(self._steps) + 1} of this run took more than {took:,.0f} s, where the median "
            f"is {usual:,.1f} s.",
            "Look at the end of the night's log for where it stood, and at the machine's load; `nocturne nightly` goes "
            "on from the last whole checkpoint.",
        )
