"""The code index: immutable versions, hybrid search. The only folder that knows Qdrant, embedded or as a server."""

from pipelines.index.search.hybrid import Hit, Index
from pipelines.index.store.bm25 import query_terms
from pipelines.index.store.interface import Scope
from pipelines.index.store.manifest import IndexVersion
from pipelines.index.versions.delete import delete_versions, find_unreferenced, is_present, rewrite_without
from pipelines.index.versions.inputs import Inputs
from pipelines.index.versions.overlay import OverlayIndex
from pipelines.index.versions.own import private_index
from pipelines.index.versions.publish import open_index, publish, version_of
from pipelines.index.versions.scratch import temporary_index

__all__ = [
    "Hit",
    "Index",
    "IndexVersion",
    "Inputs",
    "OverlayIndex",
    "Scope",
    "delete_versions",
    "find_unreferenced",
    "is_present",
    "open_index",
    "private_index",
    "publish",
    "query_terms",
    "rewrite_without",
    "temporary_index",
    "version_of",
]
