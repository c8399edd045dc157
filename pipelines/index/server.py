"""The server engine: one collection a version on a Qdrant server or cluster, chosen by `index.url`."""

import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pipelines.errors import NocturneError
from pipelines.index.engine import (
    BATCH,
    DENSE,
    PAGE,
    SEARCH_EF,
    SPARSE,
    Engine,
    Point,
    Scope,
    Scored,
    as_point,
    copy_name,
)
from pipelines.index.fields import INDEXED
from pipelines.index.keywords import Sparse
from pipelines.index.layouts import CUTTING
from pipelines.index.version import NAME_LETTERS, IndexVersion

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

API_KEY = "QDRANT_API_KEY"
TIMEOUT_S = 20  # an answer; 256 points are written in well under one
WAITS_S = (0.2, 0.8)  # before the second and the third attempt
MANIFEST = "nocturne"
BUSY = {429, 500, 502, 503, 504}


def connect(url: str) -> Any:
    """A client for the server at `url`, with the key from QDRANT_API_KEY when there is one."""
    from qdrant_client import QdrantClient

    key = os.environ.get(API_KEY) or None
    return QdrantClient(url=url, api_key=key, timeout=TIMEOUT_S, check_compatibility=False)


class ServerEngine:
    """One open collection."""

    def __init__(self, store: "ServerStore", collection: str) -> None:
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

        match = models.FieldCondition(key="path", match=models.MatchAny(any=sorted(paths)))
        gone = models.FilterSelector(filter=models.Filter(must=[match]))
        self._store.ask(lambda client: client.delete(self._collection, gone, wait=True))

    def flush(self) -> None:
        """Nothing to do: every call waited until it was durable."""

    def nearest(self, query: "np.ndarray | Sparse", limit: int, scope: Scope) -> list[Scored]:
        """The nearest points by cosine (array) or BM25 (Sparse), best first."""
        from qdrant_client import models

        sparse = isinstance(query, Sparse)
        past = models.AcornSearchParams(enable=True, max_selectivity=CUTTING)
        asked: Any = query.tolist() if not isinstance(query, Sparse) else None
        if isinstance(query, Sparse):
            asked = models.SparseVector(indices=query.indices, values=query.values)
        answer = self._store.ask(
            lambda client: client.query_points(
                self._collection,
                query=asked,
                using=SPARSE if sparse else DENSE,
                query_filter=_filter(scope),
                search_params=models.SearchParams(hnsw_ef=SEARCH_EF, acorn=past),
                limit=limit,
                with_payload=True,
            )
        )
        return [Scored(str(one.id), one.score, one.payload) for one in answer.points]

    def exact(self, vector: "np.ndarray", limit: int) -> list[str]:
        """The ids of the nearest points by cosine, by looking at every one."""
        from qdrant_client import models

        params = models.SearchParams(exact=True)
        query = vector.tolist()
        answer = self._store.ask(
            lambda client: client.query_points(
                self._collection, query=query, using=DENSE, search_params=params, limit=limit, with_payload=False
            )
        )
        return [str(one.id) for one in answer.points]

    def every(self) -> Iterator[list[Point]]:
        """All points, BATCH at a time, by their ids."""
        offset: Any = None
        while True:
            found, offset = self._store.ask(partial(self._page, offset))
            yield [as_point(one) for one in found]
            if offset is None:
                return

    def _page(self, offset: Any, client: Any) -> tuple[list[Any], Any]:
        page: tuple[list[Any], Any] = client.scroll(
            self._collection, limit=BATCH, offset=offset, with_payload=True, with_vectors=True
        )
        return page

    def blobs(self) -> dict[str, str]:
        """Path → blob of every file with a point."""
        found: dict[str, str] = {}
        offset: Any = None
        while True:
            page, offset = self._store.ask(partial(self._named, offset))
            found.update((one.payload["path"], one.payload["blob"]) for one in page)
            if offset is None:
                return found

    def _named(self, offset: Any, client: Any) -> tuple[list[Any], Any]:
        page: tuple[list[Any], Any] = client.scroll(
            self._collection, limit=PAGE, offset=offset, with_payload=["path", "blob"], with_vectors=False
        )
        return page

    def count(self) -> int:
        """Points in the collection, exactly."""
        return int(self._store.ask(lambda client: client.count(self._collection, exact=True)).count)

    def close(self) -> None:
        """Close the connection."""
        self._store.close()


class ServerStore:
    """The versions of one project: collections `nocturne-<project>-<version>`, whole once they carry a manifest."""

    def __init__(self, client: Any, url: str, project: str) -> None:
        self._client = client
        self._url = url
        self._project = project

    def planned(self, manifest: IndexVersion) -> IndexVersion:
        """As it is: the server has its own memory, and its own settings for it."""
        return replace(manifest, layout="")

    def create(self, manifest: IndexVersion) -> ServerEngine:
        """Start over with an empty collection, without a manifest."""
        from qdrant_client import models

        name = self._name(manifest.version)
        self.discard(manifest.version)
        dense = models.VectorParams(size=manifest.dimension, distance=models.Distance.COSINE)
        sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
        self.ask(lambda client: client.create_collection(name, {DENSE: dense}, {SPARSE: sparse}), waits=())
        keyword = models.PayloadSchemaType.KEYWORD
        for key in INDEXED:
            self.ask(partial(_index, collection=name, key=key, schema=keyword))
        return ServerEngine(self, name)

    def seal(self, version: str, engine: Engine) -> Engine:
        """Nothing to do: every upsert waited until it was durable."""
        return engine

    def publish(self, manifest: IndexVersion, engine: Engine) -> IndexVersion:
        """Write the manifest into the collection's metadata."""
        name = self._name(manifest.version)
        metadata = {MANIFEST: manifest.sealed()}
        self.ask(lambda client: client.update_collection(name, metadata=metadata))
        return manifest

    def discard(self, version: str) -> None:
        """Remove the collection."""
        name = self._name(version)
        if self.ask(lambda client: client.collection_exists(name)):
            self.ask(lambda client: client.delete_collection(name))

    def read(self, version: str) -> IndexVersion | None:
        """The manifest, or None when there is no whole version of this name."""
        name = self._name(version)
        if not self.ask(lambda client: client.collection_exists(name)):
            return None
        metadata = self.ask(lambda client: client.get_collection(name)).config.metadata or {}
        return IndexVersion.unsealed(metadata.get(MANIFEST), version)

    def faults(self, version: str) -> list[str]:
        """What is wrong with a version, as far as it shows from outside; the server guards its own files."""
        name = self._name(version)
        if not self.ask(lambda client: client.collection_exists(name)):
            return [f"there is no collection {name}"]
        manifest = self.read(version)
        if manifest is None:
            return [f"collection {name} has no manifest of its own: its build did not end, or it was edited"]
        found = self.open(manifest).count()
        return [] if found == manifest.count else [f"collection {name} has {found} points, not {manifest.count}"]

    def open(self, manifest: IndexVersion) -> ServerEngine:
        """Open a whole version."""
        return ServerEngine(self, self._name(manifest.version))

    def held(self) -> dict[str, int]:
        """Every collection of the project; a server does not tell their size, so it is 0."""
        mine = re.compile(re.escape(self._name("")) + rf"([0-9a-f]{{{NAME_LETTERS}}})")
        names = [one.name for one in self.ask(lambda client: client.get_collections()).collections]
        return {found[1]: 0 for name in sorted(names) if (found := mine.fullmatch(name))}

    def remove(self, version: str) -> None:
        """Delete the collection."""
        self.discard(version)

    def copy(self, manifest: IndexVersion, name: str) -> ServerEngine:
        """A collection `nocturne-<project>-<name>`, filled with the version's points."""
        made = self.create(replace(manifest, version=copy_name(name)))
        for batch in self.open(manifest).every():
            made.upsert(batch)
        return made

    def room(self, count: int, dimension: int) -> None:
        """Nothing to see: the disk is the server's, which refuses what it cannot write."""

    def drop(self, name: str) -> None:
        """Remove a copy."""
        self.discard(copy_name(name))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def ask(self, call: Callable[[Any], T], waits: Sequence[float] | None = None) -> T:
        """Make one call of the client, again when the server is lost, slow or overloaded; at most three times.

        Args:
            call: one that may come twice: all do but the creation of a collection.
            waits: seconds before each further attempt; WAITS_S without them.

        Raises:
            NocturneError: the server is not reached, or refuses.
        """
        from qdrant_client.http.exceptions import ApiException

        for wait in (*(WAITS_S if waits is None else waits), None):
            try:
                return call(self._client)
            except (ApiException, OSError, ValueError) as error:
                if wait is None or not _passing(error):
                    raise self._failed(error) from error
                time.sleep(wait)
        raise AssertionError("the last attempt answers or raises")

    def _failed(self, error: Exception) -> NocturneError:
        reason = " ".join(str(error).split())[:160]
        return NocturneError(
            f"The Qdrant server at {self._url} failed: {reason}",
            f"Start it, check index.url and {API_KEY}, or empty index.url to use the embedded index.",
        )

    def _name(self, version: str) -> str:
        return f"nocturne-{self._project}-{version}"


def _passing(error: Exception) -> bool:
    """Whether the next attempt may go well: no answer came, or the server says that it cannot just now."""
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    if isinstance(error, UnexpectedResponse):
        return error.status_code in BUSY
    return isinstance(error, ResponseHandlingException | OSError)


def _filter(scope: Scope) -> Any:
    from qdrant_client import models

    def among(field: str, values: Sequence[str]) -> Any:
        return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))

    must: list[Any] = [among(*item) for item in scope.only.items()]
    if scope.ids is not None:
        must.append(models.HasIdCondition(has_id=list(scope.ids)))
    never = [among(*item) for item in scope.never.items()]
    return models.Filter(must=must, must_not=never) if must or never else None


def _index(client: Any, *, collection: str, key: str, schema: Any) -> None:
    client.create_payload_index(collection, key, schema)
