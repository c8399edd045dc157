"""How long work tells how far it is: a stage reports, whoever runs it decides where that is shown."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """How far a stage is: `done` of `total` things called `unit`, and a short note (a loss, a file)."""

    done: int
    total: int
    unit: str
    note: str = ""


Sink = Callable[[Step], None]

_sink: ContextVar[Sink | None] = ContextVar("progress", default=None)


def report(done: int, total: int, unit: str, note: str = "") -> None:
    """Tell whoever listens; free when nobody does."""
    sink = _sink.get()
    if sink is not None:
        sink(Step(done, total, unit, note))


def track(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    """Yield the items, reporting after each."""
    report(0, total, unit)
    for done, item in enumerate(items, start=1):
        yield item
        report(done, total, unit)


@contextmanager
def show_progress(sink: Sink) -> Iterator[None]:
    """Send the reports made inside the block to `sink`."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)
