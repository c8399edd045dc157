"""Ctrl-C and SIGTERM end a command the same way: within seconds, in one sentence, with what it had started."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

EXIT_CODE = 130
SENTENCE = "Interrupted; what is live has not changed. The next night goes on from here."
END_WITHIN = 10  # seconds for Prefect and DVC to come to an end


@contextmanager
def end_within_seconds() -> Iterator[None]:
    """Inside the block SIGINT and SIGTERM raise KeyboardInterrupt; what has not ended soon after is killed."""
    terminal = os.dup(2)  # inside the block standard error may go to a log

    def interrupt(number: int, frame: Any) -> None:
        timer = threading.Timer(END_WITHIN, _exit, args=(terminal,))
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(terminal: int) -> None:
    import psutil

    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            process.kill()
    os.write(terminal, f"{SENTENCE}\n".encode())
    os._exit(EXIT_CODE)
