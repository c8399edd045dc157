"""The embedded engine: a Qdrant Edge shard in a folder.

What Edge 0.9.0 does, found by running and tracing it. Without a write-ahead log several processes may have a shard
open: a load rewrites two small files by renaming, with the same content, and touches nothing else; so a version needs a
writable folder, and files that are not in its manifest may come and go in it. The very first load of a new shard does
change bytes (it completes the configuration, removes journals), so a version is loaded before its files are hashed.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pipelines.errors import NocturneError, TornIndex
from pipelines.index.store.bm25 import Sparse
from pipelines.index.store.filters import build_filter
from pipelines.index.store.interface import (
    BATCH,
    BRIEF,
    DENSE,
    EVERYWHERE,
    PAGE,
    SEARCH_EF,
    SPARSE,
    Point,
    Scope,
    Scored,
    Search,
    make_point,
)
from pipelines.index.store.payload import AT_LEAST, DEFINITIONS, INDEXED, Brief, Payload
from pipelines.index.store.quantization import CUTTING, OVERSAMPLING, vector_config
from pipelines.index.store.sparse_copy import copy_sparse
from pipelines.records import Record

if TYPE_CHECKING:
    import numpy as np

KEPT = 16384  # chunks that were read lately, in brief, some 1 KB each: reading them is a third of a search
OPENING = 1 << 20  # bytes of disk: the small files that Edge writes anew when it opens a shard
ROOM = "Look at the free disk space and the folder's permissions; what is live has not changed."


class EdgeEngine:
    """One open shard. Whatever Edge raises becomes a NocturneError: it raises bare Exceptions, and panics are worse."""

    def __init__(self, shard: Any, folder: "TemporaryDirectory[str] | None" = None) -> None:
        self._shard = shard
        self._folder = folder  # of its own, gone when it is closed
        self._read: dict[int, Brief] = {}  # chunks in brief by their ids; none that was written since

    @classmethod
    def create(cls, folder: Path, dimension: int, layout: str = "") -> "EdgeEngine":
        """A new, empty shard in a folder that holds none.

        Args:
            layout: how its vectors are kept, by its name in `quantization.py`.
        """
        import qdrant_edge as edge

        folder.mkdir(parents=True)
        made = vector_config(dimension, layout, DENSE, SPARSE)
        with explain_error("begin"):
            shard = edge.EdgeShard.create(str(folder), made)
            kinds = edge.PayloadSchemaType
            for name in INDEXED:
                kind = kinds.Integer if name in AT_LEAST else kinds.Keyword
                shard.update(edge.UpdateOperation.create_field_index(name, kind))
        return cls(shard)

    @classmethod
    def load(cls, folder: Path) -> "EdgeEngine":
        """Open an existing shard; where nothing can be written, or the disk is full, a copy of it among the temporary
        files, that goes when it is closed.

        Raises:
            TornIndex: Edge cannot read it.
            NocturneError: there is no room for the copy either.
        """
        from qdrant_edge import EdgeShard

        own = None
        if not os.access(folder, os.W_OK) or disk_usage(folder).free < OPENING:
            own = _copy_record(folder)
            folder = Path(own.name) / folder.name
        with explain_error("open", TornIndex):
            return cls(EdgeShard.load(str(folder)), own)

    def upsert(self, points: Sequence[Point]) -> None:
        """Add points, or replace those with the same id."""
        import qdrant_edge as edge

        made, self._read = [], {}
        for point in points:
            sparse = edge.SparseVector(point.sparse.indices, point.sparse.values)
            made.append(edge.Point(point.id, {DENSE: point.dense, SPARSE: sparse}, dict(point.chunk)))
        with explain_error("write"):
            self._shard.update(edge.UpdateOperation.upsert_points(made))

    def delete(self, paths: Collection[str]) -> None:
        """Take away every point of these files."""
        import qdrant_edge as edge

        self._read = {}
        with explain_error("write"):
            self._shard.update(edge.UpdateOperation.delete_points_by_filter(_filter(Scope.files(paths))))

    def set_payload(self, gone: Sequence[int], fields: Sequence[tuple[Record, Sequence[int]]]) -> None:
        """Take away points by their ids, and set fields of others."""
        import qdrant_edge as edge

        self._read = {}
        with explain_error("write"):
            if gone:
                self._shard.update(edge.UpdateOperation.delete_points(list(gone)))
            for values, ids in fields:
                self._shard.update(edge.UpdateOperation.set_payload(list(ids), values))

    def flush(self) -> None:
        """Write everything to disk: without a write-ahead log nothing is durable before."""
        with explain_error("write"):
            self._shard.flush()

    def nearest(self, *searches: Search) -> list[list[Scored]]:
        """The nearest points by cosine (array) or BM25 (Sparse), best first; their payload is `chunks`' to read."""
        requests = [_request(search) for search in searches]
        with explain_error("search", TornIndex):
            return [[Scored(one.id, one.score) for one in self._shard.query(request)] for request in requests]

    def exact(self, vector: "np.ndarray", limit: int) -> list[int]:
        """The ids of the nearest points by cosine, by looking at every one."""
        import qdrant_edge as edge

        asked = edge.Query.Nearest(vector.tolist(), using=DENSE)
        request = edge.QueryRequest(limit=limit, query=asked, params=edge.SearchParams(exact=True))
        with explain_error("search", TornIndex):
            return [one.id for one in self._shard.query(request)]

    def summaries(self, ids: Sequence[int]) -> dict[int, Brief]:
        """Id → BRIEF of what the point carries. A query that gives it along takes twice as long for it."""
        read = self._read
        new = [id for id in ids if id not in read]
        if new:
            kept = read if len(read) < KEPT else {id: read[id] for id in ids if id in read}
            read = self._read = {**kept, **self._retrieved(new, list(BRIEF))}
        return {id: read[id] for id in ids if id in read}

    def chunks(self, ids: Sequence[int]) -> dict[int, Payload]:
        """Id → what the point carries."""
        return self._retrieved(ids, True)

    def _retrieved(self, ids: Sequence[int], fields: list[str] | bool) -> dict[int, Any]:
        with explain_error("read", TornIndex):
            return {one.id: one.payload for one in self._shard.retrieve(list(ids), fields, False)}

    def of(self, paths: Collection[str]) -> dict[int, Payload]:
        """Id → what the point carries, of every point of these files."""
        return {one.id: one.payload for page in self._pages(True, Scope.files(paths)) for one in page}

    def every(self) -> Iterator[list[Point]]:
        """All points, BATCH at a time, by their ids."""
        import qdrant_edge as edge

        offset = None
        while True:
            request = edge.ScrollRequest(offset=offset, limit=BATCH, with_payload=True, with_vector=True)
            with explain_error("read", TornIndex):
                found, offset = self._shard.scroll(request)
            yield [make_point(one) for one in found]
            if offset is None:
                return

    def blobs(self) -> dict[str, str]:
        """Path → blob of every file with a point."""
        pages = self._pages(["path", "blob"], EVERYWHERE)
        return {one.payload["path"]: one.payload["blob"] for page in pages for one in page}

    def _pages(self, fields: list[str] | bool, scope: Scope) -> Iterator[list[Any]]:
        """The points of a scope with fields of their payload, all of them if True, PAGE at a time."""
        import qdrant_edge as edge

        offset = None
        while True:
            request = edge.ScrollRequest(
                offset=offset, limit=PAGE, filter=_filter(scope), with_payload=fields, with_vector=False
            )
            with explain_error("read", TornIndex):
                page, offset = self._shard.scroll(request)
            yield page
            if offset is None:
                return

    def count(self) -> int:
        """Points in the shard, exactly."""
        from qdrant_edge import CountRequest

        return int(self._shard.count(CountRequest(exact=True)))

    def finish(self) -> None:
        """Build the graphs that are worth it, write everything to disk and close."""
        with explain_error("finish"):
            self._shard.optimize()
            self._shard.flush()
            self._shard.close()

    def close(self) -> None:
        """Close the shard."""
        self._shard.close()
        if self._folder:
            self._folder.cleanup()


@contextmanager
def explain_error(doing: str, kind: type[NocturneError] = NocturneError) -> Iterator[None]:
    """Say of whatever Edge raises that the embedded index could not do this."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        reason = " ".join(str(error).split())[:400]
        raise kind(f"The embedded index failed to {doing}: {reason}", ROOM) from error


def _request(search: Search) -> Any:
    import qdrant_edge as edge

    if isinstance(search.query, Sparse):
        asked = edge.Query.Nearest(edge.SparseVector(search.query.indices, search.query.values), using=SPARSE)
    else:
        asked = edge.Query.Nearest(search.query.tolist(), using=DENSE)
    rescored = edge.QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING)
    past = edge.AcornSearchParams(enable=True, max_selectivity=CUTTING)
    params = edge.SearchParams(hnsw_ef=SEARCH_EF, quantization=rescored, acorn=past)
    return edge.QueryRequest(limit=search.limit, query=asked, filter=_filter(search.scope), params=params)


def _copy_record(folder: Path) -> "TemporaryDirectory[str]":
    """A temporary folder with a copy of this one in it."""
    own = None
    try:
        own = TemporaryDirectory(prefix="nocturne-index-")
        copy_sparse(folder, Path(own.name) / folder.name)
        return own
    except OSError as error:
        if own:
            own.cleanup()
        raise NocturneError(
            f"{folder} cannot be written, or its disk is full, and it cannot be opened as a copy either: "
            f"{error.strerror}.",
            "Free disk space, let the folder be written, or set TMPDIR to a folder with room. The index is whole.",
        ) from error


class _Builder:
    """`filters.Builder` in Edge's words."""

    def among(self, field: str, values: Sequence[str]) -> Any:
        import qdrant_edge as edge

        if field in AT_LEAST:
            return edge.FieldCondition(key=field, range=edge.RangeFloat(gte=min(map(float, values))))
        return edge.FieldCondition(key=field, match=edge.MatchAny(list(values)))

    def ids(self, ids: Sequence[int]) -> Any:
        from qdrant_edge import HasIdCondition

        return HasIdCondition(set(ids))

    def one(self, inner: Any) -> Any:
        from qdrant_edge import NestedCondition

        return NestedCondition(DEFINITIONS, inner)

    def whole(self, must: list[Any], must_not: list[Any], should: list[Any]) -> Any:
        from qdrant_edge import Filter

        return Filter(must=must or None, must_not=must_not or None, should=should or None)


def _filter(scope: Scope) -> Any:
    return build_filter(scope, _Builder())
