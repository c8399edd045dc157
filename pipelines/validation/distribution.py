"""How a dataset is distributed, and how far that is from an earlier one.

The distance is Jensen and Shannon's: the square root of their divergence in bits, 0 for the same distribution and 1 for
two that share nothing (Lin, Divergence Measures Based on the Shannon Entropy, 1991; a metric: Endres and Schindelin,
A New Metric for Probability Distributions, 2003). Unlike a population stability index it needs no made-up value
where one side has nothing, as a new language has. Numbers are counted between the deciles of the earlier dataset.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypedDict

from pipelines.records.dataset import Example, Quarantined
from pipelines.records.snapshot import Baseline

Rows = tuple[list[Example], list[Example], list[Quarantined]]
DECILES = 10
KEPT = "kept"


class Distribution(TypedDict):
    """How a dataset is distributed; `Baseline` says what the fields hold."""

    edges: dict[str, list[float]]
    counts: dict[str, dict[str, int]]


def distribution(rows: Rows, edges: Mapping[str, list[float]] | None = None) -> Distribution:
    """What is compared from night to night.

    Args:
        rows: train, holdout and quarantine.
        edges: those of an earlier dataset; its own deciles where they are not given.
    """
    train, holdout, quarantined = rows
    both = [*train, *holdout]
    numbers: dict[str, Sequence[float]] = {
        "length": [len(row["completion"]) for row in both],
        "quality": [row["quality"] for row in both if "quality" in row],
    }
    ends = {name: _deciles(values) for name, values in numbers.items()} if edges is None else edges
    found = {
        "language": Counter(row["language"] for row in both),
        "recipe": Counter(row["task"] for row in both),
        **{name: Counter(str(bisect_right(ends[name], one)) for one in values) for name, values in numbers.items()},
        "left_out": Counter({KEPT: len(both)}) + Counter(str(row.get("rule")) for row in quarantined),
    }
    return {"edges": dict(ends), "counts": {name: dict(counts) for name, counts in found.items()}}


def measure_distances(earlier: Distribution | Baseline, rows: Rows) -> dict[str, float]:
    """Name → distance of tonight's distribution from the earlier one; without what either of them does not know.

    Args:
        earlier: a `distribution`.
    """
    before, now = earlier["counts"], distribution(rows, earlier["edges"])["counts"]
    return {name: round(jensen_shannon(before[name], now[name]), 4) for name in now if before.get(name) and now[name]}


def jensen_shannon(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """The distance of two distributions, given by their counts, 0 to 1."""
    from scipy.spatial.distance import jensenshannon

    keys = sorted({*one, *other})
    found = float(jensenshannon([one.get(key, 0) for key in keys], [other.get(key, 0) for key in keys], base=2))
    return 0.0 if math.isnan(found) else min(1.0, found)  # rounding may leave the root of less than nothing


def _deciles(values: Sequence[float]) -> list[float]:
    found = sorted(values)
    return sorted({found[len(found) * part // DECILES] for part in range(1, DECILES)}) if found else []
