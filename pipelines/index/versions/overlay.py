"""A copy of a released version that one process changes while it is searched: what `nocturne watch` serves."""

import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING

from pipelines.config.schema import Index as IndexParams
from pipelines.index.search.hybrid import Hit, Index
from pipelines.index.store.bm25 import Keywords
from pipelines.index.store.factory import missing_version, open_store
from pipelines.index.store.interface import Engine, Scope, Store, chunk_point_id, make_points
from pipelines.index.store.manifest import IndexVersion
from pipelines.index.store.payload import Payload, make_payload
from pipelines.index.store.quantization import refuse_beyond
from pipelines.project import Project
from pipelines.records import Record, canonical_json
from pipelines.records.extraction import Chunk

if TYPE_CHECKING:
    import numpy as np

COPY = "watch"


class OverlayIndex(AbstractContextManager["OverlayIndex"]):
    """An index whose files are replaced under it; a context manager. No search sees a file half replaced.

    It belongs to one process and is gone with it: nothing of it is a version, and the version that it began as is not
    touched. BM25 goes on with the mean length of that version, which a few files hardly move.

    Attributes:
        version: the one that it began as.
    """

    def __init__(self, store: Store, manifest: IndexVersion, memory_mb: int | None) -> None:
        """A copy of a whole version; `memory_mb` bounds it, None where the server's own memory does."""
        self.version = manifest.version
        self._manifest, self._memory_mb = manifest, memory_mb
        self._store = store
        self._engine: Engine = store.copy(manifest, COPY)
        self._keywords = Keywords(manifest.mean_words)
        self._index = Index(self._engine, self._keywords, manifest.dimension)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, project: Project, index: IndexParams, version: str) -> "OverlayIndex":
        """A copy of a published version.

        Raises:
            NocturneError: there is no whole version of this name, or it cannot be copied.
        """
        store = open_store(project, index)
        manifest = store.read(version)
        if manifest is None:
            with closing(store):
                raise missing_version(project, version)
        return cls(store, manifest, None if index.url else index.memory_mb)

    def blobs(self) -> dict[str, str]:
        """Path → git's name for the bytes that its passages are of, of every file with a passage."""
        with self._lock:
            return self._engine.blobs()

    def remove(self, paths: Collection[str]) -> None:
        """Take away every passage of these files.

        Raises:
            NocturneError: the disk is full, or the engine fails.
        """
        self._store.room(0, self._manifest.dimension)
        with self._lock:
            self._engine.delete(paths)

    def replace(self, paths: Collection[str], chunks: Sequence[Chunk], vectors: "np.ndarray") -> None:
        """Let these files have these passages and no others. Only what is new or differs is written.

        Args:
            paths: of files, also of such as have no passage any more.
            chunks: records as in extraction/chunks.jsonl.
            vectors: row i for chunk i; float32, (len(chunks), dimension).

        Raises:
            NocturneError: with them it would need more than 95% of `index.memory_mb`, or more disk than there is.
        """
        held = self._engine.of(paths)
        new, amended = _difference(held, chunks)
        if self._memory_mb is not None:
            refuse_beyond(self._manifest.layout, self.count() + len(new), self._manifest.dimension, self._memory_mb)
        self._store.room(len(new), self._manifest.dimension)
        made = list(make_points([chunks[row] for row in new], vectors[new], self._keywords))
        gone = sorted(held.keys() - {chunk_point_id(chunk) for chunk in chunks})
        with self._lock:
            self._engine.set_payload(gone, amended)
            for batch in made:
                self._engine.upsert(batch)

    def search(self, text: str, vector: "np.ndarray", limit: int, scope: Scope) -> list[Hit]:
        """As `Index.search`."""
        with self._lock:
            return self._index.search(text, vector, limit, scope)

    def count(self) -> int:
        """How many passages there are."""
        with self._lock:
            return self._engine.count()

    def __exit__(self, *_: object) -> None:
        with closing(self._store):
            self._engine.close()
            self._store.drop(COPY)


def _difference(
    held: Mapping[int, Payload], chunks: Sequence[Chunk]
) -> tuple[list[int], list[tuple[Record, list[int]]]]:
    """The rows of the chunks that are not held; and fields with the ids of the held ones that have others.

    Of a passage, same id is same text in the same place, so that its vectors are too; its file's name for its bytes is
    not, and its line need not be. What sums a file up keeps its id with other text.
    """
    new: list[int] = []
    amended: dict[str, tuple[Record, list[int]]] = {}
    for row, chunk in enumerate(chunks):
        id = chunk_point_id(chunk)
        if id not in held or held[id]["content_hash"] != chunk["content_hash"]:
            new.append(row)
            continue
        other = {name: value for name, value in make_payload(chunk).items() if held[id].get(name) != value}
        if other:
            amended.setdefault(canonical_json(other), (other, []))[1].append(id)
    return new, list(amended.values())
