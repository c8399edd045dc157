"""What is kept of former releases, and clearing away the rest.

Kept are the newest `release.keep` releases and every one that an alias points to, each whole: its version, run and
adapter in MLflow, its index version, and in DVC's cache its dataset and what its index is made of. So are the newest
`release.keep` candidates, refused ones too, and whatever the releases of another registry need that this workspace has
used. Everything else goes to the trash, and is deleted after `release.trash_days` unless something needs it again.

A clearing that is killed anywhere is ended by the next one: first releases go, by one write each, and only then what
nothing names any more.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pipelines.config.schema import Params
from pipelines.dag import cache
from pipelines.dag.cache import Objects
from pipelines.errors import NocturneError
from pipelines.index import delete_versions, find_unreferenced
from pipelines.project import Project
from pipelines.registry.identity import needs_of_others
from pipelines.registry.orphan_runs import Leftover, delete_leftovers, find_leftovers, folders_of_candidates
from pipelines.registry.release import Release
from pipelines.registry.releases import CHAMPION, Releases, folders_of_other_projects
from pipelines.release import trash

OBJECTS = "dvc/"  # objects of DVC's cache belong to all projects


@dataclass(frozen=True)
class Waste:
    """What nothing needs any more.

    Attributes:
        releases: the numbers of releases that are no longer kept.
        runs: in MLflow, of these releases, of former candidates and of interrupted nights.
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
        runs = [{"run": run.run, "name": run.name, "bytes": run.bytes} for run in self.runs]
        objects = {"count": self.objects.count, "bytes": self.objects.bytes}
        own = {"releases": self.releases, "runs": runs, "indexes": self.indexes, "objects": objects}
        return {**own, "bytes": self.bytes}

    def names(self, project: str) -> list[str]:
        """What each item is called in the trash."""
        releases = (f"{project}/release/{number}" for number in self.releases)
        runs = (f"{project}/run/{run.run}" for run in self.runs)
        indexes = (f"{project}/index/{version}" for version in self.indexes)
        return [*releases, *runs, *indexes, *(f"{OBJECTS}{name}" for name in self.objects.sizes)]

    def only(self, project: str, names: Collection[str]) -> "Waste":
        """The items of these names."""
        return Waste(
            [number for number in self.releases if f"{project}/release/{number}" in names],
            [run for run in self.runs if f"{project}/run/{run.run}" in names],
            {version: size for version, size in self.indexes.items() if f"{project}/index/{version}" in names},
            self.objects.only({name.removeprefix(OBJECTS) for name in names if name.startswith(OBJECTS)}),
        )


@dataclass(frozen=True)
class Cleared:
    """What a clearing did.

    Attributes:
        gone: what was deleted.
        waiting: what is in the trash.
        until: when the first of it will be deleted; None when the trash is empty.
    """

    gone: Waste
    waiting: Waste
    until: datetime | None

    def facts(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        until = self.until.isoformat(timespec="seconds") if self.until else None
        return {**self.gone.facts(), "waiting": self.waiting.facts(), "until": until}


def choose_waste(releases: Collection[Release], keep: int) -> tuple[list[Release], list[Release]]:
    """Which releases stay and which go, both newest first.

    Args:
        keep: how many of the newest stay whether or not an alias points to them.
    """
    newest = sorted(releases, key=lambda release: -release.version)
    stay = [release for place, release in enumerate(newest) if place < keep or release.aliases]
    return stay, [release for release in newest if release not in stay]


def find_waste(releases: Releases, params: Params) -> Waste:
    """What nothing needs now. Nothing, while no release is live.

    Raises:
        NocturneError: MLflow, the index or DVC cannot be read.
    """
    project = releases.project
    if releases.at(CHAMPION) is None:
        return Waste()
    stay, go = choose_waste(releases.every(), params.release.keep)
    left = find_leftovers(project, stay, params.release.keep)
    return Waste(
        [release.version for release in go],
        left.runs,
        _indexes(releases, params, stay, go),
        cache.find_unreferenced(project.workspace, _folders(project, params, stay, left.folders)),
    )


def clear(releases: Releases, params: Params, at_once: bool = False) -> Cleared:
    """Put what nothing needs into the trash, and delete what has been there for `release.trash_days`, releases first.

    Only while no night of the workspace is running (`exclusive_lock`).

    Args:
        at_once: delete all of it now.

    Raises:
        NocturneError: MLflow, the index, DVC or the disk failed; the next clearing ends what this one began.
    """
    try:
        return _clear(releases, params, at_once)
    except OSError as error:
        step = "Free disk space, or look at the folder's permissions; the next clearing goes on from here."
        raise NocturneError(f"The trash of {releases.project.workspace} cannot be written: {error}", step) from error


def _clear(releases: Releases, params: Params, at_once: bool) -> Cleared:
    project = releases.project
    releases.write_down_needs()
    found = find_waste(releases, params)
    since = trash.update_trash(project.workspace, (f"{project.name}/", OBJECTS), found.names(project.name))
    due = set(since) if at_once else trash.find_due(project.workspace, project.name, since, params.release.trash_days)
    gone = _delete(releases, params, found.only(project.name, due)) if due else Waste()
    if due:
        trash.delete_due(project.workspace, project.name, due)
    waiting = found.only(project.name, since.keys() - due)
    first = min((at for name, at in since.items() if name not in due), default=None)
    return Cleared(gone, waiting, first and first + timedelta(days=params.release.trash_days))


def _delete(releases: Releases, params: Params, due: Waste) -> Waste:
    """Releases first; then what is due and is still named by nothing."""
    project = releases.project
    for number in due.releases:
        releases.remove(number)
    stay = releases.every()  # as they are now
    left = find_leftovers(project, stay, params.release.keep)
    runs = [run for run in left.runs if run in due.runs]
    for run in runs:
        delete_leftovers(project, run)
    indexes = {name: size for name, size in _indexes(releases, params, stay, []).items() if name in due.indexes}
    try:
        for version in indexes:
            delete_versions(project, params.index, version)
    except OSError as error:
        step = "Look at the folder's permissions; the next clearing goes on from here."
        raise NocturneError(f"An index version cannot be removed: {error}", step) from error
    folders = _folders(project, params, stay, left.folders)
    return Waste(due.releases, runs, indexes, cache.clear(project.workspace, folders, due.objects.sizes))


def _indexes(releases: Releases, params: Params, stay: list[Release], go: list[Release]) -> dict[str, int]:
    project = releases.project
    gone = {release.index_version for release in go} | {one.index_version for one in releases.removed()}
    named = {release.index_version for release in stay} | needs_of_others(project.workspace, project.name).indexes
    return find_unreferenced(project, params.index, named, gone)


def _folders(project: Project, params: Params, stay: list[Release], candidates: Iterable[str]) -> set[str]:
    """Those of all projects, of their refused candidates too, and of all registries: they share DVC's cache."""
    elsewhere = needs_of_others(project.workspace).folders
    others = (params.project(name, project.workspace) for name in params.projects if name != project.name)
    refused = (folders_of_candidates(other, params.release.keep) for other in others)
    own = (release.manifest.folders for release in stay)
    return folders_of_other_projects(project).union(elsewhere, candidates, *refused, *own)
