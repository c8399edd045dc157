"""From records of single examples to figures with intervals: for all of them, by task, by language."""

from collections.abc import Collection, Sequence
from typing import Any

from pipelines.config.schema import Evaluation
from pipelines.encoder.known_item_queries import METRICS as RETRIEVAL
from pipelines.evaluation.arms import ARMS
from pipelines.evaluation.bootstrap import Bootstrap, Figure
from pipelines.evaluation.metric_specs import MEASURES, compute_figure, is_in
from pipelines.records import Record

OWN_RECORDS = ("pattern_adherence", "memorisation", "forgetting", *RETRIEVAL)
EXAMINED = tuple(metric for metric in MEASURES if metric not in OWN_RECORDS)
GAINS = (
    ("adapter", "base"),
    ("base+rag", "base"),
    ("adapter+rag", "base"),
    ("adapter+rag", "base+rag"),
    ("adapter+rag", "adapter"),
)


def summarise(records: Sequence[Record], config: Evaluation) -> dict[str, Any]:
    """The body of `evaluation.json`.

    Returns:
        examples, files, bytes, generated: how much was measured; confidence, note: of every interval;
        arm: which one the candidate answers with, `adapter`, or `base` where nothing was learned;
        arms: {arm: {metric: {value, low, high}}} for each of EXAMINED, all None where it was not measured;
        gains: {"adapter_vs_base": {value, low, high}, …}, where 0.1 is 10% fewer bits;
        by_task, by_language: the same again for each.
    """
    whole = arm_figures(records, config)
    note = make_bootstrap(records, config).note
    return {
        **whole,
        "arm": "adapter" if "adapter" in whole["arms"] else "base",
        "confidence": config.confidence,
        "note": note,
        "by_task": _by("task", records, config),
        "by_language": _by("language", records, config),
    }


def arm_figures(records: Sequence[Record], config: Evaluation) -> dict[str, Any]:
    """Arms and gains over some records."""
    draws = make_bootstrap(records, config)
    arms = [arm for arm in ARMS if records and arm in records[0]["bits"]]
    bits = {arm: [record["bits"][arm] for record in records] for arm in arms}
    return {
        "examples": len(records),
        "files": draws.files,
        "bytes": sum(record["bytes"] for record in records),
        "generated": sum("generated" in record for record in records),
        "arms": {arm: _arm(records, arm, config) for arm in arms},
        "gains": {f"{one}_vs_{other}": draws.gain(bits[one], bits[other]).record() for one, other in gains_of(arms)},
    }


def gains_of(arms: Collection[str]) -> list[tuple[str, str]]:
    """The comparisons that can be made of some arms."""
    return [(one, other) for one, other in GAINS if one in arms and other in arms]


def make_bootstrap(records: Sequence[Record], config: Evaluation) -> Bootstrap:
    """The resampling of these records, as `params.evaluation` says."""
    paths = [record["path"] for record in records]
    return Bootstrap(paths, config.bootstrap, config.confidence, config.seed)


def _arm(records: Sequence[Record], arm: str, config: Evaluation) -> Record:
    found: Record = {}
    for metric in EXAMINED:
        measured = [record for record in records if is_in(record, metric, arm)]
        whole = compute_figure(make_bootstrap(measured, config), measured, metric, arm) if measured else Figure()
        found[metric] = whole.record()
    return found


def _by(key: str, records: Sequence[Record], config: Evaluation) -> dict[str, Any]:
    names = sorted({record[key] for record in records})
    return {name: arm_figures([record for record in records if record[key] == name], config) for name in names}
