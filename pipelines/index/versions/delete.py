"""Taking chunks out of a published version (a version is immutable, so another one is built without them), and taking
whole versions away."""

from collections.abc import Callable, Collection, Iterator
from contextlib import closing

from pipelines.config.schema import Index as IndexParams
from pipelines.config.schema import Params
from pipelines.index.store.factory import missing_version, open_store
from pipelines.index.store.interface import Engine, Point
from pipelines.index.store.manifest import NAME_LETTERS, IndexVersion
from pipelines.index.versions.build import check_and_build
from pipelines.project import Project
from pipelines.records import Record, fingerprint


def rewrite_without(
    project: Project, params: Params, version: str, gone: Callable[[Record], bool]
) -> tuple[str, list[Record]]:
    """A version with the same chunks but those that are gone. The old one stays until `delete_versions`.

    Args:
        gone: says of a chunk whether it must go.

    Returns:
        The new version's name (the old one when nothing goes), and the chunks that went.

    Raises:
        NocturneError: there is no whole version of this name, or the new one fails its check.
    """
    with closing(open_store(project, params.index)) as store:
        manifest = store.read(version)
        if manifest is None:
            raise missing_version(project, version)
        with closing(store.open(manifest)) as engine:
            went = [point for batch in engine.every() for point in batch if gone(point.chunk)]
            if not went:
                return version, []
            name = fingerprint(version, sorted(point.chunk["chunk_id"] for point in went))[:NAME_LETTERS]
            fewer = IndexVersion(
                name, manifest.count - len(went), manifest.encoder, manifest.dimension, manifest.mean_words
            )
            kept = _kept(engine, {point.id for point in went})
            check_and_build(store, fewer, kept, params.index.self_check_queries)
    return name, [point.chunk for point in went]


def find_unreferenced(
    project: Project, index: IndexParams, named: Collection[str], gone: Collection[str]
) -> dict[str, int]:
    """What the store holds and no release names, with its bytes.

    Args:
        named: the versions that must stay.
        gone: the versions of releases that were removed. On a server nothing else is taken: other workspaces may keep
            a project of the same name there. The embedded store belongs to this workspace alone.
    """
    with closing(open_store(project, index)) as store:
        held = store.held()
    return {name: size for name, size in held.items() if name not in named and (not index.url or name in gone)}


def is_present(project: Project, index: IndexParams, version: str) -> bool:
    """Whether there is a whole version of this name."""
    with closing(open_store(project, index)) as store:
        return store.read(version) is not None


def delete_versions(project: Project, index: IndexParams, version: str) -> None:
    """Take a version away, with everything it holds."""
    with closing(open_store(project, index)) as store:
        store.remove(version)


def _kept(engine: Engine, gone: set[int]) -> Iterator[list[Point]]:
    for batch in engine.every():
        yield [point for point in batch if point.id not in gone]
