"""Which side of the split a file or an example is on: by file, by a list of files, or by time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

from pathspec import GitIgnoreSpec

from pipelines.config.schema import Dataset
from pipelines.dataset.minhash import find_clusters, find_pairs
from pipelines.dataset.shingles import shingle
from pipelines.dataset.split_by_hash import choose_former_holdout, choose_holdout
from pipelines.errors import UsageError
from pipelines.records.dataset import Draft
from pipelines.records.snapshot import Recent, RecentFile
from pipelines.source.cutoff import NONE, Lines, is_late, late_lines

NO_LINES: RecentFile = {"blob": "", "lines": []}


class FileText(TypedDict):
    """A file as far as it is asked for here."""

    path: str
    text: str


@dataclass(frozen=True)
class Split:
    """Decides the side of a draft.

    Attributes:
        files: the paths that are held out whole.
        recent: by time only: snapshot's recent.json.
        later: by time only: lines, by their words, that the repository holds since `dataset.split_after` alone.
    """

    files: frozenset[str]
    recent: Recent | None = None
    later: frozenset[str] = frozenset()

    def holds(self, row: Lines) -> bool:
        """Whether a draft or an example is held out: its file is, or one of its lines was committed after T."""
        if self.recent is None:
            return row["path"] in self.files
        return is_late(row, self.recent, self._commits)

    def is_new(self, row: Lines) -> bool:
        """Whether nothing of a held-out example could have been trained on: all of its lines are after T."""
        file = (self.recent or NONE)["files"].get(row["path"])
        if file is None or file["blob"] != row["blob"]:
            return True
        return late_lines(row, file["lines"]) == row["end_line"] - row["start_line"] + 1

    def reveals(self, draft: Draft) -> bool:
        """Whether a draft shows a line that was committed after T.

        Compared by the words of the line, wherever the recipe has it from: one that also stands somewhere since
        before T reveals nothing.
        """
        if not self.later:
            return False
        shown = "\n".join([draft["prompt"], *draft["content"]])
        return not self.later.isdisjoint(map(_strip_to_words, shown.split("\n")))

    @cached_property
    def _commits(self) -> frozenset[str]:
        return frozenset((self.recent or NONE)["commits"])


def split_files(
    files: list[FileText], weights: Mapping[str, int], former: set[str], recent: Recent, params: Dataset
) -> Split:
    """The split that `dataset.split` names.

    Args:
        files: the lines of files.jsonl.
        weights: path → how much the file can teach.
        former: paths that only the history knows.
        recent: snapshot's recent.json.

    Raises:
        UsageError: `dataset.holdout_files` takes nothing or everything, or holds a pattern that is none.
    """
    if params.split == "time":
        return _split_by_time(files, recent)
    first = _cluster_files(files, params.near_duplicate)
    if params.split == "list":
        return Split(_split_by_list(weights, former, first, params.holdout_files))
    return Split(frozenset(choose_holdout(weights, params, first) | choose_former_holdout(former, params)))


def _cluster_files(files: list[FileText], threshold: float) -> dict[str, str]:
    """Path → the first path, in order, of its cluster: files that are near-duplicates of one another as a whole."""
    ordered = sorted(files, key=lambda file: file["path"])
    paths = [file["path"] for file in ordered]
    if not threshold:
        return {path: path for path in paths}
    heads = find_clusters(len(paths), find_pairs([shingle(file["text"]) for file in ordered], threshold, "files"))
    return {path: paths[head] for path, head in zip(paths, heads, strict=True)}


def _split_by_list(
    weights: Mapping[str, int], former: set[str], first: Mapping[str, str], patterns: list[str]
) -> frozenset[str]:
    """The files that the patterns take, and those that are near-duplicates of them."""
    try:
        spec = GitIgnoreSpec.from_lines(patterns)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"dataset.holdout_files holds a pattern that is not one: {error}.",
            "Write it as in .gitignore.",
        ) from None
    heads = {first.get(path, path) for path in weights if spec.match_file(path)}
    taken = frozenset(path for path in weights if first.get(path, path) in heads)
    if not taken or len(taken) == len(weights):
        raise UsageError(
            f"dataset.holdout_files takes {len(taken)} of the {len(weights)} files that examples can be made of; "
            "each side of the split needs at least one.",
            "Change the patterns in params.local.yaml; they are those of .gitignore.",
        )
    return taken | {path for path in former if spec.match_file(path)}


def _split_by_time(files: list[FileText], recent: Recent) -> Split:
    early: set[str] = set()
    late: set[str] = set()
    whole: set[str] = set()
    for file in files:
        lines = file["text"].removesuffix("\n").split("\n")
        ranges = recent["files"].get(file["path"], NO_LINES)["lines"]
        after = {number for first, last in ranges for number in range(first, last + 1)}
        for number, line in enumerate(lines, start=1):
            (late if number in after else early).add(_strip_to_words(line))
        if len(after) >= len(lines):
            whole.add(file["path"])
    return Split(frozenset(whole), recent, frozenset(late - early - {""}))


def _strip_to_words(line: str) -> str:
    """A line without what is not a letter or digit at its ends: neither indentation nor a comment's signs."""
    start, end = 0, len(line)
    while start < end and not line[start].isalnum():
        start += 1
    while end > start and not line[end - 1].isalnum():
        end -= 1
    return line[start:end]
