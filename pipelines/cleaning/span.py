"""Where in a file something was found that must not be learned."""

from dataclasses import dataclass
from typing import Literal

Category = Literal["secret", "personal"]


@dataclass(frozen=True, order=True)
class Span:
    """Bytes `start` to `end` (exclusive) of a file.

    Attributes:
        kind: what it is, as the scanner names it; never a part of it.
        scanner: who found it.
    """

    start: int
    end: int
    kind: str
    scanner: str
    category: Category
