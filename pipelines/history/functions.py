"""Which functions a commit changed, from the cache or parsed now."""

from pipelines.config.schema import Params
from pipelines.history.cache import Cache
from pipelines.history.changes import find_changes
from pipelines.history.sources import Sources
from pipelines.project import Project
from pipelines.records.history import CommitChanges
from pipelines.source import generated, vendored
from pipelines.source.exclusions import FORGOTTEN, forgotten_filter
from pipelines.source.log import Change, Commit
from pipelines.source.patterns import make_matcher
from pipelines.source.skip_rules import Reason
from pipelines.syntax.languages import Language, language_of

MODIFIED = ("M", "R")  # git's letters: modified, and renamed and perhaps modified


class Functions:
    """Reads the files of commits.

    Attributes:
        counts: commits `parsed` now, and `reused` from the cache.
    """

    def __init__(self, project: Project, params: Params, sources: Sources) -> None:
        self.cache = Cache(project, params)
        self.counts = {"parsed": 0, "reused": 0}
        self._sources = sources
        self._unchosen = make_matcher(params.snapshot.include, params.snapshot.exclude)
        self._gone = forgotten_filter(params.forgotten(project.name))
        self._params = params.extraction

    def changed_by(self, commit: Commit) -> CommitChanges:
        """What a commit says by itself, whatever came after it."""
        found = self.cache.read(commit.commit)
        self.counts["parsed" if found is None else "reused"] += 1
        if found is None:
            found = {"edits": [], "skipped": [], "respaced": 0}
            for change in sorted(commit.changes, key=lambda one: one.path):
                language = _language(change)
                if language is not None:
                    self._add(change, language, found)
            self.cache.write(commit.commit, found)
        return found

    def _add(self, change: Change, language: Language, found: CommitChanges) -> None:
        unwanted = self._unwanted(change)
        if unwanted is not None:
            return _skip(found, change, unwanted)
        after = self._sources.parsed(change.path, change.after, language)
        if isinstance(after, Reason):
            return _skip(found, change, after)
        before = self._sources.parsed(change.path_before, change.before, language)
        if isinstance(before, Reason):
            return _skip(found, change, before)
        difference = find_changes(before, after)
        found["edits"] += [
            {
                **edit,
                "path_then": change.path,
                "language": after.language.name,
                "before_blob": change.before,
                "after_blob": change.after,
            }
            for edit in difference.edits
        ]
        found["respaced"] += difference.respaced

    def _unwanted(self, change: Change) -> Reason | None:
        """Why a file is left out by its name or its bytes' name, as the snapshot and extraction would."""
        left = self._unchosen(change.path)
        if left is not None:
            return Reason(left.reason, left.rule)
        if self._gone(change.path_before, change.before) or self._gone(change.path, change.after):
            return Reason(FORGOTTEN, "forgotten")
        written = generated.by_name(change.path) if self._params.generated == "skip" else None
        copied = vendored.by_path(change.path) if self._params.vendored == "skip" else None
        return written or copied


def _language(change: Change) -> Language | None:
    """The language of code that was there before, and is another now; None for every other change."""
    if change.status not in MODIFIED or not change.plain or change.before == change.after:
        return None
    language = language_of(change.path)
    return language if language and language.code and language_of(change.path_before) is language else None


def _skip(found: CommitChanges, change: Change, reason: Reason) -> None:
    found["skipped"].append({"path": change.path, "rule": reason.rule, "reason": reason.reason})
