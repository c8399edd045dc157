"""Which commits are after a moment, and which lines of a file they brought."""

import re
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from pipelines.errors import NocturneError, UsageError
from pipelines.source import git

_HEADER = re.compile(rb"([0-9a-f]{40,64}) \d+ \d+(?: \d+)?")


def commits_after(root: Path, moment: str) -> set[str]:
    """The commits of HEAD's history after a moment.

    Args:
        moment: an ISO date (committed later than it; UTC where it names no zone) or a commit (not in its history).

    Raises:
        UsageError: the repository has no such commit.
    """
    if "-" in moment:
        return _later_than(root, datetime.fromisoformat(moment))
    try:
        commit = git.run_git(root, "rev-parse", "--verify", "--quiet", f"{moment}^{{commit}}").decode().strip()
    except NocturneError:
        raise UsageError(
            f"dataset.split_after = {moment!r}: {root} has no such commit.",
            "Name a commit of its history or an ISO date in params.local.yaml.",
        ) from None
    return set(git.run_git(root, "rev-list", f"{commit}..HEAD").decode().split())


def touched_lines(root: Path, commits: set[str]) -> set[bytes]:
    """The paths below `root` that any of the commits changed against any of its parents."""
    options = ["--no-walk=unsorted", "--stdin", "--name-only", "-z", "-m", "--root", "--format=", "--relative"]
    options += ["--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all"]
    if not commits:
        return set()
    named = "".join(f"{commit}\n" for commit in sorted(commits)).encode()
    listed = git.run_git(root, "log", *options, stdin=named)
    return {path.lstrip(b"\n") for path in listed.split(b"\0")} - {b""}


def blame(root: Path, path: str, content: bytes) -> list[tuple[str, int]]:
    """The commits that brought the lines of some bytes of a path, as (commit, number of lines), in order.

    Lines that are in no commit have a commit of zeros.

    Args:
        path: relative to `root`, tracked at HEAD.

    Raises:
        NocturneError: git fails, as for a path that HEAD does not have.
    """
    settings = {**git.without_filters(root), "blame.ignoreRevsFile": ""}
    told = git.run_git(
        root, "blame", "--porcelain", "--no-textconv", "--contents", "-", "--", path, stdin=content, settings=settings
    )
    # A line's text follows a tab; what a header can look like never stands at a line's beginning otherwise.
    headers = (_HEADER.fullmatch(line) for line in told.split(b"\n"))
    commits = (found.group(1).decode() for found in headers if found)
    return [(commit, len(list(lines))) for commit, lines in groupby(commits)]


def _later_than(root: Path, moment: datetime) -> set[str]:
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    listed = git.run_git(root, "log", "--format=%H %ct", "HEAD").decode().splitlines()
    return {commit for commit, at in map(str.split, listed) if int(at) > since}
