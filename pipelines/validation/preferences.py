"""The contract of preferences.jsonl: what every pair must be, and what they are to each other and the holdout."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from pipelines.config.schema import Dataset
from pipelines.records import Record
from pipelines.source.cutoff import NONE
from pipelines.validation.contract import (
    BY_TIME,
    COLUMNS,
    FILLED,
    RANGES,
    SIGNED,
    Rule,
    check_ids,
    check_single,
    check_times,
    enforce,
    one_of,
    schema_of,
)
from pipelines.validation.provenance import FILE, PLACE, Sources

PROVENANCE = (
    *("example_id", "language", "path", "start_line", "end_line", "start_byte", "end_byte"),
    *("commit", "blob", "license", "source", "prompt", "tokens"),
)
PAIR_COLUMNS: dict[str, Rule] = {
    **{name: COLUMNS[name] for name in PROVENANCE},
    "task": one_of("preference_pairs"),
    "chosen": FILLED,
    "rejected": FILLED,
}
DIFFER = "chosen and rejected must differ"
APART = "path is in holdout.jsonl: a held-out file teaches no preference"
PAIR_TABLE = {
    "example_id must be unique": check_single("example_id"),
    SIGNED: check_ids,
    **RANGES,
    "prompt, chosen and rejected are those of an earlier row": check_single("prompt", "chosen", "rejected"),
}
PAIR_RULES = (*(f"{name} {rule.words}" for name, rule in PAIR_COLUMNS.items()), *PAIR_TABLE, DIFFER, APART, FILE, PLACE)


def check_pairs(
    pairs: list[Record], holdout: list[Record], params: Dataset, folder: str, places: Sources, recent: Record = NONE
) -> None:
    """Check the rows of `preferences.jsonl`.

    Args:
        folder: where the file is, as the message shall name it.
        places: what pairs can be from.
        recent: snapshot's recent.json, which decides when the split is by time.

    Raises:
        NocturneError: a row breaks a rule; the first few are named by line, example and rule.
    """
    table = {**PAIR_TABLE, DIFFER: _differs, **places.rules()}
    if params.split == "time":
        table[BY_TIME] = check_times(recent)
    else:
        table[APART] = _apart_from({row.get("path") for row in holdout})
    enforce(schema_of(PAIR_COLUMNS, table), {"preferences": pairs}, folder)


def _differs(frame: pd.DataFrame) -> "pd.Series[bool]":
    pairs = zip(frame["chosen"], frame["rejected"], strict=True)
    return pd.Series([str(one).strip() != str(other).strip() for one, other in pairs], index=frame.index, dtype=bool)


def _apart_from(held_out: set[Any]) -> Callable[[pd.DataFrame], "pd.Series[bool]"]:
    return lambda frame: ~frame["path"].isin(held_out)
