"""What became of a change: taken back, or mended soon after. Commits are passed from the newest to the oldest."""

import re
from dataclasses import dataclass
from typing import Literal

from pipelines.history import messages
from pipelines.records import fingerprint
from pipelines.records.history import Fate, FileChange, Replacement
from pipelines.source.log import Commit

DAY = 86_400  # seconds
REVERTED, FIXED = "reverted", "fixed"
NONE: Fate = {"fate": "", "fate_commit": "", "days": None, "replaced_by": None}


@dataclass(frozen=True)
class _Next:
    """What a later commit made of a function."""

    commit: Commit
    edit: FileChange


class Fates:
    """Remembers what newer commits made of each function's text.

    A change is reverted when a later commit put the former text back or says that it takes this commit back, and that
    revert was not itself taken back; it is fixed when, within some days, a commit that says it fixes something replaced
    a line that it had brought (Śliwerski, Zimmermann, Zeller 2005, doi:10.1145/1082983.1083147).
    """

    def __init__(self, fixed_within_days: int) -> None:
        self._days = fixed_within_days
        self._next: dict[str, _Next] = {}
        self._names: dict[str, Commit] = {}
        self._subjects: dict[str, Commit] = {}

    def of(self, commit: Commit, path: str, edit: FileChange) -> Fate:
        """The fields `fate`, `fate_commit`, `days` and `replaced_by` (signature, doc, body, code) of an edit.

        Args:
            path: today's name of its file.
        """
        following = self._next.get(_key(path, edit, "after"))
        revert = self._revert_of(commit)
        if following is not None:
            put_back = following.edit["after"] == edit["before"]
            if put_back or following.commit is revert:
                return _decide_fate(REVERTED, commit, following.commit, following.edit)
        if revert is not None:
            return _decide_fate(REVERTED, commit, revert, None)
        if following is not None and messages.is_fix(following.commit.message) and _is_mending(edit, following.edit):
            fate = _decide_fate(FIXED, commit, following.commit, following.edit)
            if (fate["days"] or 0) <= self._days:
                return fate
        return NONE

    def passed(self, commit: Commit, edits: list[tuple[str, FileChange]]) -> None:
        """Go on to what came before a commit.

        Args:
            edits: what it changed, with today's names of the files; of a revert too.
        """
        if messages.is_revert(commit.message):
            if self._revert_of(commit) is not None:
                return
            names, quoted = messages.reverted_commits(commit.message)
            self._names.update(dict.fromkeys(names, commit))
            if quoted and not names:
                self._subjects[quoted] = commit
        else:
            self._subjects.pop(messages.subject_of(commit.message), None)  # older commits of that subject are others
        for path, edit in edits:
            self._next[_key(path, edit, "before")] = _Next(commit, edit)

    def _revert_of(self, commit: Commit) -> Commit | None:
        for name, revert in self._names.items():
            if commit.commit.startswith(name):
                return revert
        return self._subjects.get(messages.subject_of(commit.message))


def _is_mending(edit: FileChange, later: FileChange) -> bool:
    """Whether the later edit replaced a line that the earlier one brought; a bracket alone is no line."""
    brought = _lines(edit["after"]) - _lines(edit["before"])
    return any(re.search(r"\w", line) for line in brought & (_lines(later["before"]) - _lines(later["after"])))


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


def _key(path: str, edit: FileChange, side: Literal["before", "after"]) -> str:
    return fingerprint(path, edit["qualified_name"], edit[side])


def _decide_fate(fate: str, commit: Commit, later: Commit, edit: FileChange | None) -> Fate:
    days = round(max(0, later.committed - commit.committed) / DAY, 2)
    replaced: Replacement | None = edit and {
        "signature": edit["signature"],
        "doc": edit["doc"],
        "body": edit["body"],
        "code": edit["after"],
    }
    return {"fate": fate, "fate_commit": later.commit, "days": days, "replaced_by": replaced}
