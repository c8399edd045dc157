"""A project: one source repository, and the folders of the workspace that hold what was learned from it."""

import os
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import UsageError


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


def workspace() -> Path:
    """The nearest folder, from here upwards, that holds params.yaml and dvc.yaml; or NOCTURNE_HOME.

    Raises:
        UsageError: there is none.
    """
    home = os.environ.get("NOCTURNE_HOME")
    start = Path(home) if home else Path.cwd()
    for folder in (start, *start.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            return folder.resolve()
    raise UsageError(
        f"{start} is not in a Nocturne workspace: no folder above it has params.yaml and dvc.yaml.",
        "Change into your clone of Nocturne, or set NOCTURNE_HOME to it.",
    )
