"""What a path of the past is called today."""

from collections.abc import Sequence

from pipelines.source.log import Commit


class Renames:
    """Follows renames while the commits are passed from the newest to the oldest.

    Commits of branches interleave, so that one may use an old name although a newer one, passed later, renamed it:
    where the way back shows nothing and the file is gone, any rename of that path is followed.
    """

    def __init__(self, commits: Sequence[Commit], tracked: set[str]) -> None:
        renames = [one for commit in reversed(commits) for one in commit.changes if one.status == "R"]
        self._ever = {one.path_before: one.path for one in renames}
        self._tracked = tracked
        self._now: dict[str, str] = {}

    def today(self, path: str) -> str:
        """Today's name of a path that the commit at hand uses; the path itself when it was never renamed."""
        if path in self._now:
            return self._now[path]
        seen = {path}
        while path not in self._tracked and self._ever.get(path, path) not in seen:
            path = self._ever[path]
            seen.add(path)
        return path

    def passed(self, commit: Commit) -> None:
        """Go on to what came before a commit."""
        before = {one.path_before: self.today(one.path) for one in commit.changes if one.status == "R"}
        created = {one.path: one.path for one in commit.changes if one.status == "A"}
        self._now.update(created)
        self._now.update(before)
