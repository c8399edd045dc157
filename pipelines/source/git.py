"""Running git so that it only reads: no hook, filter, pager, lazy fetch or lock, whatever a repository configures."""

import os
import subprocess
from pathlib import Path

from pipelines.errors import NocturneError

_KEPT = {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"}
_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.untrackedCache": "false",
    "log.showSignature": "false",
    "protocol.allow": "never",
    "safe.directory": "*",  # nothing that a foreign owner could configure is executed
}


class NotARepository(NocturneError):
    """A source is no git repository with its files checked out."""


def git_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The variables for a git process: none that point to another repository, and the settings that keep it quiet.

    Args:
        extra: further settings, by key.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key in _KEPT}
    settings = {**_SETTINGS, **(extra or {})}
    given = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        given |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **kept,
        **given,
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def run_git(root: Path, *arguments: str, stdin: bytes = b"", settings: dict[str, str] | None = None) -> bytes:
    """What a git command prints.

    Raises:
        NocturneError: git is not installed, or the command failed (git's own words are given).
    """
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, cwd=root, env=git_environment(settings), input=stdin, capture_output=True)
    except FileNotFoundError:
        raise _no_git() from None
    if done.returncode:
        raise _failed(root, arguments[0], done.stderr)
    return done.stdout


def check_repository(root: Path) -> None:
    """Make sure that there is a repository with a working tree.

    Raises:
        NotARepository: the folder does not exist, is no git repository or has no working tree.
        NocturneError: git is missing.
    """
    if not root.is_dir():
        raise NotARepository(
            f"The source {root} does not exist." if not root.exists() else f"The source {root} is not a folder.",
            "Correct the path: what `nocturne add` is given, or the project's `source` in params.local.yaml.",
        )
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--is-inside-work-tree"], cwd=root, env=git_environment(), capture_output=True
        )
    except FileNotFoundError:
        raise _no_git() from None
    if done.stdout.strip() == b"false":
        raise NotARepository(
            f"The git repository {root} has no working tree.", "Name a clone with its files checked out."
        )
    if done.returncode:
        raise NotARepository(
            f"{root} is not a git repository.",
            "Run `git init`, `git add` and `git commit` there, or name another folder: what `nocturne add` is given, "
            "or the project's `source` in params.local.yaml.",
        )


def read_head(root: Path) -> str:
    """The commit that is checked out in a repository that `check_repository` has found good.

    Raises:
        NocturneError: the repository has no commit yet.
    """
    try:
        return run_git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
    except NocturneError:
        raise is_empty(root, "no commit") from None


def object_format(root: Path) -> str:
    """The hash that names blobs: "sha1" or "sha256"."""
    return run_git(root, "rev-parse", "--show-object-format").decode().strip()


def without_filters(root: Path) -> dict[str, str]:
    """Settings that switch off every content filter (such as LFS) which the repository's users have configured."""
    listed = run_git(root, "config", "--null", "--name-only", "--list").decode("utf-8", "replace")
    names = {key for key in listed.split("\0") if key.startswith("filter.")}
    off = {"clean": "", "smudge": "", "process": "", "required": "false"}
    return {key: off[key.rsplit(".", 1)[1]] for key in sorted(names) if key.rsplit(".", 1)[1] in off}


def is_empty(root: Path, what: str) -> NocturneError:
    """The error for a repository without anything to read."""
    return NocturneError(
        f"The git repository {root} is empty: it has {what}.", "Add source files there with `git add` and `git commit`."
    )


def _no_git() -> NocturneError:
    return NocturneError("The command `git` was not found.", "Install git, and see that it is on PATH.")


def _failed(root: Path, command: str, stderr: bytes) -> NocturneError:
    reason = " ".join(stderr.decode("utf-8", "replace").split())[:300] or "no reason given"
    return NocturneError(f"`git {command}` failed in {root}: {reason}", "Run `git fsck` there and mend what it names.")
