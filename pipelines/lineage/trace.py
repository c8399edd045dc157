"""Which examples, datasets and releases saw a piece of code."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

from pipelines.lineage.datasets import Dataset, known_datasets
from pipelines.project import Project
from pipelines.records.dataset import Example


class SeenExample(TypedDict):
    """What identifies an example, without its text; `dataset.Example` says what the fields hold."""

    example_id: str
    task: str
    path: str
    start_line: int
    end_line: int
    commit: str
    blob: str


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
    examples: dict[str, list[SeenExample]] | None

    @property
    def trained(self) -> bool:
        """Whether an adapter learned from it; unknown counts as yes."""
        return self.examples is None or bool(self.examples["train"])


def trace(project: Project, wanted: Callable[[Example], bool]) -> list[Seen]:
    """What every release's dataset has of the code, newest first; datasets that have nothing are left out.

    Args:
        wanted: says of an example whether it is about the code.
    """
    found = [_seen(dataset, wanted) for dataset in known_datasets(project)]
    return [one for one in found if one.examples is None or any(one.examples.values())]


def parse_location(path: str, line: int | None) -> Callable[[Example], bool]:
    """The examples of a path, and of a line of it as the file was when the example was made."""

    def wanted(example: Example) -> bool:
        inside = line is None or example["start_line"] <= line <= example["end_line"]
        return bool(example["path"] == path) and inside

    return wanted


def _seen(dataset: Dataset, wanted: Callable[[Example], bool]) -> Seen:
    examples: dict[str, list[SeenExample]] | None = None
    if dataset.files is not None:
        examples = {"train": [], "holdout": []}
        for split, example in dataset.examples():
            if wanted(example):
                examples[split].append(_brief(example))
    return Seen(
        dataset.sha256,
        [release.version for release in dataset.releases],
        list(dataset.removed),
        list(dataset.heirs),
        sorted({alias for release in dataset.releases for alias in release.aliases}),
        examples,
    )


def _brief(example: Example) -> SeenExample:
    return {
        "example_id": example["example_id"],
        "task": example["task"],
        "path": example["path"],
        "start_line": example["start_line"],
        "end_line": example["end_line"],
        "commit": example["commit"],
        "blob": example["blob"],
    }


def facts_of(seen: list[Seen]) -> list[dict[str, Any]]:
    """Plain values, for JSON."""
    return [asdict(one) for one in seen]
