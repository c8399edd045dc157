"""Keeping code out from now on: in the settings for every later night, and out of every index at once."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

from pipelines.config.layers import override
from pipelines.config.load import load_params
from pipelines.config.schema import Params
from pipelines.errors import NocturneError, UsageError
from pipelines.index import delete_versions, rewrite_without
from pipelines.lineage.trace import Seen, trace
from pipelines.night.lock import exclusive_lock
from pipelines.project import Project
from pipelines.records.extraction import Chunk
from pipelines.registry.releases import Releases
from pipelines.release import trash as trash
from pipelines.source.exclusions import forgotten_filter


@dataclass(frozen=True)
class Forgotten:
    """What was done, and what was not in our power.

    Attributes:
        chunks: how many went out of each release's index, by release.
        unreadable: releases whose index is missing or damaged; it cannot be searched either.
        seen: the datasets that have it, with the releases whose adapters were trained on them.
    """

    entry: str
    chunks: dict[int, int] = field(default_factory=dict)
    unreadable: list[int] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    @property
    def trained(self) -> list[int]:
        """The releases whose adapters learned from it, or began with one that did, as far as is known."""
        return sorted({number for one in self.seen if one.trained for number in (*one.releases, *one.inherited)})


def forget(project: Project, params: Params, entry: str) -> Forgotten:
    """Keep a path, a pattern or a blob out of every later night, and take it out of every release's index now.

    An adapter cannot unlearn: those that were trained on it are named, for a person to decide.

    Raises:
        UsageError: the entry is empty or no pattern.
        NocturneError: a night is running.
    """
    if not entry.strip():
        raise UsageError("There is nothing to forget: the entry is empty.", "Name a path, a pattern or a blob.")
    gone = forgotten_filter([entry])
    with exclusive_lock(project):
        _keep_out(project, entry)
        done = Forgotten(entry, seen=trace(project, lambda example: gone(example["path"], example["blob"])))
        _out_of_every_index(project, params, gone, done)
        _out_of_the_caches(project)
        trash.empty_next_time(project.workspace, project.name)
    return done


def _keep_out(project: Project, entry: str) -> None:
    listed = load_params(project.workspace).forgotten(project.name)
    if entry not in listed:
        override(project.workspace, {"projects": {project.name: {"forget": [*listed, entry]}}})


def _out_of_every_index(project: Project, params: Params, gone: Callable[[str, str], bool], done: Forgotten) -> None:
    """Each release gets an index without the chunks; only then the old index goes."""
    releases = Releases(project)
    built: dict[str, tuple[str, list[Chunk]]] = {}
    for release in releases.every():
        old = release.index_version
        try:
            if old not in built:
                built[old] = rewrite_without(project, params, old, lambda chunk: gone(chunk["path"], chunk["blob"]))
        except NocturneError:
            done.unreadable.append(release.version)
            continue
        new, went = built[old]
        if went:
            releases.reindex(release.version, new, f"forgot {done.entry}")
            done.chunks[release.version] = len(went)
    for old, (new, _) in built.items():
        if new != old:
            delete_versions(project, params.index, old)


def _out_of_the_caches(project: Project) -> None:
    """What was parsed is kept by content and by path; all of it goes, and the next night parses anew."""
    for name in ("extraction", "history"):
        shutil.rmtree(project.cache / name, ignore_errors=True)
