"""An order that is the same each time, although an engine's scores are not, to the last bit.

The order in which an engine adds up depends on where its points lie, and that on threads. Rounding does not help: what
is next to a border falls on either side. So scores that follow each other more closely than such errors are equal.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

NOISE = 2e-6  # of a score's size, at least of 1: several roundings of float32


def is_equal(one: float, other: float) -> bool:
    """Whether two scores differ by an engine's errors alone."""
    return abs(one - other) <= NOISE * max(1.0, abs(one), abs(other))


def stable_order(found: Iterable[T], score: Callable[[T], float], key: Callable[[T], Any]) -> list[T]:
    """Best first; equal ones by `key`."""
    order = [(score(one), one) for one in found]
    order.sort(key=_first, reverse=True)
    result = [one for _, one in order]
    begun = 0  # where the equal ones begin that the present one is of
    for place in range(1, len(order) + 1):
        if place < len(order):
            last, value = order[place - 1][0], order[place][0]
            gap = last - value
            if gap <= NOISE or gap <= NOISE * last or gap <= -NOISE * value:  # `is_equal`, of two in this order
                continue
        if place - begun > 1:
            result[begun:place] = sorted(result[begun:place], key=key)
        begun = place
    return result


def _first(pair: tuple[float, Any]) -> float:
    return pair[0]
