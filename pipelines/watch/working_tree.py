"""The source's files as they stand while people edit them: items as the snapshot has them, a few looked at again."""

import time
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from pipelines.config.schema import Params
from pipelines.project import Project
from pipelines.records.snapshot import TrackedFile
from pipelines.snapshot.files import choose_files
from pipelines.source import git, safe_open
from pipelines.source.tracked import UNCOMMITTED

PATROL = 500  # files looked at between two chances for a change: some milliseconds
ROUND_S = 10.0  # from the beginning of one round over all files to the next, at least
EMPTY_S = 0.2  # for so long a file that has just become empty is not believed
TICK_NS = 20_000_000  # by which a file's time may lie behind the clock
# They say which files are read, so that a change of one is a change of the list.
RULES = frozenset({".gitignore", ".gitattributes"})
DIRTY = "-dirty"


_Stamp = tuple[int, int, int, int]


class WorkingTree:
    """The tracked files that are learned.

    Attributes:
        root: the source, resolved.
        items: path → item as in snapshot.json; what is not there any more, or no plain file now, is left out.
        index: git's list of what is tracked: it changes with `git add`, `commit`, `checkout`, `stash`.
    """

    def __init__(self, project: Project, params: Params) -> None:
        """Read the whole list.

        Raises:
            NocturneError: the source is no git repository, or has nothing that is taken.
        """
        git.check_repository(project.source)
        self._project, self._params = project, params
        self.root = project.source.resolve()
        self._format = git.object_format(self.root)
        told = git.run_git(self.root, "rev-parse", "--git-path", "index").decode().strip()
        self.index = (self.root / told).resolve()
        self._rest: list[Path] = []  # of the present round
        self._due = time.monotonic() + ROUND_S  # when the next one begins
        self._emptied: dict[str, float] = {}  # since when: what writes a file in place empties it first
        self.read()

    def read(self) -> None:
        """Ask git for the whole list again."""
        began, index = time.time_ns() - TICK_NS, _stamp(self.index)
        taken, _ = choose_files(self._project, self._params)
        self._listed = {file.path: file.record() for file in taken}
        stamps = {path: _stamp(path) for path in (self.root / name for name in self._listed)}
        # What was touched since may have been read before: it is looked at once more.
        self._stamps: dict[Path, _Stamp | None]
        self._stamps = {path: stamp for path, stamp in stamps.items() if stamp and stamp[0] < began}
        self._stamps[self.index] = index
        self._folders = {str(folder) for path in self._listed for folder in PurePosixPath(path).parents} - {"."}
        self.items: dict[str, TrackedFile] = dict(self._listed)
        self._emptied = {path: since for path, since in self._emptied.items() if path in self._listed}

    def concerns(self, path: Path) -> bool:
        """Whether a change of this path can change what is tracked, or a tracked file."""
        if path == self.index or path.name in RULES:
            return True
        relative = self._relative(path)
        return relative in self._listed or relative in self._folders

    def look(self, paths: Collection[Path]) -> bool:
        """Look again at what has been changed on disk; whether `items` is another than before.

        A file that has become empty is believed when it is so for EMPTY_S: `emptied` says which to look at again.

        Args:
            paths: absolute; of files or of folders, tracked or not.
        """
        if self.index in paths or any(path.name in RULES for path in paths):
            before = self.items
            self.read()
            return before != self.items
        changed = [path for path in sorted(self._concerned(paths)) if self._look(path)]
        return bool(changed)

    def patrol(self) -> list[Path]:
        """What has changed without a word from the system, among the next PATROL files and git's index.

        The system forgets changes in a folder that is just being made, and when there are too many at once. A round
        over all files begins every ROUND_S seconds at most.
        """
        now = time.monotonic()
        if not self._rest and now >= self._due:
            self._rest, self._due = [self.index, *(self.root / path for path in self._listed)], now + ROUND_S
        some, self._rest = self._rest[:PATROL], self._rest[PATROL:]
        changed = []
        for path in some:
            stamp = _stamp(path)
            if path not in self._stamps or stamp != self._stamps[path]:
                self._stamps[path] = stamp
                changed.append(path)
        return changed

    def emptied(self) -> list[Path]:
        """What has been empty for long enough to be believed, and is to be looked at again."""
        now = time.monotonic()
        return [self.root / path for path, since in sorted(self._emptied.items()) if now - since >= EMPTY_S]

    def _concerned(self, paths: Collection[Path]) -> set[str]:
        """The tracked files among some paths, and those in folders that came or went as a whole."""
        named = {relative for path in paths if (relative := self._relative(path)) is not None}
        files = named & self._listed.keys()
        folders = named & self._folders
        if folders:
            parents = ((path, PurePosixPath(path).parents) for path in self._listed)
            files |= {path for path, above in parents if not folders.isdisjoint(map(str, above))}
        return files

    def _look(self, path: str) -> bool:
        before = self.items.get(path)
        now = self._now(path)
        if before and before["size"] and now and not now["size"]:
            since = self._emptied.setdefault(path, time.monotonic())
            if time.monotonic() - since < EMPTY_S:
                return False
        self._emptied.pop(path, None)
        if now is None:
            self.items.pop(path, None)
        else:
            self.items[path] = now
        return before != now

    def _now(self, path: str) -> TrackedFile | None:
        try:
            with safe_open.open_file(self.root, path) as file:
                blob, size = safe_open.blob_of(file, self._format)
        except (FileNotFoundError, NotADirectoryError, safe_open.Unsafe):
            return None
        listed = self._listed[path]
        if blob == listed["blob"]:
            return listed
        commit = listed["commit"].removesuffix(DIRTY)
        named = commit if commit == UNCOMMITTED else f"{commit}{DIRTY}"
        return {**listed, "blob": blob, "size": size, "commit": named, "dirty": True}

    def _relative(self, path: Path) -> str | None:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else None


def _stamp(path: Path) -> _Stamp | None:
    """What differs once a file is written, replaced or renamed: its times of change, its size, its inode. None without
    one."""
    try:
        told = path.lstat()
    except OSError:
        return None
    return told.st_ctime_ns, told.st_mtime_ns, told.st_size, told.st_ino
