"""Which engine holds a project's versions, and what to say when one is not there."""

from pipelines.errors import TornIndex
from pipelines.index import server
from pipelines.index.engine import Store
from pipelines.index.folders import EdgeStore
from pipelines.index.version import EARLIER, mending
from pipelines.params import Index as IndexParams
from pipelines.project import Project


def store_of(project: Project, index: IndexParams) -> EdgeStore | server.ServerStore:
    """The store of a project: on the server that `index.url` names, else embedded."""
    if index.url:
        return server.ServerStore(server.connect(index.url), index.url, project.name)
    return EdgeStore(project.live, project.name, index.memory_mb)


def missing(project: Project, store: Store, version: str) -> TornIndex:
    """The error for a version that a store does not hold, or not whole, or as an earlier Nocturne made it."""
    wrong = EARLIER if store.earlier(version) else "is missing or damaged"
    return TornIndex(f"Index version {version} of {project.name} {wrong}.", mending(project.name, version))
