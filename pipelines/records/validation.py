"""What the validation stage writes for programs; for a person it writes the card and Data Docs."""

from typing import Annotated, TypedDict


class Expectation(TypedDict):
    """What was expected of the dataset, and what was found. From Great Expectations."""

    table: Annotated[str, "what it is about: `examples`, `drafts` or `drift`"]
    expectation: Annotated[str, "what is expected, in words"]
    severity: Annotated[str, "`fail` ends the night, `warn` only tells"]
    met: Annotated[bool, "whether it is so"]
    observed: Annotated[str, "what was found, with its unit"]


class RowCounts(TypedDict):
    """Rows of the dataset's files."""

    train: Annotated[int, "rows of `train.jsonl`"]
    holdout: Annotated[int, "rows of `holdout.jsonl`"]
    quarantined: Annotated[int, "rows of `quarantine.jsonl`"]
    preferences: Annotated[int, "rows of `preferences.jsonl`"]


class ContractCounts(TypedDict):
    """What the contract asked for. A row that breaks it ends the night."""

    rules: Annotated[int, "rules"]
    rows: Annotated[int, "rows that were held against them"]
    broken: Annotated[int, "always 0: the night has ended otherwise"]


class Validation(TypedDict):
    """The verdict on the dataset."""

    dataset: Annotated[str, "SHA-256 over the dataset's files"]
    rows: Annotated[RowCounts, "rows of the dataset's files"]
    contract: Annotated[ContractCounts, "what the contract asked for"]
    expectations: Annotated[list[Expectation], "all but those of drift"]


class Drift(TypedDict):
    """How far the dataset is from the one that the live release was trained on."""

    release: Annotated[int | None, "that release; null when there is none"]
    distances: Annotated[
        dict[str, float],
        "Jensen-Shannon distance, 0 to 1, of `language`, `recipe`, `length` of completions, `quality` and `left_out`",
    ]
    expectations: Annotated[list[Expectation], "those of drift"]
