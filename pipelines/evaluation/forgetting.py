"""What an adapter forgets: how many more bits than its base model it needs for code in general, which it never learned.

The code is bundled (`general/general.jsonl`, with its licences): excerpts of projects in other domains and languages, a
beginning as the prompt and what follows as the completion, without any special token.
"""

from collections.abc import Sequence
from pathlib import Path

from pipelines.config.schema import Evaluation
from pipelines.evaluation.arms import Meter, Model, score_arms
from pipelines.evaluation.bootstrap import Bootstrap, Figure
from pipelines.records import read_jsonl
from pipelines.records.evaluation import ForgettingFigures, ForgettingGroup, ForgettingScore

GENERAL = Path(__file__).parent / "general" / "general.jsonl"
ARMS = {"base": False, "adapter": True}


def measure_forgetting(model: Model) -> list[ForgettingScore]:
    """One record an excerpt: its place and language, its bytes, and as `general` the bits of base and adapter; none for
    a model that learned nothing."""
    if not model.adapted:
        return []
    excerpts = list(read_jsonl(GENERAL))
    pairs = [(one["prompt"], one["completion"]) for one in excerpts]
    meter = Meter(len(ARMS) * len(pairs))
    bits = {arm: score_arms(model, pairs, adapted, meter, f"{arm}: code in general") for arm, adapted in ARMS.items()}
    return [
        {
            "example_id": one["example_id"],
            "path": one["path"],
            "start_line": one["start_line"],
            "end_line": one["end_line"],
            "language": one["language"],
            "bytes": len(one["completion"].encode()),
            "bits": {},
            "general": {arm: bits[arm][place] for arm in ARMS},
        }
        for place, one in enumerate(excerpts)
    ]


def summarise_forgetting(records: Sequence[ForgettingScore], config: Evaluation) -> ForgettingFigures:
    """Bits per byte of base and adapter, and the share of bits that the adapter needs more; for each language, too. {}
    without records."""
    if not records:
        return {}
    languages = sorted({record["language"] for record in records})
    groups = {name: [one for one in records if one["language"] == name] for name in languages}
    return {
        **_figures(records, config),
        "by_language": {name: _figures(group, config) for name, group in groups.items()},
    }


def _figures(records: Sequence[ForgettingScore], config: Evaluation) -> ForgettingGroup:
    draws = Bootstrap([one["path"] for one in records], config.bootstrap, config.confidence, config.seed)
    bits = {arm: [one["general"][arm] for one in records] for arm in ARMS}
    sizes = [one["bytes"] for one in records]
    more: Figure = draws.ratio([a - b for a, b in zip(bits["adapter"], bits["base"], strict=True)], bits["base"])
    return {
        "examples": len(records),
        "files": draws.files,
        "bits_per_byte": {arm: draws.ratio(bits[arm], sizes).record() for arm in ARMS},
        "forgetting": more.record(),
    }
