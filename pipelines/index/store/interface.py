"""What the rest of the index asks of Qdrant, and how a chunk becomes a point. Embedded and server both answer to it."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pipelines.index.store.bm25 import Keywords, Sparse
from pipelines.index.store.manifest import IndexVersion
from pipelines.index.store.payload import OF_DEFINITIONS, Brief, Payload, make_payload
from pipelines.records import Record
from pipelines.records.extraction import Chunk

if TYPE_CHECKING:
    import numpy as np

DENSE, SPARSE = "dense", "bm25"
OF_FILE = "file"  # the kind of a chunk that sums a file up: it speaks for the file's passages, and is no hit
OF_ENDING = "of_ending"  # of a scope, no field of a point: see `Scope`
BATCH = 256  # points an upsert
PAGE = 4096  # points whose payload alone is read at a time
BRIEF = ("chunk_id", "path", "language", "symbol", "defines", "start_line")  # what ranking reads of a chunk
COPY_NAME = re.compile(r"(?![a-f]{12}$)[a-z]+")
SEARCH_EF = 256  # recall 1.0 at 100,000 points, measured


@dataclass(frozen=True)
class Point:
    """One chunk in the index, with what filters ask for (`payload`). `id` is `chunk_point_id` of the chunk: to upsert
    another of the same id replaces it."""

    id: int
    dense: list[float]
    sparse: Sparse
    chunk: Chunk


@dataclass(frozen=True)
class Scope:
    """Which points a search may return; all of them by default.

    Attributes:
        must: payload field to values; a point has one of the values in every field named here.
        must_not: payload field to values; a point has none of them. Fields of both are in `payload.INDEXED`; of a
            number (`payload.AT_LEAST`) a point has a value when it has as much or more. What both say of fields in
            `payload.OF_DEFINITIONS` is true of one definition of the point, whatever its others are.
            OF_ENDING names paths of files, and is an alternative to `payload.LANGUAGE`: a point has one of the
            languages, or is of one of these files. A question has file endings there (`.proto`) before
            `query.resolve_endings` has looked up their files.
        ids: only points with these ids.
    """

    must: Mapping[str, Sequence[str]] = field(default_factory=dict)
    must_not: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ids: Sequence[int] | None = None

    def is_of_definitions(self) -> bool:
        """Whether it asks something of a point's definitions."""
        return any(field in OF_DEFINITIONS for field in (*self.must, *self.must_not))

    @classmethod
    def files(cls, paths: Collection[str]) -> "Scope":
        """Only points of these files."""
        return cls(must={"path": sorted(paths)})


EVERYWHERE = Scope()


@dataclass(frozen=True)
class Search:
    """What is looked for: by cosine what is near a vector, by BM25 what has words; `limit` points at most."""

    query: "np.ndarray | Sparse"
    limit: int
    scope: Scope = EVERYWHERE


class Scored(NamedTuple):
    """A point that was found: cosine for a vector, BM25 for words."""

    id: int
    score: float


class Engine(Protocol):
    """An open set of points. `every` yields all of them as they were upserted, BATCH at a time.

    `nearest` gives for each search its points, best first. `chunks` gives what these ids carry, `summaries` what BRIEF
    names of it, `of` the ids and chunks of these files: each asks once. `exact` gives the ids of the nearest by looking
    at every point: what `nearest` is measured by.
    `delete` takes away every point of these files; `set_payload` takes away the points with these ids, and sets
    these fields of others: each is one call for many. `flush` returns when all of it is durable.
    `blobs` is path → git's name for the file's bytes, of every file with a point.
    """

    def upsert(self, points: Sequence[Point]) -> None: ...
    def delete(self, paths: Collection[str]) -> None: ...
    def set_payload(self, gone: Sequence[int], fields: Sequence[tuple[Record, Sequence[int]]]) -> None: ...
    def flush(self) -> None: ...
    def nearest(self, *searches: Search) -> list[list[Scored]]: ...
    def exact(self, vector: "np.ndarray", limit: int) -> list[int]: ...
    def summaries(self, ids: Sequence[int]) -> dict[int, Brief]: ...
    def chunks(self, ids: Sequence[int]) -> dict[int, Payload]: ...
    def of(self, paths: Collection[str]) -> dict[int, Payload]: ...
    def every(self) -> Iterator[list[Point]]: ...
    def blobs(self) -> dict[str, str]: ...
    def count(self) -> int: ...
    def close(self) -> None: ...


class Store(Protocol):
    """Where the versions of one project are.

    `planned` says how a version would be kept, and refuses what there is no room for.
    `create` starts a version that nobody sees, `seal` makes it durable and opens it as a reader will, `publish` closes
    and shows it, its manifest written last; `discard` removes what `create` began. `read` gives the manifest of a whole
    version; one of another schema is not whole. `faults` looks at every byte and says what is wrong. `held` names
    everything that is there, also what was begun and never shown, with its size in bytes where that can be known.
    `remove` takes any of it away.

    `copy` opens a copy of a whole version to be changed: it is no version, `held` does not name it, and a copy of the
    same name from before is replaced. One process owns it: another one that opens it breaks it. `room` refuses more
    points than the disk has room for, before any is written. `drop` takes it away.
    """

    def planned(self, manifest: IndexVersion) -> IndexVersion: ...
    def create(self, manifest: IndexVersion) -> Engine: ...
    def seal(self, version: str, engine: Engine) -> Engine: ...
    def publish(self, manifest: IndexVersion, engine: Engine) -> IndexVersion: ...
    def discard(self, version: str) -> None: ...
    def read(self, version: str) -> IndexVersion | None: ...
    def faults(self, version: str) -> list[str]: ...
    def open(self, manifest: IndexVersion) -> Engine: ...
    def held(self) -> dict[str, int]: ...
    def remove(self, version: str) -> None: ...
    def copy(self, manifest: IndexVersion, name: str) -> Engine: ...
    def room(self, count: int, dimension: int) -> None: ...
    def drop(self, name: str) -> None: ...
    def close(self) -> None: ...


def name_copy(name: str) -> str:
    """The name of a copy, when it can be mistaken neither for a version's nor for a project's."""
    if not COPY_NAME.fullmatch(name):
        raise ValueError(f"a copy is named by letters from a to z, not {name!r}")
    return name


def point_id(chunk_id: str) -> int:
    """A number of 64 bits for a chunk's id: Qdrant takes numbers and UUIDs, and a search reads hundreds of them.

    Of a million chunks two share one with a chance of 3 in 100 million; a build counts its points, and would say so.
    """
    return _number(chunk_id)


@lru_cache(maxsize=16384)
def summary_id(path: str) -> int:
    """The same for what sums a file up, whatever that says: who knows the path need not look for it."""
    return _number(f"{OF_FILE}\n{path}")


def chunk_point_id(chunk: Chunk) -> int:
    """The id of a chunk's point."""
    return summary_id(chunk["path"]) if chunk["kind"] == OF_FILE else point_id(chunk["chunk_id"])


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


def make_point(record: Any) -> Point:
    """A record that an engine has read with its vectors, as the point it was upserted as."""
    sparse = record.vector[SPARSE]
    keywords = Sparse(list(sparse.indices), list(sparse.values))
    return Point(record.id, list(record.vector[DENSE]), keywords, record.payload)


def make_points(chunks: Iterable[Chunk], vectors: "np.ndarray", keywords: Keywords) -> Iterator[list[Point]]:
    """Chunks and their vectors (row i for chunk i) as points, BATCH at a time."""
    batch: list[Point] = []
    for chunk, vector in zip(chunks, vectors, strict=True):
        sparse = keywords.document(chunk)
        batch.append(Point(chunk_point_id(chunk), vector.tolist(), sparse, make_payload(chunk)))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
