"""Which examples, datasets and releases saw a piece of code."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.lineage.datasets import Dataset, known_datasets
from pipelines.project import Project
from pipelines.records import Record

SHOWN = ("example_id", "task", "path", "start_line", "end_line", "commit", "blob")


@dataclass(frozen=True)
class Seen:
    """What one dataset has of the code.

    Attributes:
        dataset: SHA-256 of its train.jsonl.
        releases: the numbers of the releases trained on it.
        removed: the numbers of releases trained on it that are no longer kept; their adapters are gone.
        inherited: the numbers of the releases whose training began with the adapter of one of all these: what that had
            learned they have learned.
        aliases: of the releases that were trained on it.
        examples: by split, "train" or "holdout": what identifies each, without its text; None when DVC no longer has
            the dataset, or when only removed releases had it: whether they saw the code is then unknown.
    """

    dataset: str
    releases: list[int]
    removed: list[int]
    inherited: list[int]
    aliases: list[str]
    examples: dict[str, list[Record]] | None

    @property
    def trained(self) -> bool:
        """Whether an adapter learned from it; unknown counts as yes."""
        return self.examples is None or bool(self.examples["train"])


def trace(project: Project, wanted: Callable[[Record], bool]) -> list[Seen]:
    """What every release's dataset has of the code, newest first; datasets that have nothing are left out.

    Args:
        wanted: says of an example whether it is about the code.
    """
    found = [_seen(dataset, wanted) for dataset in known_datasets(project)]
    return [one for one in found if one.examples is None or any(one.examples.values())]


def parse_location(path: str, line: int | None) -> Callable[[Record], bool]:
    """The examples of a path, and of a line of it as the file was when the example was made."""

    def wanted(example: Record) -> bool:
        inside = line is None or example["start_line"] <= line <= example["end_line"]
        return bool(example["path"] == path) and inside

    return wanted


def _seen(dataset: Dataset, wanted: Callable[[Record], bool]) -> Seen:
    examples: dict[str, list[Record]] | None = None
    if dataset.files is not None:
        examples = {"train": [], "holdout": []}
        for split, example in dataset.examples():
            if wanted(example):
                examples[split].append({key: example[key] for key in SHOWN})
    return Seen(
        dataset.sha256,
        [release.version for release in dataset.releases],
        list(dataset.removed),
        list(dataset.heirs),
        sorted({alias for release in dataset.releases for alias in release.aliases}),
        examples,
    )


def facts_of(seen: list[Seen]) -> list[dict[str, Any]]:
    """Plain values, for JSON."""
    return [asdict(one) for one in seen]
