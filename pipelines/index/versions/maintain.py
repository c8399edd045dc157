"""Looking after the versions of a project: what is there, what is wrong with it, building it again, moving it."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.config.schema import Index as IndexParams
from pipelines.config.schema import Params
from pipelines.errors import NocturneError, UsageError
from pipelines.index.store.embedded_store import EdgeStore
from pipelines.index.store.factory import missing_version, open_store
from pipelines.index.store.interface import Store
from pipelines.index.store.manifest import IndexVersion
from pipelines.index.store.memory_usage import MemoryUsage
from pipelines.index.store.server_store import ServerStore
from pipelines.index.versions.build import check_and_build, find_shortcoming, self_check_queries
from pipelines.index.versions.inputs import Inputs
from pipelines.index.versions.publish import publish
from pipelines.project import Project


@dataclass(frozen=True)
class Held:
    """A version that is there, or that should be.

    Attributes:
        whole: its manifest and the sizes of its files are right; `verify` looks closer.
        bytes: on disk; 0 on a server, which does not tell.
        manifest: None of a version that is not whole.
        memory: None on a server, and of a version that is not whole.
    """

    version: str
    whole: bool
    bytes: int
    manifest: IndexVersion | None
    memory: MemoryUsage | None = None

    def facts(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        known = asdict(self.manifest) if self.manifest else {}
        known.pop("files", None)
        memory = self.memory.facts() if self.memory else None
        state = {"version": self.version, "whole": self.whole}
        return {**state, "bytes": self.bytes, "memory": memory, **known}


def list_versions(project: Project, index: IndexParams) -> list[Held]:
    """Every version that the store has, also what was begun and never ended.

    Raises:
        NocturneError: the store cannot be read.
    """
    with closing(open_store(project, index)) as store:
        return [_held(store, name, size) for name, size in store.held().items()]


def inspect(project: Project, index: IndexParams, version: str) -> Held:
    """One version.

    Raises:
        NocturneError: the store cannot be read.
    """
    with closing(open_store(project, index)) as store:
        return _held(store, version, store.held().get(version, 0))


def _held(store: EdgeStore | ServerStore, version: str, size: int) -> Held:
    manifest = store.read(version)
    memory = store.memory(manifest) if manifest and isinstance(store, EdgeStore) else None
    return Held(version, manifest is not None, size, manifest, memory)


def verify(project: Project, params: Params, version: str) -> list[str]:
    """Everything that is wrong with a version: seal, each file's hash, the count, and searches for its own chunks.

    Raises:
        NocturneError: a server does not answer.
    """
    with closing(open_store(project, params.index)) as store:
        wrong = store.faults(version)
        manifest = store.read(version)
        if wrong or manifest is None:
            return wrong
        try:
            with closing(store.open(manifest)) as engine:
                lacking = find_shortcoming(
                    engine, manifest, self_check_queries(engine, manifest.count, params.index.self_check_queries)
                )
        except NocturneError as error:
            return [error.fact]
        return [lacking] if lacking else []


def rebuild(project: Project, params: Params, version: str, kept: Iterable[Inputs] = ()) -> IndexVersion:
    """Build a version that is torn or missing again, the same content under the same name; a whole one is left alone.

    It is made of what the stages wrote last, or of what is kept of an earlier night, whichever makes it; else it comes
    from the embedded copy that `move` left behind.

    Args:
        kept: chunks and vectors of earlier nights; looked at one after the other.

    Raises:
        NocturneError: nothing makes it, or the build fails.
    """
    with closing(open_store(project, params.index)) as store:
        existing = store.read(version)
        if existing is not None and not store.faults(version):
            return existing
    for material in (Inputs.of(project), *kept):
        if version == _name(material):
            return publish(project, params, material)
    embedded = EdgeStore(project.live, project.name, params.index.memory_mb)
    with closing(open_store(project, params.index)) as store, closing(embedded):
        if params.index.url and not embedded.faults(version):
            return copy_versions(embedded, store, version, params.index.self_check_queries)
    raise NocturneError(
        f"Version {version} of {project.name} cannot be built again: no chunks and vectors that are kept make it.",
        f"Bring it back with `nocturne index restore FILE`; without a backup, make a new release: "
        f"`nocturne nightly {project.name} --force`.",
    )


def move(project: Project, params: Params, to: IndexParams, version: str) -> IndexVersion:
    """Bring a version to where `to` says; what is there whole already stays. Nothing is taken away here.

    Raises:
        UsageError: both are the same place.
        NocturneError: it is not whole here, or cannot be built there.
    """
    if to.url == params.index.url:
        raise UsageError(f"The index is at {to.url or 'data/live'} already.", "Name another place.")
    with closing(open_store(project, params.index)) as source, closing(open_store(project, to)) as target:
        if source.read(version) is None:
            raise missing_version(project, version)
        return copy_versions(source, target, version, params.index.self_check_queries)


def copy_versions(source: Store, target: Store, version: str, checks: int) -> IndexVersion:
    """The version in the target, built there of the source's points and checked, when it is not there whole.

    Raises:
        NocturneError: the source cannot be read, or the target not be written.
    """
    there = target.read(version)
    if there is not None and not target.faults(version):
        return there
    manifest = source.read(version)
    assert manifest is not None
    with closing(source.open(manifest)) as engine:
        return check_and_build(target, manifest.with_files({}), engine.every(), checks)


def _name(material: Inputs) -> str | None:
    """The name of the version that they make; None when they are not there."""
    try:
        return material.version()
    except (NocturneError, KeyError):
        return None
