"""What two releases were made of, side by side: their examples, their parameters, and the commits between them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.dag import dvc
from pipelines.errors import NocturneError
from pipelines.project import Project
from pipelines.records import read_jsonl
from pipelines.records.dataset import Example
from pipelines.registry.release import Release
from pipelines.source import git

SPLITS = ("train", "holdout")
COMMITS = 50  # named at most; all are counted


@dataclass
class Contents:
    """What a dataset consists of: examples by split, recipe and language, their ids, and each file's blobs."""

    splits: Counter[str] = field(default_factory=Counter)
    recipes: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    examples: set[str] = field(default_factory=set)
    files: dict[str, set[str]] = field(default_factory=dict)


def read_contents(project: Project, release: Release) -> Contents | None:
    """What the release's dataset consists of; None when DVC's cache no longer has it."""
    kept = dvc.read_stored(project, release.manifest.dataset_dvc)
    if kept is None:
        return None
    found = Contents()
    for split in SPLITS:
        for row in read_jsonl(kept[f"{split}.jsonl"], Example):
            found.splits[split] += 1
            found.recipes[row["task"]] += 1
            found.languages[row["language"]] += 1
            found.examples.add(row["example_id"])
            found.files.setdefault(row["path"], set()).add(row["blob"])
    return found


def diff_data(first: Contents | None, second: Contents | None) -> dict[str, Any] | None:
    """Counts as [first, second], and which files came, went or have other blobs; None when a dataset is lost."""
    if first is None or second is None:
        return None
    both = first.files.keys() & second.files.keys()
    return {
        "splits": _counts(first.splits, second.splits),
        "recipes": _counts(first.recipes, second.recipes),
        "languages": _counts(first.languages, second.languages),
        "examples": {
            "added": len(second.examples - first.examples),
            "removed": len(first.examples - second.examples),
            "same": len(first.examples & second.examples),
        },
        "files": {
            "added": sorted(second.files.keys() - first.files.keys()),
            "removed": sorted(first.files.keys() - second.files.keys()),
            "changed": sorted(path for path in both if first.files[path] != second.files[path]),
        },
    }


def diff_parameters(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, list[Any]]:
    """The values that are not the same, as [first, second]; None where a release did not have one."""
    return {
        key: [_value(first.get(key)), _value(second.get(key))]
        for key in sorted(first.keys() | second.keys())
        if first.get(key) != second.get(key)
    }


def diff_code(project: Project, first: str, second: str) -> dict[str, Any]:
    """The commits that only one of two commits has in its past, as git tells them, newest first.

    Returns:
        from, to; added: {count, commits} that `second` has and `first` has not; removed: the other way round; changed:
        git's count of files and lines; unknown: why nothing of this can be told, when a commit is not in the source.
    """
    ends = {"from": first, "to": second}
    try:
        added, removed = _only(project, first, second), _only(project, second, first)
        changed = git.run_git(project.source, "diff", "--shortstat", first, second, "--").decode().strip()
    except NocturneError as error:
        return {**ends, "unknown": error.fact}
    return {**ends, "added": added, "removed": removed, "changed": changed}


def _only(project: Project, without: str, within: str) -> dict[str, Any]:
    span = f"{without}..{within}"
    count = int(git.run_git(project.source, "rev-list", "--count", span, "--"))
    told = git.run_git(project.source, "log", f"--max-count={COMMITS}", "--format=%h %s", span, "--")
    return {"count": count, "commits": told.decode("utf-8", "replace").splitlines()}


def _counts(first: Counter[str], second: Counter[str]) -> dict[str, list[int]]:
    names: Iterable[str] = sorted(first.keys() | second.keys())
    return {name: [first[name], second[name]] for name in names}


def _value(text: str | None) -> Any:
    """A recorded value; one that MLflow cut short is given as it stands."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
