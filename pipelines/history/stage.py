"""The history stage: the commits up to the snapshot's in; functions before and after, and what was left out, out."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from pipelines import progress
from pipelines.config.schema import Params
from pipelines.dag.stage import Facts, Stage
from pipelines.history import messages, rules
from pipelines.history.functions import Functions
from pipelines.history.renames import Renames
from pipelines.history.reverts_and_fixes import FIXED, REVERTED, Fates
from pipelines.history.sources import Sources
from pipelines.project import Project
from pipelines.records import read_json, write_jsonl
from pipelines.records.history import CommitChanges, Edit, EditOrigin, SkippedCommit
from pipelines.records.snapshot import Snapshot
from pipelines.source import git, log
from pipelines.source.log import Commit
from pipelines.source.reader import Reader, Unreadable
from pipelines.source.skip_rules import Reason
from pipelines.wording import format_count

UNKNOWN = "unknown"
MESSAGE = "COMMIT_EDITMSG"  # the name under which git keeps a message


class History:
    """One pass over the commits, from the newest to the oldest."""

    def __init__(self, project: Project, params: Params, reader: Reader, snapshot: Snapshot) -> None:
        self.params = params
        self.sources = Sources(reader, params)
        self.functions = Functions(project, params, self.sources)
        self.fates = Fates(params.history.fixed_within_days)
        self.skipped: list[SkippedCommit] = []
        self.counts = Counter[str]()
        self.ignored = _read_ignored(reader, snapshot["commit"])
        self.unread = {item["path"]: Reason(item["reason"], item["rule"]) for item in snapshot["skipped"]}
        self.tracked = {item["path"] for item in (*snapshot["files"], *snapshot["skipped"])}

    def edits(self, commits: list[Commit]) -> Iterator[Edit]:
        """The lines of edits.jsonl: by commit, newest first, then by path and position."""
        renames = Renames(commits, self.tracked)
        for commit in progress.track(commits, len(commits), "commits"):
            yield from self._edits(commit, renames)
            renames.passed(commit)

    def _edits(self, commit: Commit, renames: Renames) -> Iterator[Edit]:
        message = self._message(commit)
        if isinstance(message, Reason):
            return self._skip(commit, message)
        reason = rules.find_left_out(commit, message, self.params.history, self.ignored)
        if reason is not None and (reason.rule != "revert" or rules.find_bulk(commit, self.params.history)):
            return self._skip(commit, reason)
        found = self.functions.changed_by(commit)
        named = [(renames.today(edit["path_then"]), edit) for edit in found["edits"]]
        for path in sorted({path for path, _ in named} & self.unread.keys()):
            self._skip(commit, self.unread[path], path)
        named = [(path, edit) for path, edit in named if path not in self.unread]
        if reason is None:
            reason = _no_edit(found)
            for path, edit in named:
                fate = self.fates.of(commit, path, edit)
                self.counts[fate["fate"]] += 1
                yield {**edit, **_origin(commit), **fate, "message": message, "path": path, "license": UNKNOWN}
            for skipped in found["skipped"]:
                self._skip(commit, Reason(skipped["reason"], skipped["rule"]), skipped["path"])
        self.fates.passed(commit, named)
        if reason is not None:
            self._skip(commit, reason)

    def _message(self, commit: Commit) -> str | Reason:
        source = self.sources.clean(messages.clean_message(commit.message).encode(), MESSAGE)
        return source if isinstance(source, Reason) else source.decode()

    def _skip(self, commit: Commit, reason: Reason, path: str = "") -> None:
        self.skipped.append({"commit": commit.commit, "path": path, "rule": reason.rule, "reason": reason.reason})


def _read_ignored(reader: Reader, commit: str) -> frozenset[str]:
    try:
        return rules.find_ignored(reader.stored(f"{commit}:{rules.IGNORED}", 1 << 20)[1])
    except Unreadable:
        return frozenset()


def _no_edit(found: CommitChanges) -> Reason | None:
    """Why a commit that no rule left out gives no edit; None when it gives one."""
    if found["edits"]:
        return None
    if found["respaced"]:
        return Reason(
            f"white space is all that it changed, in {format_count(found['respaced'], 'function')}", "formatting"
        )
    return Reason("it changed no function that was there before and after", "no_function")


def _origin(commit: Commit) -> EditOrigin:
    committed = datetime.fromtimestamp(commit.committed, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"commit": commit.commit, "parent": commit.parents[0] if commit.parents else "", "committed": committed}


def run(project: Project, params: Params) -> Facts:
    """Write `edits.jsonl` and `skipped.jsonl`, both from the newest commit to the oldest.

    Raises:
        NocturneError: the snapshot is missing, or git fails.
    """
    snapshot: Snapshot = read_json(project.path("snapshot", "snapshot.json"))
    git.check_repository(project.source)
    commits = list(log.read_commits(project.source, snapshot["commit"], params.history.commits))
    with Reader(project.source) as reader:
        history = History(project, params, reader, snapshot)
        edits = write_jsonl(project.path("history", "edits.jsonl"), history.edits(commits))
    write_jsonl(project.path("history", "skipped.jsonl"), history.skipped)
    history.functions.cache.prune()
    rules_met = Counter(row["rule"] for row in history.skipped)
    left_out = ", ".join(f"{rule} {number}" for rule, number in sorted(rules_met.items()))
    fates = {name: history.counts[name] for name in (REVERTED, FIXED)}
    return {"commits": len(commits), "edits": edits, **fates, **history.functions.counts, "left_out": left_out}


STAGE = Stage(
    "history",
    run,
    inputs=("snapshot/snapshot.json",),
    params=("projects.${key}", "history", "snapshot", "extraction", "cleaning"),
    code_deps=("cleaning", "source", "syntax"),
)
