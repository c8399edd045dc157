"""The commits of a repository with the files that each one changed, in one pass of `git log`."""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipelines.errors import NocturneError
from pipelines.source.git import git_environment, run_git
from pipelines.source.history import split_history

# Above this many added and deleted files in one commit, git pairs only those with the same bytes.
RENAME_LIMIT = 1_000


@dataclass(frozen=True)
class Change:
    """One file that a commit changed.

    Attributes:
        status: A added, D deleted, M modified, R renamed (and perhaps modified), T another type.
        path: relative to the source.
        path_before: the same, but for a renamed file.
        before: git's name for its bytes in the parent; zeros when it is new.
        after: the same in the commit; zeros when it is gone.
        plain: whether it was a plain file and is one.
    """

    status: str
    path: str
    path_before: str
    before: str
    after: str
    plain: bool


@dataclass(frozen=True)
class Commit:
    """One commit.

    Attributes:
        commit: its name.
        parents: theirs; the first one is what `changes` compares with.
        author: a person's name: for rules, never for a record.
        committed: seconds since 1970.
        message: as written.
        changes: none for a merge. Files whose path is not UTF-8 are left out, as they are never read.
    """

    commit: str
    parents: tuple[str, ...]
    author: str
    committed: int
    message: str
    changes: tuple[Change, ...]


def count_commits(root: Path, commit: str, most: int) -> int:
    """How many commits `commits` will give."""
    return int(run_git(root, "rev-list", "--count", f"--max-count={most}", commit))


def read_commits(root: Path, commit: str, most: int) -> Iterator[Commit]:
    """The newest commits that are reachable from one, newest first; what a shallow clone lacks is not missed.

    Args:
        root: the source, which may be a folder of a repository; files outside it are not seen.
        most: how many.

    Raises:
        NocturneError: git failed, as it does in a clone that left out file contents.
    """
    command = ["git", "log", "--raw", "-z", "--no-abbrev", "--root", "-M50%", f"-l{RENAME_LIMIT}", "--diff-merges=off"]
    command += ["--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--relative", "--no-mailmap"]
    command += ["--encoding=UTF-8", f"--max-count={most}", "--format=%H%x00%P%x00%an%x00%ct%x00%B%x00", commit]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=git_environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        try:
            yield from _commits(process.stdout)
            if process.wait():
                errors.seek(0)
                raise _failed(root, errors.read())
        finally:
            process.kill()
            process.stdout.close()
            process.wait()


def _commits(stream: IO[bytes]) -> Iterator[Commit]:
    fields = split_history(stream)
    head: list[str] = []
    changes: list[Change] = []
    for field in fields:
        meta = field.lstrip(b"\n")
        if meta.startswith(b":"):
            change = _change(meta.decode("ascii"), fields)
            changes += [change] if change else []
        elif meta:
            if head:
                yield _commit(head, changes)
            head = [meta.decode("ascii"), *(next(fields, b"").decode("utf-8", "replace") for _ in range(4))]
            changes = []
    if head:
        yield _commit(head, changes)


def _commit(head: list[str], changes: list[Change]) -> Commit:
    commit, parents, author, committed, message = head
    return Commit(commit, tuple(parents.split()), author, int(committed), message, tuple(changes))


def _change(meta: str, fields: Iterator[bytes]) -> Change | None:
    """One entry of a raw diff; takes its path, or both, from `fields`. None when a path is not UTF-8."""
    mode_before, mode, before, after, status = meta[1:].split()
    paths = [next(fields, b"") for _ in range(2 if status[0] in "RC" else 1)]
    try:
        path_before, path = paths[0].decode(), paths[-1].decode()
    except UnicodeDecodeError:
        return None
    plain = mode_before.startswith("100") and mode.startswith("100")
    return Change(status[0], path, path_before, before, after, plain)


def _failed(root: Path, stderr: bytes) -> NocturneError:
    reason = " ".join(stderr.decode("utf-8", "replace").split())[:300] or "no reason given"
    return NocturneError(
        f"`git log` failed in {root}: {reason}",
        "If the clone left out file contents, fetch them there with `git fetch --refetch`; or set history.commits "
        "to 0 in params.local.yaml.",
    )
