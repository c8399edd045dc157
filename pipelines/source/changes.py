"""Whether files still are what was read of them: asked of the few that a person is shown, not of the whole tree."""

from collections.abc import Iterable
from pathlib import Path

from pipelines.errors import NocturneError
from pipelines.source import git, safe_open, tracked

SAME, CHANGED, GONE, UNCOMMITTED = "", "changed since", "deleted since", "uncommitted"
Read = tuple[str, str, str]  # path, and the blob and commit that were read of it, as `tracked.File` has them


def file_states(root: Path, files: Iterable[Read]) -> dict[Read, str]:
    """What became of files since they were read: CHANGED, GONE, UNCOMMITTED (they are as they were read, and in no
    commit yet) or SAME; SAME also where it cannot be known, since the repository is not there.
    """
    try:
        asked = dict.fromkeys(files)
        found = {file: _on_disk(root, file) for file in asked}
        differing = {file for file, state in found.items() if state == CHANGED}
        unsure = {file for file, state in found.items() if state == SAME and _is_dirty(file)}
        for file in _normalised(root, differing):
            found[file] = UNCOMMITTED if _is_dirty(file) else SAME
        committed = _committed(root, {path for path, _, _ in unsure})
        return found | {file: UNCOMMITTED for file in unsure if committed.get(file[0]) != file[1]}
    except (NocturneError, OSError):
        return dict.fromkeys(asked, SAME)


def _on_disk(root: Path, file: Read) -> str:
    path, blob, _ = file
    try:
        with safe_open.open_file(root, path) as opened:
            now, _ = safe_open.blob_of(opened, "sha256" if len(blob) == 64 else "sha1")
    except (FileNotFoundError, NotADirectoryError):
        return GONE if root.is_dir() else SAME
    except safe_open.Unsafe:
        return CHANGED
    return SAME if now == blob else CHANGED


def _normalised(root: Path, files: set[Read]) -> list[Read]:
    """Those whose bytes only differ by what git itself does to a file that it checks out, such as line ends."""
    if not files:
        return []
    index, differing = tracked.compare(root, [path for path, _, _ in files])
    held = {path.decode(): entry.blob for path, entry in index.items() if path not in differing}
    return [file for file in files if held.get(file[0]) == file[1]]


def _committed(root: Path, paths: set[str]) -> dict[str, str]:
    """Path → blob in HEAD."""
    if not paths:
        return {}
    found = {}
    for line in git.run_git(root, "ls-tree", "-z", "HEAD", "--", *sorted(paths)).decode().split("\0"):
        if line:
            head, path = line.split("\t", 1)
            found[path] = head.split()[2]
    return found


def _is_dirty(file: Read) -> bool:
    return file[2] == tracked.UNCOMMITTED or file[2].endswith("-dirty")
