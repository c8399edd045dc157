"""Calls in fresh processes, so that nothing of one trial is left for the next."""

from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any


def call_in_process(processes: Any, call: Callable[..., Any], *arguments: Any) -> Any:
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


def try_in_process(processes: Any, call: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """Call it in a fresh process; returns its value and "", or None and what was wrong."""
    try:
        return call_in_process(processes, call, *arguments), ""
    except AssertionError as wrong:
        return None, f": {wrong}"
