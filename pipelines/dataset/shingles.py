"""Code as a set of token runs: what near-duplicates and contamination are measured on."""

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

WIDTH = 5  # tokens of a shingle
# Names and numbers whole, every other sign alone: white space and line breaks do not count, nor does the language.
TOKEN = re.compile(r"\w+|[^\w\s]")
MULTIPLIER = 0x9E3779B97F4A7C15  # odd, 2**64 divided by the golden ratio (Knuth, TAOCP 3, 6.4)


def tokenize(text: str) -> list[str]:
    """The tokens of a text, in order."""
    return TOKEN.findall(text)


def token_runs(text: str, width: int) -> "np.ndarray":
    """One 64-bit hash for each run of `width` tokens, in order, repeats included; none of a shorter text.

    The hash of a token is BLAKE2b's, that of a run a polynomial in them modulo 2**64: the same in every process.
    """
    import numpy as np

    values = np.array([_hash(token) for token in tokenize(text)], dtype=np.uint64)
    count = max(0, len(values) - width + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(width):
        hashes = hashes * np.uint64(MULTIPLIER) + values[offset : offset + count]
    return hashes


def shingle(*texts: str) -> "np.ndarray":
    """The sorted set of the shingles of some texts; none reaches from one text into the next."""
    import numpy as np

    found = [token_runs(text, WIDTH) for text in texts]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.uint64)


def jaccard(one: "np.ndarray", other: "np.ndarray") -> float:
    """The share of shingles of either set that stand in both; 0 when both are empty."""
    import numpy as np

    both = len(np.intersect1d(one, other, assume_unique=True))
    either = len(one) + len(other) - both
    return both / either if either else 0.0


@lru_cache(maxsize=1 << 18)
def _hash(token: str) -> int:
    return int.from_bytes(hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=8).digest(), "little")
