"""The embedded engine: Qdrant Edge shards in `data/live/<project>/<version>`.

What Edge 0.9.0 does, found by running and tracing it. Without a write-ahead log several processes may have a shard
open: a load rewrites two small files by renaming, with the same content, and touches nothing else; so a version needs a
writable folder, and files that are not in its manifest may come and go in it. The very first load of a new shard does
change bytes (it completes the configuration, removes journals), so a version is loaded before its files are hashed.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import NocturneError
from pipelines.index.engine import BATCH, DENSE, SEARCH_EF, SPARSE, Engine, Point, Scope, Scored, as_point
from pipelines.index.fields import INDEXED
from pipelines.index.keywords import Sparse
from pipelines.index.version import IndexVersion
from pipelines.records import file_sha256, read_json, write_json

if TYPE_CHECKING:
    import numpy as np

MANIFEST, SHARD = "manifest.json", "shard"


class EdgeEngine:
    """One open shard."""

    def __init__(self, shard: Any) -> None:
        self._shard = shard

    @classmethod
    def create(cls, folder: Path, dimension: int) -> "EdgeEngine":
        """A new, empty shard in a folder that holds none."""
        import qdrant_edge as edge

        folder.mkdir(parents=True)
        config = edge.EdgeConfig(
            vectors={DENSE: edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine)},
            sparse_vectors={SPARSE: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
            wal_enabled=False,
        )
        shard = edge.EdgeShard.create(str(folder), config)
        keyword = edge.PayloadSchemaType.Keyword
        for name in INDEXED:
            shard.update(edge.UpdateOperation.create_field_index(name, keyword))
        return cls(shard)

    @classmethod
    def load(cls, folder: Path) -> "EdgeEngine":
        """Open an existing shard. Whatever Edge raises is for the caller to explain."""
        from qdrant_edge import EdgeShard

        return cls(EdgeShard.load(str(folder)))

    def upsert(self, points: Sequence[Point]) -> None:
        """Add points, or replace those with the same id."""
        import qdrant_edge as edge

        made = []
        for point in points:
            sparse = edge.SparseVector(point.sparse.indices, point.sparse.values)
            made.append(edge.Point(point.id, {DENSE: point.dense, SPARSE: sparse}, point.chunk))
        self._shard.update(edge.UpdateOperation.upsert_points(made))

    def nearest(self, query: "np.ndarray | Sparse", limit: int, scope: Scope) -> list[Scored]:
        """The nearest points by cosine (array) or BM25 (Sparse), best first."""
        import qdrant_edge as edge

        if isinstance(query, Sparse):
            asked = edge.Query.Nearest(edge.SparseVector(query.indices, query.values), using=SPARSE)
        else:
            asked = edge.Query.Nearest(query.tolist(), using=DENSE)
        params = edge.SearchParams(hnsw_ef=SEARCH_EF)
        request = edge.QueryRequest(limit=limit, query=asked, filter=_filter(scope), params=params, with_payload=True)
        return [Scored(str(one.id), one.score, one.payload) for one in self._shard.query(request)]

    def every(self) -> Iterator[list[Point]]:
        """All points, BATCH at a time, by their ids."""
        import qdrant_edge as edge

        offset = None
        while True:
            request = edge.ScrollRequest(offset=offset, limit=BATCH, with_payload=True, with_vector=True)
            found, offset = self._shard.scroll(request)
            yield [as_point(one) for one in found]
            if offset is None:
                return

    def count(self) -> int:
        """Points in the shard, exactly."""
        from qdrant_edge import CountRequest

        return int(self._shard.count(CountRequest(exact=True)))

    def finish(self) -> None:
        """Build the graphs that are worth it, write everything to disk and close."""
        self._shard.optimize()
        self._shard.flush()
        self._shard.close()

    def close(self) -> None:
        """Close the shard."""
        self._shard.close()


class EdgeStore:
    """The versions of one project, one folder each."""

    def __init__(self, live: Path, project: str) -> None:
        self._live = live
        self._project = project

    def create(self, version: str, dimension: int) -> EdgeEngine:
        """Start over in `.<version>.tmp`."""
        self.discard(version)
        return EdgeEngine.create(self._aside(version) / SHARD, dimension)

    def seal(self, version: str, engine: Engine) -> EdgeEngine:
        """Write to disk, then open from disk, as every reader will."""
        assert isinstance(engine, EdgeEngine)
        engine.finish()
        return EdgeEngine.load(self._aside(version) / SHARD)

    def publish(self, manifest: IndexVersion, engine: Engine) -> IndexVersion:
        """Sync, list and hash the files, write the manifest, and rename into place."""
        engine.close()
        aside, final = self._aside(manifest.version), self._live / manifest.version
        for path in [*_files(aside), *(p for p in aside.rglob("*") if p.is_dir()), aside]:
            _sync(path)
        whole = manifest.with_files({_name(f, aside): [f.stat().st_size, file_sha256(f)] for f in _files(aside)})
        write_json(aside / MANIFEST, whole.sealed())
        _sync(aside)
        _swap(aside, final)
        return whole

    def discard(self, version: str) -> None:
        """Remove what was begun."""
        shutil.rmtree(self._aside(version), ignore_errors=True)

    def read(self, version: str) -> IndexVersion | None:
        """The manifest, or None when there is no whole version of this name: every file is there in its size."""
        folder = self._live / version
        try:
            manifest = IndexVersion.unsealed(read_json(folder / MANIFEST), version)
        except (NocturneError, OSError):
            return None
        if manifest is None:
            return None
        sized = all(_size(folder / name) == size for name, (size, _) in manifest.files.items())
        return manifest if sized else None

    def intact(self, manifest: IndexVersion) -> bool:
        """Whether every file still has its hash."""
        folder = self._live / manifest.version
        return all(file_sha256(folder / name) == sha for name, (_, sha) in manifest.files.items())

    def open(self, manifest: IndexVersion) -> EdgeEngine:
        """Open a whole version.

        Raises:
            NocturneError: Edge cannot read it.
        """
        try:
            return EdgeEngine.load(self._live / manifest.version / SHARD)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # Edge raises bare Exceptions, and panics are BaseExceptions
            raise NocturneError(
                f"Index version {manifest.version} of {self._project} cannot be opened: {error}",
                f"Run `nocturne nightly {self._project} --force`; it builds the version again.",
            ) from error

    def held(self) -> dict[str, int]:
        """Every folder, whole, torn or begun, with its size in bytes."""
        folders = [path for path in sorted(self._live.glob("*")) if path.is_dir()]
        return {folder.name: sum(file.stat().st_size for file in _files(folder)) for folder in folders}

    def remove(self, version: str) -> None:
        """Take a version away: at once for readers, then from disk."""
        final = self._live / version
        if final.exists():
            torn = _torn(final)
            final.replace(torn)
            shutil.rmtree(torn)

    def close(self) -> None:
        """Nothing is held between calls."""

    def _aside(self, version: str) -> Path:
        return self._live / f".{version}.tmp"


def _torn(final: Path) -> Path:
    torn = final.with_name(f".{final.name}.torn")
    shutil.rmtree(torn, ignore_errors=True)
    return torn


def _swap(aside: Path, final: Path) -> None:
    torn = _torn(final)
    if final.exists():
        final.replace(torn)
    aside.replace(final)
    _sync(final.parent)
    shutil.rmtree(torn, ignore_errors=True)


def _filter(scope: Scope) -> Any:
    import qdrant_edge as edge

    def among(field: str, values: Sequence[str]) -> Any:
        return edge.FieldCondition(key=field, match=edge.MatchAny(list(values)))

    must: list[Any] = [among(*item) for item in scope.only.items()]
    if scope.ids is not None:
        must.append(edge.HasIdCondition(set(scope.ids)))
    never = [among(*item) for item in scope.never.items()]
    return edge.Filter(must=must, must_not=never) if must or never else None


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else -1


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
