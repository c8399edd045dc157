"""One open collection on a Qdrant server."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

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
from pipelines.index.store.payload import AT_LEAST, DEFINITIONS, Brief, Payload
from pipelines.index.store.quantization import CUTTING
from pipelines.records import Record

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")


class Asks(Protocol):
    """A server: `ask` makes one call of its client, again when it is lost for a moment."""

    def ask(self, call: Callable[[Any], T]) -> T: ...
    def close(self) -> None: ...


class ServerEngine:
    """One open collection."""

    def __init__(self, store: Asks, collection: str) -> None:
        self._store = store
        self._collection = collection

    def upsert(self, points: Sequence[Point]) -> None:
        """Add points, or replace those with the same id; returns when they can be found."""
        from qdrant_client import models

        made = []
        for point in points:
            sparse = models.SparseVector(indices=point.sparse.indices, values=point.sparse.values)
            vectors = {DENSE: point.dense, SPARSE: sparse}
            made.append(models.PointStruct(id=point.id, vector=vectors, payload=point.chunk))
        self._store.ask(lambda client: client.upsert(self._collection, made, wait=True))

    def delete(self, paths: Collection[str]) -> None:
        """Take away every point of these files; returns when none is found any more."""
        from qdrant_client import models

        gone = models.FilterSelector(filter=_filter(Scope.files(paths)))
        self._store.ask(lambda client: client.delete(self._collection, gone, wait=True))

    def set_payload(self, gone: Sequence[int], fields: Sequence[tuple[Record, Sequence[int]]]) -> None:
        """Take away points by their ids, and set fields of others; returns when both show."""
        from qdrant_client import models

        changes: list[Any] = []
        if gone:
            changes.append(models.DeleteOperation(delete=models.PointIdsList(points=list(gone))))
        for values, ids in fields:
            changes.append(models.SetPayloadOperation(set_payload=models.SetPayload(payload=values, points=list(ids))))
        if changes:
            self._store.ask(lambda client: client.batch_update_points(self._collection, changes, wait=True))

    def flush(self) -> None:
        """Nothing to do: every call waited until it was durable."""

    def nearest(self, *searches: Search) -> list[list[Scored]]:
        """The nearest points by cosine (array) or BM25 (Sparse), best first; all searches in one request."""
        requests = [_request(search) for search in searches]
        answers = self._store.ask(lambda client: client.query_batch_points(self._collection, requests))
        return [[Scored(one.id, one.score) for one in answer.points] for answer in answers]

    def exact(self, vector: "np.ndarray", limit: int) -> list[int]:
        """The ids of the nearest points by cosine, by looking at every one."""
        from qdrant_client import models

        params = models.SearchParams(exact=True)
        query = vector.tolist()
        answer = self._store.ask(
            lambda client: client.query_points(
                self._collection, query=query, using=DENSE, search_params=params, limit=limit, with_payload=False
            )
        )
        return [one.id for one in answer.points]

    def every(self) -> Iterator[list[Point]]:
        """All points, BATCH at a time, by their ids."""
        for page in self._pages(EVERYWHERE, BATCH, with_payload=True, with_vectors=True):
            yield [make_point(one) for one in page]

    def summaries(self, ids: Sequence[int]) -> dict[int, Brief]:
        """Id → BRIEF of what the point carries."""
        return self._retrieved(ids, list(BRIEF))

    def chunks(self, ids: Sequence[int]) -> dict[int, Payload]:
        """Id → what the point carries."""
        return self._retrieved(ids, True)

    def _retrieved(self, ids: Sequence[int], fields: list[str] | bool) -> dict[int, Any]:
        found = self._store.ask(lambda client: client.retrieve(self._collection, list(ids), with_payload=fields))
        return {one.id: one.payload for one in found}

    def of(self, paths: Collection[str]) -> dict[int, Payload]:
        """Id → what the point carries, of every point of these files."""
        found = self._pages(Scope.files(paths), PAGE, with_payload=True, with_vectors=False)
        return {one.id: one.payload for page in found for one in page}

    def blobs(self) -> dict[str, str]:
        """Path → blob of every file with a point."""
        pages = self._pages(EVERYWHERE, PAGE, with_payload=["path", "blob"], with_vectors=False)
        return {one.payload["path"]: one.payload["blob"] for page in pages for one in page}

    def _pages(self, scope: Scope, size: int, **wanted: Any) -> Iterator[list[Any]]:
        """The points of a scope, `size` at a time."""
        offset: Any = None
        while True:
            asked = {"scroll_filter": _filter(scope), "limit": size, "offset": offset, **wanted}
            page, offset = self._store.ask(partial(_scroll, collection=self._collection, asked=asked))
            yield page
            if offset is None:
                return

    def count(self) -> int:
        """Points in the collection, exactly."""
        return int(self._store.ask(lambda client: client.count(self._collection, exact=True)).count)

    def close(self) -> None:
        """Close the connection."""
        self._store.close()


def _request(search: Search) -> Any:
    from qdrant_client import models

    query: Any
    if isinstance(search.query, Sparse):
        query, using = models.SparseVector(indices=search.query.indices, values=search.query.values), SPARSE
    else:
        query, using = search.query.tolist(), DENSE
    past = models.AcornSearchParams(enable=True, max_selectivity=CUTTING)
    return models.QueryRequest(
        query=query,
        using=using,
        filter=_filter(search.scope),
        params=models.SearchParams(hnsw_ef=SEARCH_EF, acorn=past),
        limit=search.limit,
    )


def _scroll(client: Any, *, collection: str, asked: dict[str, Any]) -> tuple[list[Any], Any]:
    page: tuple[list[Any], Any] = client.scroll(collection, **asked)
    return page


class _Builder:
    """`filters.Builder` in the client's words."""

    def among(self, field: str, values: Sequence[str]) -> Any:
        from qdrant_client import models

        if field in AT_LEAST:
            return models.FieldCondition(key=field, range=models.Range(gte=min(map(float, values))))
        return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))

    def ids(self, ids: Sequence[int]) -> Any:
        from qdrant_client import models

        return models.HasIdCondition(has_id=list(ids))

    def one(self, inner: Any) -> Any:
        from qdrant_client import models

        return models.NestedCondition(nested=models.Nested(key=DEFINITIONS, filter=inner))

    def whole(self, must: list[Any], must_not: list[Any], should: list[Any]) -> Any:
        from qdrant_client import models

        return models.Filter(must=must or None, must_not=must_not or None, should=should or None)


def _filter(scope: Scope) -> Any:
    return build_filter(scope, _Builder())
