"""The code index: immutable versions, hybrid search. The only folder that knows Qdrant, embedded or as a server."""

from pipelines.index.changing import ChangingIndex
from pipelines.index.engine import Scope
from pipelines.index.hybrid import Hit, Index
from pipelines.index.keywords import terms
from pipelines.index.material import Material
from pipelines.index.own import own_index
from pipelines.index.published import open_index, publish, version_of
from pipelines.index.removal import present, remove, unnamed, without
from pipelines.index.temporary import temporary_index
from pipelines.index.version import IndexVersion

__all__ = [
    "ChangingIndex",
    "Hit",
    "Index",
    "IndexVersion",
    "Material",
    "Scope",
    "open_index",
    "own_index",
    "present",
    "publish",
    "remove",
    "temporary_index",
    "terms",
    "unnamed",
    "version_of",
    "without",
]
