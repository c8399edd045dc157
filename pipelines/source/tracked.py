"""The tracked files of a repository as they stand in its working tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.records.snapshot import SkippedFile, TrackedFile
from pipelines.source import git, safe_open
from pipelines.source.attributes import is_ignored, read_attributes
from pipelines.source.history import last_commits

UNCOMMITTED = "uncommitted"
TRIES = 5  # looks at an index that changes while it is looked at
_MODES = {"120000": "symbolic link", "160000": "submodule"}


@dataclass(frozen=True)
class File:
    """One tracked file.

    Attributes:
        path: relative to the source, with slashes.
        blob: git's name for its bytes in the working tree.
        mode: as git writes it.
        size: bytes.
        commit: the last one that changed the path; with "-dirty" when its bytes are in no commit yet;
            "uncommitted" when the path is in none.
        dirty: whether its bytes differ from HEAD's.
        attributes: from `source.attributes.attributes`.
    """

    path: str
    blob: str
    mode: str
    size: int
    commit: str
    dirty: bool
    attributes: dict[str, bool]

    def record(self) -> TrackedFile:
        """As snapshot.json has it."""
        return {
            "path": self.path,
            "blob": self.blob,
            "mode": self.mode,
            "size": self.size,
            "commit": self.commit,
            "dirty": self.dirty,
            "attributes": self.attributes,
        }


@dataclass(frozen=True)
class Skipped:
    """A tracked path that is never read, why, and the short name of the rule."""

    path: str
    reason: str
    rule: str = "plain file"

    def record(self) -> SkippedFile:
        """As snapshot.json has it."""
        return {"path": self.path, "reason": self.reason, "rule": self.rule}


@dataclass(frozen=True)
class Entry:
    """What git's index says of a path."""

    mode: str
    blob: str


def tracked_files(root: Path) -> tuple[list[File], list[Skipped]]:
    """What git tracks below `root`, by path: the files, and what is never read.

    A file deleted from the working tree is left out. The index is trusted for files whose stat data it holds, once it
    has stayed the same while the working tree was compared with it: else what was staged before would count as what
    stands there now.

    Raises:
        NocturneError: git fails, or tracks nothing here.
    """
    index, differing = compare(root)
    if not index:
        raise git.is_empty(root, "no tracked file")
    skipped = [_skipped(path, entry) for path, entry in index.items() if _reason(path, entry)]
    wanted = {path: entry for path, entry in index.items() if not _reason(path, entry)}
    for path in sorted(is_ignored(root) & set(wanted)):
        del wanted[path]
        skipped.append(Skipped(path.decode(), "tracked, but .gitignore says to ignore it", "gitignore"))
    hashes = git.object_format(root)
    edited: dict[bytes, tuple[str, int]] = {}
    for path in sorted(differing & set(wanted)):
        try:
            with safe_open.open_file(root, path.decode()) as file:
                edited[path] = safe_open.blob_of(file, hashes)
        except (FileNotFoundError, NotADirectoryError):
            del wanted[path]
        except safe_open.Unsafe as unsafe:
            del wanted[path]
            skipped.append(Skipped(path.decode(), str(unsafe)))
    commits = last_commits(root, set(wanted))
    said = read_attributes(root, list(wanted))
    staged = _changed(root, "diff-index", "--cached", "HEAD")
    sizes = _sizes(root, [entry.blob for path, entry in wanted.items() if path not in edited])
    found = []
    for path, entry in wanted.items():
        blob, size = edited.get(path) or (entry.blob, sizes.get(entry.blob, 0))
        dirty = path in staged or blob != entry.blob
        commit = commits.get(path, UNCOMMITTED)
        named = f"{commit}-dirty" if dirty and commit != UNCOMMITTED else commit
        found.append(File(path.decode(), blob, entry.mode, size, named, dirty, said.get(path, {})))
    return sorted(found, key=lambda file: file.path), sorted(skipped, key=lambda item: item.path)


def compare(root: Path, paths: Sequence[str] = ()) -> tuple[dict[bytes, Entry], set[bytes]]:
    """The index, of these paths or all, and which of them differ in the working tree. Where it never rests, the last of
    TRIES."""
    only = ["--", *(f":(literal){path}" for path in paths)] if paths else []
    before = _index(root, only)
    for _ in range(TRIES):
        differing = _changed(root, "diff-files", *only)
        index = _index(root, only)
        if index == before:
            break
        before = index
    return before, differing


def _index(root: Path, only: Sequence[str]) -> dict[bytes, Entry]:
    """Path → entry; of an unmerged path the last stage, which is ours or theirs."""
    listed = git.run_git(root, "ls-files", "--stage", "-z", *only)
    entries = {}
    for line in listed.split(b"\0"):
        if line:
            head, path = line.split(b"\t", 1)
            mode, blob, _stage = head.decode().split()
            entries[path] = Entry(mode, blob)
    return entries


def _changed(root: Path, command: str, *arguments: str) -> set[bytes]:
    """The paths that a raw diff lists."""
    options = ["--raw", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--relative"]
    listed = git.run_git(root, command, *options, *arguments, settings=git.without_filters(root))
    return set(listed.split(b"\0")[1::2])


def _sizes(root: Path, blobs: list[str]) -> dict[str, int]:
    asked = "".join(f"{blob}\n" for blob in dict.fromkeys(blobs)).encode()
    told = git.run_git(root, "cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer", stdin=asked)
    sizes = {}
    for line in told.decode().splitlines():
        blob, size = line.split()
        if size.isdigit():
            sizes[blob] = int(size)
    return sizes


def _reason(path: bytes, entry: Entry) -> str:
    try:
        path.decode()
    except UnicodeDecodeError:
        return "path is not UTF-8"
    return _MODES.get(entry.mode, "")


def _skipped(path: bytes, entry: Entry) -> Skipped:
    return Skipped(path.decode("utf-8", "backslashreplace"), _reason(path, entry))
