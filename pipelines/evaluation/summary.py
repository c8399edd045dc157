"""From records of single examples to figures with intervals: for all of them, by task, by language."""

from collections.abc import Sequence
from typing import Any

from pipelines.evaluation.arms import ARMS
from pipelines.evaluation.statistics import Bootstrap, Figure
from pipelines.params import Evaluation
from pipelines.records import Record

GENERATED = ("exact_match", "edit_similarity", "syntax_validity")
GAINS = (
    ("adapter", "base"),
    ("base+rag", "base"),
    ("adapter+rag", "base"),
    ("adapter+rag", "base+rag"),
    ("adapter+rag", "adapter"),
)


def summary(records: Sequence[Record], config: Evaluation) -> dict[str, Any]:
    """The body of `evaluation.json`.

    Returns:
        examples, files, bytes, generated: how much was measured; confidence, note: of every interval;
        arms: {arm: {bits_per_byte, exact_match, edit_similarity, syntax_validity: {value, low, high}}};
        gains: {"adapter_vs_base": {value, low, high}, …}, where 0.1 is 10% fewer bits;
        by_task, by_language: the same again for each.
    """
    whole = figures(records, config)
    note = bootstrap(records, config).note
    return {
        **whole,
        "confidence": config.confidence,
        "note": note,
        "by_task": _by("task", records, config),
        "by_language": _by("language", records, config),
    }


def figures(records: Sequence[Record], config: Evaluation) -> dict[str, Any]:
    """Arms and gains over some records."""
    draws = bootstrap(records, config)
    bits = {arm: [record["bits"][arm] for record in records] for arm in ARMS}
    sizes = [record["bytes"] for record in records]
    return {
        "examples": len(records),
        "files": draws.files,
        "bytes": sum(sizes),
        "generated": sum("generated" in record for record in records),
        "arms": {
            arm: {"bits_per_byte": draws.ratio(bits[arm], sizes).record(), **_generated(records, arm, config)}
            for arm in ARMS
        },
        "gains": {f"{one}_vs_{other}": draws.gain(bits[one], bits[other]).record() for one, other in GAINS},
    }


def bootstrap(records: Sequence[Record], config: Evaluation) -> Bootstrap:
    """The resampling of these records, as `params.evaluation` says."""
    paths = [record["path"] for record in records]
    return Bootstrap(paths, config.bootstrap, config.confidence, config.seed)


def _generated(records: Sequence[Record], arm: str, config: Evaluation) -> Record:
    found: Record = {}
    for name in GENERATED:
        measured = [record for record in records if name in record.get("metrics", {}).get(arm, {})]
        values = [record["metrics"][arm][name] for record in measured]
        figure = bootstrap(measured, config).mean(values) if measured else Figure()
        found[name] = figure.record()
    return found


def _by(key: str, records: Sequence[Record], config: Evaluation) -> dict[str, Any]:
    names = sorted({record[key] for record in records})
    return {name: figures([record for record in records if record[key] == name], config) for name in names}
