"""The contract of a dataset, in pandera: what every row must be, and what the rows must be to each other.

A broken rule ends the night, so each one is named in words, with the file and line that broke it. Columns are checked
as they came from JSON, without coercion: the text "12" is not a line number.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
import pandera.pandas as pa

from pipelines.config.schema import Dataset
from pipelines.errors import NocturneError
from pipelines.records import Record, example_id
from pipelines.source.cutoff import NONE, is_late
from pipelines.validation.provenance import FILE, PLACE, Sources

FIM = ("psm", "spm")
MODES = {
    "explain": ("chat",),
    "implement": ("chat",),
    "fim": FIM,
    "fim_block": FIM,
    "context": ("chat",),
    "tests": ("chat",),
    "retrieval": ("chat", *FIM),
    "questions": ("chat",),
    "commit_edits": ("chat",),
}
NAMED = 3
QUOTED = 60


@dataclass(frozen=True)
class Rule:
    """One column's rule: in words, and as a predicate of one JSON value."""

    words: str
    holds: Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _whole(least: int) -> Rule:
    return Rule(
        f"must be a whole number of at least {least}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least,
    )


def _hex(shortest: int) -> Rule:
    pattern = re.compile(rf"[0-9a-f]{{{shortest},}}")
    return Rule(
        f"must be at least {shortest} hexadecimal digits",
        lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None,
    )


def _commit(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{7,}(-dirty)?|uncommitted", value) is not None


def _share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _shares(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_share, value.values()))


def one_of(*values: str) -> Rule:
    """The rule that a value is one of some texts."""
    return Rule(f"must be one of {', '.join(values)}", lambda value: value in values)


def _inside(value: Any) -> bool:
    return _filled(value) and not PurePosixPath(value).is_absolute() and ".." not in PurePosixPath(value).parts


FILLED = Rule("must be text that is not blank", _filled)
TEXT = Rule("must be text", _text)
COLUMNS = {
    "example_id": _hex(8),
    "task": one_of(*MODES),
    "mode": one_of("chat", "psm", "spm"),
    "language": FILLED,
    "path": Rule("must be a path inside the repository", _inside),
    "start_line": _whole(1),
    "end_line": _whole(1),
    "start_byte": _whole(0),
    "end_byte": _whole(0),
    "commit": Rule("must be a commit in hexadecimal (-dirty after it when the file differed), or uncommitted", _commit),
    "blob": _hex(7),
    "license": TEXT,
    "source": FILLED,
    "prompt": FILLED,
    "completion": FILLED,
    "request": TEXT,
    "query": TEXT,
    "tokens": _whole(1),
    "quality": Rule("must be a number from 0 to 1", _share),
    "quality_parts": Rule("must be parts by name, each a number from 0 to 1", _shares),
}
# A message never repeats these: they are code, long, and the last place for a secret to surface is a log.
UNQUOTED = {"prompt", "completion", "request", "query", "chosen", "rejected"}


def _ordered(first: str, last: str) -> Callable[[pd.DataFrame], "pd.Series[bool]"]:
    def holds(frame: pd.DataFrame) -> "pd.Series[bool]":
        low, high = (pd.to_numeric(frame[name], errors="coerce") for name in (first, last))
        return ~(high < low)

    return holds


def _fits_task(frame: pd.DataFrame) -> "pd.Series[bool]":
    pairs = zip(frame["task"], frame["mode"], strict=True)
    return pd.Series([mode in MODES.get(str(task), (mode,)) for task, mode in pairs], index=frame.index)


def _asks(frame: pd.DataFrame) -> "pd.Series[bool]":
    pairs = zip(frame["mode"], frame["request"], strict=True)
    return pd.Series([_filled(request) == (mode == "chat") for mode, request in pairs], index=frame.index)


def _apart(frame: pd.DataFrame) -> "pd.Series[bool]":
    paths = frame["path"].astype(str)
    trained = set(paths[frame["split"] == "train"])
    return ~((frame["split"] == "holdout") & paths.isin(trained))


def check_times(recent: Record) -> Callable[[pd.DataFrame], "pd.Series[bool]"]:
    """The rule that what is after `dataset.split_after` is held out, and nothing else."""
    commits = frozenset(recent["commits"])

    def holds(frame: pd.DataFrame) -> "pd.Series[bool]":
        rows: Any = frame[["path", "blob", "commit", "start_line", "end_line", "split"]].to_dict("records")
        found = [not _placed(row) or is_late(row, recent, commits) == (row["split"] == "holdout") for row in rows]
        return pd.Series(found, index=frame.index, dtype=bool)

    return holds


def _placed(row: dict[Any, Any]) -> bool:
    """Whether a row's lines can be compared at all; that they are lines is another rule."""
    lines = all(isinstance(row[name], int) for name in ("start_line", "end_line"))
    return lines and all(isinstance(row[name], str) for name in ("path", "blob", "commit"))


def check_single(*names: str) -> Callable[[pd.DataFrame], "pd.Series[bool]"]:
    """The rule that no two rows have the same values in some columns."""
    return lambda frame: ~frame[list(names)].astype(str).duplicated(keep="first")


BY_PATH = "path is in train.jsonl too: a file is held out whole or not at all"
BY_TIME = "a line of it must be after dataset.split_after in holdout.jsonl, and none elsewhere"
RANGES = {
    "end_line must not be before start_line": _ordered("start_line", "end_line"),
    "end_byte must not be before start_byte": _ordered("start_byte", "end_byte"),
}
SIGNED = "example_id must be that of the row's content: it was changed after the dataset stage wrote it"


def check_ids(frame: pd.DataFrame) -> "pd.Series[bool]":
    """The rule that a row still has the content that its identity was made of."""
    rows: Any = frame.to_dict("records")
    return pd.Series([row["example_id"] == example_id(row) for row in rows], index=frame.index, dtype=bool)


TABLE = {
    "example_id must be unique": check_single("example_id"),
    SIGNED: check_ids,
    **RANGES,
    "mode must fit the task": _fits_task,
    "request must hold the question in mode chat, and be empty in the others": _asks,
    BY_PATH: _apart,
    "prompt and completion are those of an earlier row": check_single("prompt", "completion"),
}
RULES = (*(f"{name} {rule.words}" for name, rule in COLUMNS.items()), *TABLE, FILE, PLACE)


def schema(params: Dataset, places: Sources, recent: Record) -> pa.DataFrameSchema:
    """The contract over both files together: a column `split`, and the columns of an example; more may be there.

    Args:
        places: what rows can be from.
        recent: snapshot's recent.json, by which rows are held out when the split is by time.
    """
    columns = dict(COLUMNS)
    columns["task"] = one_of(*params.recipes.on())
    table = {words: holds for words, holds in TABLE.items() if words != BY_PATH or params.split != "time"}
    table |= places.rules()
    if params.split == "time":
        table[BY_TIME] = check_times(recent)
    return schema_of(columns, table)


def schema_of(columns: dict[str, Rule], table: dict[str, Callable[[pd.DataFrame], Any]]) -> pa.DataFrameSchema:
    """A schema of rules over columns, and of rules over all rows."""
    return pa.DataFrameSchema(
        {name: pa.Column(object, _check(rule), nullable=True) for name, rule in columns.items()},
        checks=[pa.Check(holds, error=words, ignore_na=False) for words, holds in table.items()],
    )


def _check(rule: Rule) -> pa.Check:
    return pa.Check(rule.holds, element_wise=True, ignore_na=False, error=rule.words)


def check(
    train: list[Record], holdout: list[Record], params: Dataset, folder: str, places: Sources, recent: Record = NONE
) -> None:
    """Check the rows of `train.jsonl` and `holdout.jsonl`.

    Args:
        places: what rows can be from.
        folder: where the two files are, as the message shall name it.
        recent: snapshot's recent.json.

    Raises:
        NocturneError: a row breaks a rule; the first few are named by file, line, example and rule.
    """
    enforce(schema(params, places, recent), {"train": train, "holdout": holdout}, folder)


def enforce(rules: pa.DataFrameSchema, files: dict[str, list[Record]], folder: str) -> None:
    """Check the rows of some files together.

    Args:
        rules: over a column `split`, which names the file, and the columns that it lists.
        files: name without `.jsonl` → rows.

    Raises:
        NocturneError: a row breaks a rule.
    """
    values = [[name, *(row.get(key) for key in rules.columns)] for name, rows in files.items() for row in rows]
    frame = pd.DataFrame(values, columns=["split", *rules.columns], dtype=object)
    try:
        rules.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise _broken(error.failure_cases, frame, folder) from None


def _broken(cases: pd.DataFrame, frame: pd.DataFrame, folder: str) -> NocturneError:
    found = sorted({_position(case): _words(case) for case in cases.to_dict("records")}.items())
    rows = len({row for (row, _), _ in found})
    named = "; ".join(f"{_place(row, frame)}: {words}" for (row, _), words in found[:NAMED])
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return NocturneError(
        f"{folder} breaks the contract in {rows} of {len(frame)} rows: {named}{more}.",
        f"Delete {folder} and run `nocturne nightly` again: it is made anew from the source. If the rule breaks again, "
        "the dataset stage is at fault; nothing after it has run.",
    )


def _position(case: dict[Any, Any]) -> tuple[int, str]:
    """A rule over the table fails once for each column of a row; (row, rule) makes that one."""
    column = case["column"] if case["schema_context"] == "Column" else ""
    row = case["index"]
    return (-1 if row is None or pd.isna(row) else int(row), f"{column} {case['check']}".strip())


def _words(case: dict[Any, Any]) -> str:
    if case["schema_context"] != "Column":
        return str(case["check"])
    column = case["column"]
    value = repr(case["failure_case"])
    quoted = "" if column in UNQUOTED else f", but is {value if len(value) <= QUOTED else value[:QUOTED] + '…'}"
    return f"{column} {case['check']}{quoted}"


def _place(row: int, frame: pd.DataFrame) -> str:
    if row < 0:
        return "the table"
    splits = frame["split"].tolist()
    line = row - splits.index(splits[row]) + 1
    return f"{splits[row]}.jsonl line {line} (example {str(frame['example_id'].iloc[row])[:16]})"
