"""Which commit changed a file last, for all files in one pass."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pipelines.source.git import git_environment

PIECE = 1 << 16


def last_commits(root: Path, paths: set[bytes]) -> dict[bytes, str]:
    """Path → the newest commit reachable from HEAD that changed it; a path never committed is absent.

    Reads `git log` from the newest commit on and stops it when every path has been met. A merge counts only for
    what differs from all its parents (`-c`).

    Args:
        root: the source, which may be a folder of a repository.
        paths: relative to `root`, as git writes them.
    """
    command = ["git", "log", "--raw", "-z", "-c", "--root", "--no-renames", "--no-ext-diff", "--no-textconv"]
    command += ["--ignore-submodules=all", "--relative", "--format=%H", "HEAD"]
    process = subprocess.Popen(
        command,
        cwd=root,
        env=git_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    found: dict[bytes, str] = {}
    try:
        for commit, path in _changes(process.stdout):
            if path in paths:
                found.setdefault(path, commit)
                if len(found) == len(paths):
                    break
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
    return found


def _changes(stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    commit = ""
    fields = split_history(stream)
    for field in fields:
        meta = field.lstrip(b"\n")
        if meta.startswith(b":"):
            yield commit, next(fields, b"")
        elif meta:
            commit = meta.decode("ascii", "replace").strip()


def split_history(stream: IO[bytes]) -> Iterator[bytes]:
    """The fields of output that NUL bytes separate, as they come."""
    rest = b""
    while piece := stream.read(PIECE):
        *whole, rest = (rest + piece).split(b"\0")
        yield from whole
    if rest:
        yield rest
