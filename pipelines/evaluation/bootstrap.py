"""How sure a figure is: the bootstrap, by whole files, the same resamples for every arm.

Examples of one file are alike, so what is drawn again and again is files, not examples (cluster bootstrap: Davison and
Hinkley 1997, section 3.8). Two arms are compared on the same draw (paired), so that what is hard for both cancels out.
Percentile intervals of few clusters are too narrow; their tails are widened as by Hesterberg 2015 (arXiv:1411.5279,
"expanded percentile"): Phi(-sqrt(n / (n - 1)) t). With fewer than FEW_FILES files even that knows little of how files
differ: the interval is then the wider of drawing files and drawing examples, and a note says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

from pipelines.records.evaluation import Figure as FigureRecord

if TYPE_CHECKING:
    import numpy as np

FEW_FILES = 5  # all of n files agree by chance once in 2**n: more often than 5% below five


@dataclass(frozen=True)
class Figure:
    """An estimate and its interval; all None when there was nothing to measure."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    def record(self) -> FigureRecord:
        """Plain values, rounded as far as they can mean anything."""
        return {"value": _rounded(self.value), "low": _rounded(self.low), "high": _rounded(self.high)}


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 6)


class Bootstrap:
    """Intervals over one set of examples.

    Args:
        paths: the file of each example; the order is that of every sequence given to the methods.
        resamples: how many draws.
        confidence: of the two-sided interval, e.g. 0.95.
        seed: of the draws; the same seed makes the same interval.
    """

    def __init__(self, paths: Sequence[str], resamples: int, confidence: float, seed: int) -> None:
        self.files = len(set(paths))
        self._resamples, self._confidence, self._seed = resamples, confidence, seed
        place = {path: number for number, path in enumerate(sorted(set(paths)))}
        by_file = tuple(place[path] for path in paths)
        by_example = tuple(range(len(paths)))
        if self.files >= FEW_FILES:
            self._groupings = [by_file]
        else:
            self._groupings = [by_example] if self.files <= 1 else [by_file, by_example]

    @property
    def note(self) -> str:
        """What a reader has to know about the intervals, or nothing."""
        if self.files >= FEW_FILES:
            return ""
        if self.files == 1:
            return "All examples are of one file: the intervals do not tell how other files would do."
        return f"Only {self.files} files: the intervals know little of how other files would do."

    def ratio(self, top: Sequence[float], bottom: Sequence[float]) -> Figure:
        """Sum of `top` over sum of `bottom`, such as bits per byte; nothing when `bottom` sums to 0."""
        import numpy as np

        above, below = np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)
        if not below.sum() > 0:
            return Figure()
        ends = [self._ends(above, below, np.asarray(groups)) for groups in self._groupings]
        value = float(above.sum() / below.sum())
        return Figure(value, min(value, *(low for low, _ in ends)), max(value, *(high for _, high in ends)))

    def gain(self, candidate: Sequence[float], reference: Sequence[float]) -> Figure:
        """By how much `candidate` needs fewer bits than `reference`: 0.1 is 10% fewer, below 0 is more."""
        share = self.ratio(candidate, reference)
        if share.value is None or share.low is None or share.high is None:
            return Figure()
        return Figure(1 - share.value, 1 - share.high, 1 - share.low)

    def mean(self, values: Sequence[float]) -> Figure:
        """The mean of values between 0 and 1.

        When all are 0 or all are 1 no draw can differ, so the interval is Wilson's (1927) with files as trials.
        """
        figure = self.ratio(values, [1.0] * len(values))
        if figure.value not in (0.0, 1.0):
            return figure
        reach = self._unseen()
        return Figure(0.0, 0.0, reach) if figure.value == 0 else Figure(1.0, 1 - reach, 1.0)

    def difference(self, candidate: Sequence[float], reference: Sequence[float], weights: Sequence[float]) -> Figure:
        """By how much the share that `candidate` is of `weights` is above the one that `reference` is.

        When no pair differs no draw can, so the interval is that of a share of pairs of which none was seen.
        """
        pairs = [one - other for one, other in zip(candidate, reference, strict=True)]
        if pairs and not any(pairs):
            reach = self._unseen()
            return Figure(0.0, -reach, reach)
        return self.ratio(pairs, weights)

    def _unseen(self) -> float:
        """How frequent something may be that was seen in no file: Wilson's upper end."""
        z = NormalDist().inv_cdf((1 + self._confidence) / 2)
        return z * z / (self.files + z * z)

    def _ends(self, top: "np.ndarray", bottom: "np.ndarray", groups: "np.ndarray") -> tuple[float, float]:
        import numpy as np

        count = int(groups.max()) + 1
        if count < 2:
            value = float(top.sum() / bottom.sum())
            return value, value
        draws = _draws(count, self._resamples, self._seed)
        above = draws @ np.bincount(groups, weights=top)
        below = draws @ np.bincount(groups, weights=bottom)
        held = below > 0
        tail = _tail(count, self._confidence)
        low, high = np.quantile(above[held] / below[held], [tail, 1 - tail])
        return float(low), float(high)


@lru_cache(maxsize=64)
def _draws(count: int, resamples: int, seed: int) -> "np.ndarray":
    """How often each of `count` clusters is drawn in each resample: (resamples, count)."""
    import numpy as np

    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples).astype(float)


def _tail(count: int, confidence: float) -> float:
    """The share of resamples beyond each end of the interval."""
    from scipy.stats import t

    reach = math.sqrt(count / (count - 1)) * t.ppf((1 + confidence) / 2, count - 1)
    return NormalDist().cdf(-float(reach))
