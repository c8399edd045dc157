"""The server engine: one collection a version on a Qdrant server or cluster, chosen by `index.url`."""

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from pipelines.errors import NocturneError
from pipelines.index.store.interface import DENSE, SPARSE, Engine, name_copy
from pipelines.index.store.manifest import NAME_LETTERS, IndexVersion
from pipelines.index.store.payload import AT_LEAST, INDEXED
from pipelines.index.store.server_engine import ServerEngine

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
        self._delete(name)
        dense = models.VectorParams(size=manifest.dimension, distance=models.Distance.COSINE)
        sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
        self.ask(lambda client: client.create_collection(name, {DENSE: dense}, {SPARSE: sparse}), waits=())
        kinds = models.PayloadSchemaType
        for key in INDEXED:
            kind = kinds.INTEGER if key in AT_LEAST else kinds.KEYWORD
            self.ask(partial(_index, collection=name, key=key, schema=kind))
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
        self._delete(self._name(version))

    def read(self, version: str) -> IndexVersion | None:
        """The manifest, or None when there is no whole version of this name."""
        name = self._name(version)
        if not self.ask(lambda client: client.collection_exists(name)):
            return None
        metadata = self.ask(lambda client: client.get_collection(name)).config.metadata or {}
        return IndexVersion.unsealed(metadata.get(MANIFEST), version)

    def faults(self, version: str) -> list[str]:
        """What is wrong with a version, as far as it shows from outside; the server guards its own files."""
        manifest = self.read(version)
        name = self._name(version)
        if manifest is None and not self.ask(lambda client: client.collection_exists(name)):
            return [f"there is no collection {name}"]
        if manifest is None:
            return [f"collection {name} has no valid manifest: unfinished, edited, or of another version of Nocturne"]
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
        """Delete its collection."""
        self._delete(self._name(version))

    def copy(self, manifest: IndexVersion, name: str) -> ServerEngine:
        """A collection `nocturne-<project>-<name>`, filled with the version's points."""
        made = self.create(replace(manifest, version=name_copy(name)))
        for batch in self.open(manifest).every():
            made.upsert(batch)
        return made

    def room(self, count: int, dimension: int) -> None:
        """Nothing to see: the disk is the server's, which refuses what it cannot write."""

    def drop(self, name: str) -> None:
        """Remove a copy."""
        self.discard(name_copy(name))

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
                if wait is None or not _is_passing(error):
                    raise self._failed(error) from error
                time.sleep(wait)
        raise AssertionError("the last attempt answers or raises")

    def _failed(self, error: Exception) -> NocturneError:
        reason = " ".join(str(error).split())[:160]
        return NocturneError(
            f"The Qdrant server at {self._url} failed: {reason}",
            f"Start it, check index.url and {API_KEY}, or empty index.url to use the embedded index.",
        )

    def _delete(self, name: str) -> None:
        if self.ask(lambda client: client.collection_exists(name)):
            self.ask(lambda client: client.delete_collection(name))

    def _name(self, version: str) -> str:
        return f"nocturne-{self._project}-{version}"


def _is_passing(error: Exception) -> bool:
    """Whether the next attempt may go well: no answer came, or the server says that it cannot just now."""
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    if isinstance(error, UnexpectedResponse):
        return error.status_code in BUSY
    return isinstance(error, ResponseHandlingException | OSError)


def _index(client: Any, *, collection: str, key: str, schema: Any) -> None:
    client.create_payload_index(collection, key, schema)
