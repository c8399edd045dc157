"""What is kept of former releases, and clearing away the rest.

Kept are the newest `release.keep` releases and every one that an alias points to, each whole: its version, run and
adapter in MLflow, its index version, and in DVC's cache its dataset and what its index is made of. Everything else is
found by what no kept release names, so that a clearing which was killed anywhere is ended by the next: first releases
go, by one write each, and only then what nothing names any more.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines import dvc_cache
from pipelines.dvc_cache import Objects
from pipelines.errors import NocturneError
from pipelines.index import remove, unnamed
from pipelines.params import Params
from pipelines.project import Project
from pipelines.registry.leftovers import Leftover, discard, leftovers
from pipelines.registry.manifest import Release
from pipelines.registry.releases import CHAMPION, Releases, folders_of_others


@dataclass(frozen=True)
class Waste:
    """What nothing needs any more.

    Attributes:
        releases: the numbers of releases that are no longer kept.
        runs: in MLflow, of these releases, of rejected candidates and of interrupted nights.
        indexes: bytes by version.
        objects: of DVC's cache.
    """

    releases: list[int] = field(default_factory=list)
    runs: list[Leftover] = field(default_factory=list)
    indexes: dict[str, int] = field(default_factory=dict)
    objects: Objects = field(default_factory=Objects)

    @property
    def bytes(self) -> int:
        """All that is freed."""
        return sum(run.bytes for run in self.runs) + sum(self.indexes.values()) + self.objects.bytes

    def facts(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "bytes": self.bytes}


def chosen(releases: Collection[Release], keep: int) -> tuple[list[Release], list[Release]]:
    """Which releases stay and which go, both newest first.

    Args:
        keep: how many of the newest stay whether or not an alias points to them.
    """
    newest = sorted(releases, key=lambda release: -release.version)
    stay = [release for place, release in enumerate(newest) if place < keep or release.aliases]
    return stay, [release for release in newest if release not in stay]


def waste(project: Project, params: Params) -> Waste:
    """What a clearing would take now. Nothing, while no release is live: MLflow may be another one than usual then.

    Raises:
        NocturneError: MLflow, the index or DVC cannot be read.
    """
    releases = Releases(project)
    if releases.at(CHAMPION) is None:
        return Waste()
    stay, go = chosen(releases.every(), params.release.keep)
    return Waste(
        [release.version for release in go],
        leftovers(project, stay),
        _indexes(project, params, stay, go),
        dvc_cache.unnamed(project.workspace, _folders(project, stay)),
    )


def clear(project: Project, params: Params) -> Waste:
    """Take it away, releases first; returns what went. Only while no night of the workspace is running (`alone`).

    Raises:
        NocturneError: MLflow, the index or DVC failed; the next clearing ends what this one began.
    """
    releases = Releases(project)
    if releases.at(CHAMPION) is None:
        return Waste()
    stay, go = chosen(releases.every(), params.release.keep)
    for release in go:
        releases.remove(release.version)
    stay = releases.every()  # as they are now
    runs, indexes = leftovers(project, stay), _indexes(project, params, stay, go)
    for run in runs:
        discard(project, run)
    try:
        for version in indexes:
            remove(project, params.index, version)
    except OSError as error:
        step = "Look at the folder's permissions; the next clearing goes on from here."
        raise NocturneError(f"An index version cannot be removed: {error}", step) from error
    objects = dvc_cache.clear(project.workspace, _folders(project, stay))
    return Waste([release.version for release in go], runs, indexes, objects)


def _indexes(project: Project, params: Params, stay: list[Release], go: list[Release]) -> dict[str, int]:
    gone = {release.index_version for release in go} | {one.index_version for one in Releases(project).removed()}
    return unnamed(project, params.index, {release.index_version for release in stay}, gone)


def _folders(project: Project, stay: list[Release]) -> set[str]:
    """Those of all projects: they share DVC's cache."""
    return folders_of_others(project).union(*(release.manifest.folders for release in stay))
