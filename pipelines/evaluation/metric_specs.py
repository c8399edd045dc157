"""What each metric is: which way is better, how two arms are compared by it, and how it is written."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pipelines.evaluation.bootstrap import Bootstrap, Figure
from pipelines.records import Record

# What a reader is told wherever the figure is met first: a byte that is guessed among all 256 costs 8 bits.
BITS_PER_BYTE = (
    "Bits per byte say how well a model predicts text that it has not seen: "
    "8 is blind guessing, 0 is knowing each byte, and lower is better."
)


@dataclass(frozen=True)
class MetricSpec:
    """One metric.

    Attributes:
        better: which way.
        relative: two arms are compared by the share that one saves of the other, else by their difference.
        generated: it judges a text that an arm has to write first.
        scale, form: how a value is written; 100 makes percent of a share.
    """

    title: str
    unit: str
    better: Literal["lower", "higher"]
    relative: bool
    generated: bool
    scale: float
    form: str

    @property
    def sign(self) -> int:
        """1 when higher is better, else -1."""
        return 1 if self.better == "higher" else -1


MEASURES = {
    "bits_per_byte": MetricSpec("Bits per byte", "lower is better", "lower", True, False, 1, "{:.3f}"),
    "exact_match": MetricSpec("Exact match", "% of generated", "higher", False, True, 100, "{:.1f}"),
    "edit_similarity": MetricSpec("Edit similarity", "% of characters", "higher", False, True, 100, "{:.1f}"),
    "chrf": MetricSpec("chrF", "% of character n-grams", "higher", False, True, 100, "{:.1f}"),
    "syntax_validity": MetricSpec("Still parses", "% of generated code", "higher", False, True, 100, "{:.1f}"),
    "consistency": MetricSpec("Consistency", "% alike when reworded", "higher", False, True, 100, "{:.1f}"),
    "pattern_adherence": MetricSpec("Pattern adherence", "% of test cases", "higher", False, True, 100, "{:.1f}"),
    "memorisation": MetricSpec("Memorisation", "% of rare strings written", "lower", False, True, 100, "{:.1f}"),
    "forgetting": MetricSpec("Forgetting", "% more bits for general code", "lower", False, False, 100, "{:.1f}"),
    "recall@1": MetricSpec("Recall@1", "% of passages", "higher", False, False, 100, "{:.1f}"),
    "recall@5": MetricSpec("Recall@5", "% of passages", "higher", False, False, 100, "{:.1f}"),
    "recall@10": MetricSpec("Recall@10", "% of passages", "higher", False, False, 100, "{:.1f}"),
    "mrr": MetricSpec("MRR", "% of the best rank", "higher", False, False, 100, "{:.1f}"),
    "ndcg@10": MetricSpec("NDCG@10", "% of the best order", "higher", False, False, 100, "{:.1f}"),
}
INDEX = "index"  # the arm that has the figures of retrieval, and no others


def in_order(names: Iterable[str]) -> list[str]:
    """Names of metrics in the order in which every page and table has them; what is no metric stands behind."""
    known = list(MEASURES)
    return sorted(dict.fromkeys(names), key=lambda name: known.index(name) if name in MEASURES else len(known))


def is_in(record: Record, metric: str, arm: str) -> bool:
    """Whether the arm was measured by this metric on this example, or this question of the index."""
    if arm == INDEX:
        return metric in record
    if metric == "forgetting":
        return arm in record.get("general", {})
    if metric == "memorisation":
        return arm in record.get("extracted", {})
    return arm in record["bits"] if metric == "bits_per_byte" else metric in record.get("metrics", {}).get(arm, {})


def parts(record: Record, metric: str, arm: str) -> tuple[float, float]:
    """What an example adds above and below the line of the metric's ratio: bits and bytes, bits more than the base and
    the base's bits, or a share and 1."""
    if arm == INDEX:
        return float(record[metric]), 1.0
    if metric == "forgetting":
        general = record["general"]
        return float(general[arm] - general["base"]), float(general["base"])
    if metric == "memorisation":
        return float(record["extracted"][arm]), 1.0
    if metric == "bits_per_byte":
        return float(record["bits"][arm]), float(record["bytes"])
    return float(record["metrics"][arm][metric]), 1.0


def compute_figure(draws: Bootstrap, records: list[Record], metric: str, arm: str) -> Figure:
    """One arm by one metric; `draws` are over these records, all of which have it."""
    above, below = zip(*(parts(record, metric, arm) for record in records), strict=True)
    return draws.mean(above) if MEASURES[metric].generated else draws.ratio(above, below)
