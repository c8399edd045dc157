"""Which of many sets of shingles are near-duplicates of one another: MinHash and LSH find candidates, the sets decide.

With 256 permutations in bands of r rows, two sets of Jaccard similarity s become candidates with probability
1 - (1 - s**r)**(256 // r) (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4.2). The widest bands are taken
that find a pair at the threshold with MIN_RECALL; wider ones would only spare comparisons. At 0.7 that is 51 bands of
5 rows. Every candidate is then compared set by set, so that no pair below the threshold is ever named.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pipelines import progress
from pipelines.dataset.shingles import jaccard

if TYPE_CHECKING:
    import numpy as np
    from datasketch import MinHash

PERMUTATIONS = 256
MIN_RECALL = 0.999
SEED = 1
BATCH = 4096  # shingles hashed at once: 4 MB with 256 permutations of 32 bits


def find_pairs(sets: Sequence["np.ndarray"], threshold: float, unit: str = "examples") -> Iterator[tuple[int, int]]:
    """The pairs (earlier, later) of positions whose sets have a Jaccard similarity of `threshold` or more.

    Args:
        sets: of 64-bit hashes, sorted; an empty one has no neighbour.
        threshold: above 0, below 1.
        unit: what the sets are made of, for whoever watches the progress.

    Yields:
        By the later position, then by the earlier one.
    """
    from datasketch import MinHashLSH

    lsh = MinHashLSH(num_perm=PERMUTATIONS, params=_bands(threshold))
    for later, sketch in progress.track(enumerate(_sketches(sets)), len(sets), unit):
        if not len(sets[later]):
            continue
        for earlier in sorted(lsh.query(sketch)):
            if jaccard(sets[earlier], sets[later]) >= threshold:
                yield earlier, later
        lsh.insert(later, sketch, check_duplication=False)


def find_clusters(count: int, linked: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `count` positions the first one that it is linked to, over any number of links."""
    first = list(range(count))

    def root(at: int) -> int:
        while first[at] != at:
            first[at] = first[first[at]]
            at = first[at]
        return at

    for one, other in linked:
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return [root(at) for at in range(count)]


def _bands(threshold: float) -> tuple[int, int]:
    """(bands, rows of one)."""
    found = [rows for rows in range(1, PERMUTATIONS + 1) if _recall(threshold, rows) >= MIN_RECALL]
    rows = max(found, default=1)
    return PERMUTATIONS // rows, rows


def _recall(similarity: float, rows: int) -> float:
    return 1 - (1 - similarity**rows) ** (PERMUTATIONS // rows)


def _sketches(sets: Sequence["np.ndarray"]) -> Iterator["MinHash"]:
    """A MinHash of each set; the permutations are drawn once."""
    from datasketch import MinHash

    empty = MinHash(num_perm=PERMUTATIONS, seed=SEED, hashfunc=int)
    for hashes in sets:
        sketch = empty.copy()
        low = (hashes & 0xFFFFFFFF).tolist()
        for at in range(0, len(low), BATCH):
            sketch.update_batch(low[at : at + BATCH])
        yield sketch
