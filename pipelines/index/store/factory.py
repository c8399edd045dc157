"""Which engine holds a project's versions, and what to say when one is not there."""

from pipelines.config.schema import Index as IndexParams
from pipelines.errors import TornIndex
from pipelines.index.store import server_store
from pipelines.index.store.embedded_store import EdgeStore
from pipelines.index.store.manifest import repair_step
from pipelines.project import Project


def open_store(project: Project, index: IndexParams) -> EdgeStore | server_store.ServerStore:
    """The store of a project: on the server that `index.url` names, else embedded."""
    if index.url:
        return server_store.ServerStore(server_store.connect(index.url), index.url, project.name)
    return EdgeStore(project.live, project.name, index.memory_mb)


def missing_version(project: Project, version: str) -> TornIndex:
    """The error for a version that a store does not hold whole."""
    fact = f"Index version {version} of {project.name} is missing or damaged."
    return TornIndex(fact, repair_step(project.name, version))
