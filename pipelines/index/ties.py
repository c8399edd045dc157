"""An order that is the same each time, although an engine's scores are not, to the last bit.

The order in which an engine adds up depends on where its points lie, and that on threads. Rounding does not help: what
is next to a border falls on either side. So scores that follow each other more closely than such errors are equal.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

NOISE = 2e-6  # of a score's size, at least of 1: several roundings of float32


def equal(one: float, other: float) -> bool:
    """Whether two scores differ by an engine's errors alone."""
    return abs(one - other) <= NOISE * max(1.0, abs(one), abs(other))


def settled(found: Iterable[T], score: Callable[[T], float], key: Callable[[T], Any]) -> list[T]:
    """Best first; equal ones by `key`."""
    order: list[T] = []
    tied: list[T] = []
    for one in sorted(found, key=score, reverse=True):
        if tied and not equal(score(tied[-1]), score(one)):
            order += sorted(tied, key=key)
            tied = []
        tied.append(one)
    return order + sorted(tied, key=key)
