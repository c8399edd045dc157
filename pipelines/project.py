"""A project: one source repository, and the folders of the workspace that hold what was learned from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Key = TypeVar("Key")


@dataclass(frozen=True)
class Project:
    """Names every path of one project; computes, reads and writes nothing.

    Attributes:
        name: the key under `projects` in params.yaml.
        source: the source repository, absolute.
        workspace: the folder with params.yaml and dvc.yaml, absolute.
    """

    name: str
    source: Path
    workspace: Path

    @property
    def folder(self) -> Path:
        """`data/<project>`: the stages' outputs, one folder each."""
        return self.workspace / "data" / self.name

    def path(self, *parts: str) -> Path:
        """A file of a stage, such as `path("extraction", "chunks.jsonl")`."""
        return self.folder.joinpath(*parts)

    @property
    def cache(self) -> Path:
        """What makes the next night faster. Never an output: deleting it changes no result."""
        return self.folder / ".cache"

    @property
    def night(self) -> Path:
        """What the current or last night did: facts and progress per stage, the log, the lock."""
        return self.folder / ".night"

    @property
    def watch(self) -> Path:
        """What `nocturne watch` says of itself while it runs, and its lock."""
        return self.folder / ".watch"

    @property
    def live(self) -> Path:
        """The immutable index versions of this project."""
        return self.workspace / "data" / "live" / self.name


def source_path(workspace: Path, source: str) -> Path:
    """Where a project's `source` is: relative to the workspace, absolute, or from a home folder (~)."""
    return (workspace / Path(source).expanduser()).resolve()


def nearest(sources: Mapping[Key, Path], folder: Path) -> Key | None:
    """Of some folders the innermost that contains a folder, by its key; None when none does."""
    around = [key for key, source in sources.items() if folder.is_relative_to(source)]
    return max(around, key=lambda key: len(sources[key].parts), default=None)


def current_folder() -> Path:
    """The current folder; the root, when it has been deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")
