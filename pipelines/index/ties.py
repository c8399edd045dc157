"""An order that is the same each time, although an engine's scores are not, to the last bit.

The order in which an engine adds up depends on where its points lie, and that on threads. Rounding does not help: what
is next to a border falls on either side. So scores that follow each other more closely than such errors are equal.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

NOISE = 2e-6  # of a score's size, at least of 1: several roundings of float32


def equal(one: float, other: float) -> bool:
    """Whether two scores differ by an engine's errors alone."""
    return abs(one - other) <= NOISE * max(1.0, abs(one), abs(other))


def settled(found: Iterable[T], score: Callable[[T], float], key: Callable[[T], Any]) -> list[T]:
    """Best first; equal ones by `key`."""
    order = [(score(one), one) for one in found]
    order.sort(key=_first, reverse=True)
    result: list[T] = []
    tied: list[T] = []
    last = math.inf
    for value, one in order:
        # `equal`, of two in this order.
        if last - value > NOISE * max(1.0, last, -value):
            result += sorted(tied, key=key) if len(tied) > 1 else tied
            tied = []
        tied.append(one)
        last = value
    return result + sorted(tied, key=key)


def _first(pair: tuple[float, Any]) -> float:
    return pair[0]
