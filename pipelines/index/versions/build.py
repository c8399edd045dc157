"""Building a version aside, and checking it by searching it before anyone can see it."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from pipelines.errors import NocturneError
from pipelines.index.search.hybrid import Index
from pipelines.index.store.bm25 import Keywords, query_terms
from pipelines.index.store.interface import OF_FILE, Engine, Point, Search, Store
from pipelines.index.store.manifest import IndexVersion
from pipelines.progress import report

CANARY_HITS = 10
AGAIN = "Run `nocturne nightly --force`; if it stays, delete the project's .cache/embedding in data first."


def check_and_build(store: Store, manifest: IndexVersion, batches: Iterable[list[Point]], checks: int) -> IndexVersion:
    """Build a version of these points aside, check it by searching for some of them, and show it.

    Raises:
        NocturneError: the engine fails, or a self-check query does not find its own chunk; nothing is shown then.
    """
    chosen = _rows(manifest.count, checks)
    asked: list[Point] = []
    done = 0
    try:
        manifest = store.planned(manifest)
        engine = store.create(manifest)
        for batch in batches:
            engine.upsert(batch)
            asked += (point for row, point in enumerate(batch, start=done) if row in chosen)
            done += len(batch)
            report(done, manifest.count, "points")
        engine = store.seal(manifest.version, engine)
        wrong = find_shortcoming(engine, manifest, asked)
        if wrong:
            raise NocturneError(f"The new index stays hidden: {wrong}.", AGAIN)
        return store.publish(replace(manifest, recall=recall_of(engine, asked)), engine)
    except OSError as error:
        _discard(store, manifest.version)
        reason = " ".join(str(error).split())[:200]
        step = "What was live stays live. Free disk space, or look at the folder's permissions."
        raise NocturneError(f"The index cannot be written: {reason}", step) from error
    except BaseException:
        _discard(store, manifest.version)
        raise


def _discard(store: Store, version: str) -> None:
    """A server that is gone keeps what was begun; nobody sees it, and the next build removes it."""
    with suppress(NocturneError):
        store.discard(version)


def find_shortcoming(engine: Engine, manifest: IndexVersion, asked: Iterable[Point]) -> str:
    """What an open version lacks: its count, or one of these points when it is searched for by its own text; or ""."""
    found = engine.count()
    if found != manifest.count:
        return f"it holds {found} points for {manifest.count} chunks (chunks that share an id are one point)"
    index = Index(engine, Keywords(manifest.mean_words), manifest.dimension)
    for point in asked:
        if not _does_find(index, point):
            return f"it does not find {point.chunk['path']}:{point.chunk['start_line']} by its own text"
    return ""


def recall_of(engine: Engine, asked: Iterable[Point]) -> float:
    """Of the ten points nearest to each of these, the share that a search finds: 1 when it looks at every point."""
    import numpy as np

    wanted = found = 0
    for point in asked:
        vector = np.asarray(point.dense, dtype=np.float32)
        exact = set(engine.exact(vector, CANARY_HITS))
        wanted += len(exact)
        [near] = engine.nearest(Search(vector, CANARY_HITS))
        found += len(exact & {one.id for one in near})
    return round(found / wanted, 3) if wanted else 1.0


def self_check_queries(engine: Engine, count: int, checks: int) -> list[Point]:
    """Points of an open version, evenly drawn from its `count`."""
    chosen = _rows(count, checks)
    numbered = enumerate(point for batch in engine.every() for point in batch)
    return [point for row, point in numbered if row in chosen]


def _rows(count: int, checks: int) -> set[int]:
    return {number * count // checks for number in range(checks)}


def _does_find(index: Index, point: Point) -> bool:
    import numpy as np

    chunk, vector = point.chunk, np.asarray(point.dense, dtype=np.float32)
    if chunk["kind"] == OF_FILE:
        return True
    hits = index.search(f"{chunk['symbol']}\n{chunk['text']}", vector, CANARY_HITS)
    # A chunk of the same words, a copy or one more page of the same table, is as good an answer to its own text.
    own = query_terms(chunk["text"])
    return any(hit.chunk_id == chunk["chunk_id"] or query_terms(hit.text) == own for hit in hits)
