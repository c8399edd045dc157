"""Every file in which stages meet, with the type of its records, and the meaning of each field read from that type."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Required, get_args, get_origin, get_type_hints, is_typeddict

from pipelines.records import dataset, embedding, evaluation, extraction, history, snapshot, training, validation

Shape = Literal["lines", "document", "list"]


@dataclass(frozen=True)
class Format:
    """One file.

    Attributes:
        file: its path below `data/<project>/`; the first part is the stage that writes it.
        kind: the type of its records, a TypedDict.
        shape: `lines` of JSON, one record each; a `document`, one record; a `list` of records.
    """

    file: str
    kind: type[Any]
    shape: Shape

    @property
    def stage(self) -> str:
        """The stage that writes it."""
        return self.file.partition("/")[0]


@dataclass(frozen=True)
class FieldMeaning:
    """One field of a record.

    Attributes:
        type: as a reader of JSON knows it: text, whole number, number, …
        meaning: with unit and source.
        required: whether every record has it.
    """

    name: str
    type: str
    meaning: str
    required: bool


FORMATS = (
    Format("snapshot/snapshot.json", snapshot.Snapshot, "document"),
    Format("snapshot/base.json", snapshot.BaseModel, "document"),
    Format("snapshot/recent.json", snapshot.Recent, "document"),
    Format("snapshot/suites.json", snapshot.SuiteCase, "list"),
    Format("snapshot/baseline.json", snapshot.Baseline, "document"),
    Format("snapshot/champion/champion.json", snapshot.Champion, "document"),
    Format("extraction/files.jsonl", extraction.File, "lines"),
    Format("extraction/symbols.jsonl", extraction.Symbol, "lines"),
    Format("extraction/chunks.jsonl", extraction.Chunk, "lines"),
    Format("extraction/findings.jsonl", extraction.Finding, "lines"),
    Format("extraction/skipped.jsonl", snapshot.SkippedFile, "lines"),
    Format("history/edits.jsonl", history.Edit, "lines"),
    Format("history/skipped.jsonl", history.SkippedCommit, "lines"),
    Format("embedding/embedding.json", embedding.Embedding, "document"),
    Format("dataset/train.jsonl", dataset.Example, "lines"),
    Format("dataset/holdout.jsonl", dataset.Example, "lines"),
    Format("dataset/preferences.jsonl", dataset.Preference, "lines"),
    Format("dataset/quarantine.jsonl", dataset.Quarantined, "lines"),
    Format("dataset/summary.json", dataset.DatasetSummary, "document"),
    Format("validation/validation.json", validation.Validation, "document"),
    Format("validation/drift.json", validation.Drift, "document"),
    Format("training/training.json", training.Training, "document"),
    Format("training/adapter/learned.json", training.Learned, "document"),
    Format("evaluation/scores.jsonl", evaluation.Score, "lines"),
    Format("evaluation/retrieval.jsonl", evaluation.RetrievalScore, "lines"),
    Format("evaluation/forgetting.jsonl", evaluation.ForgettingScore, "lines"),
    Format("evaluation/memorisation.jsonl", evaluation.MemorisationScore, "lines"),
    Format("evaluation/suites.jsonl", evaluation.SuiteScore, "lines"),
    Format("evaluation/evaluation.json", evaluation.Evaluation, "document"),
)
WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", NoneType: "null", Any: "any value"}


def fields_of(kind: Any) -> list[FieldMeaning]:
    """The fields of a record, those of its bases first.

    Raises:
        TypeError: a field has no meaning.
    """
    hints = get_type_hints(kind, include_extras=True)
    return [_field(name, hint, name in kind.__required_keys__) for name, hint in hints.items()]


def nested_in(kind: type[Any]) -> Iterator[type[Any]]:
    """The records inside a record, in the order of its fields; each once."""
    found: dict[type[Any], None] = {}
    for hint in get_type_hints(kind).values():
        for inner in _records_in(hint):
            found[inner] = None
            found |= dict.fromkeys(nested_in(inner))
    yield from found


def _field(name: str, hint: Any, required: bool) -> FieldMeaning:
    while get_origin(hint) in (NotRequired, Required):
        (hint,) = get_args(hint)
    if get_origin(hint) is not Annotated:
        raise TypeError(f"The field {name} has no meaning: write Annotated[TYPE, MEANING].")
    kind, meaning = get_args(hint)
    return FieldMeaning(name, _in_words(kind), meaning, required)


def _records_in(hint: Any) -> Iterator[type[Any]]:
    if is_typeddict(hint):
        yield hint
    for part in get_args(hint):
        yield from _records_in(part)


def _in_words(hint: Any) -> str:
    if is_typeddict(hint):
        return words_of(hint)
    origin, parts = get_origin(hint), get_args(hint)
    if origin is list:
        return f"list of {_plural(_in_words(parts[0]))}"
    if origin is dict:
        return f"object: {_in_words(parts[0])} → {_in_words(parts[1])}"
    if origin is UnionType:
        return " or ".join(map(_in_words, parts))
    return WORDS[hint]


def words_of(kind: type[Any]) -> str:
    """A type's name as words: `RecipeCount` is `recipe count`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()


def _plural(words: str) -> str:
    head = re.split(" of |:", words)[0]
    return f"{head}s{words.removeprefix(head)}"
