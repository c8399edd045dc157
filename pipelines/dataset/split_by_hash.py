"""Which files are held out by the hash of their path: the same ones night after night, in whole clusters."""

import hashlib
from collections import Counter
from collections.abc import Mapping

from pipelines.config.schema import Dataset


def choose_holdout(weights: Mapping[str, int], params: Dataset, first: Mapping[str, str] | None = None) -> set[str]:
    """The files of the holdout.

    A file's place depends on its path and the seed alone, so that it stays on its side from night to night. When that
    rule holds out less than half of the wanted share of the weight (few files), the next ones in line join.

    Args:
        weights: path → how much the file can teach; one that can teach nothing is left out.
        first: path → first path of its cluster of near-duplicate files, which gives all of them their place; a path
            that is absent is alone.
    """
    firsts = {path: (first or {}).get(path, path) for path in weights}
    grouped: Counter[str] = Counter()
    for path, weight in weights.items():
        grouped[firsts[path]] += weight
    total = sum(weights.values())
    chosen: set[str] = set()
    covered = 0
    for place, head in sorted((_hash_to_share(head, params.seed), head) for head in grouped):
        enough = covered >= total * params.holdout / 2 and chosen
        if (place >= params.holdout and enough) or len(chosen) + 1 >= len(grouped):
            break
        chosen.add(head)
        covered += grouped[head]
    return {path for path in weights if firsts[path] in chosen}


def choose_former_holdout(paths: set[str], params: Dataset) -> set[str]:
    """Of paths that are no file any more, those whose place is in the holdout's share."""
    return {path for path in paths if _hash_to_share(path, params.seed) < params.holdout}


def _hash_to_share(path: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}:{path}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
