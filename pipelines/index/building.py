"""Building a version aside, and checking it by searching it before anyone can see it."""

from collections.abc import Iterable

from pipelines.errors import NocturneError
from pipelines.index.engine import Point, Store
from pipelines.index.hybrid import Index
from pipelines.index.keywords import Keywords, terms
from pipelines.index.version import IndexVersion
from pipelines.progress import report

CANARY_HITS = 10


def show(store: Store, manifest: IndexVersion, batches: Iterable[list[Point]], canaries: int) -> IndexVersion:
    """Build a version of these points aside, check it by searching for some of them, and show it.

    Raises:
        NocturneError: the engine fails, or a canary search does not find its own chunk; nothing is shown then.
    """
    chosen = {count * manifest.count // canaries for count in range(canaries)}
    asked: list[Point] = []
    done = 0
    try:
        engine = store.create(manifest.version, manifest.dimension)
        for batch in batches:
            engine.upsert(batch)
            asked += (point for row, point in enumerate(batch, start=done) if row in chosen)
            done += len(batch)
            report(done, manifest.count, "points")
        engine = store.seal(manifest.version, engine)
        _check(Index(engine, Keywords(manifest.mean_words), manifest.dimension), manifest, asked)
        return store.publish(manifest, engine)
    except BaseException:
        store.discard(manifest.version)
        raise


def _check(index: Index, manifest: IndexVersion, asked: Iterable[Point]) -> None:
    found = index.count()
    if found != manifest.count:
        raise NocturneError(
            f"The new index holds {found} points for {manifest.count} chunks: some chunks share an id.",
            "Run `nocturne nightly --force`; it extracts them again.",
        )
    for point in asked:
        if not _finds(index, point):
            where = f"{point.chunk['path']}:{point.chunk['start_line']}"
            raise NocturneError(
                f"The new index does not find {where} by its own text and stays hidden.",
                "Run `nocturne nightly --force`; if it stays, delete the project's .cache/embedding in data first.",
            )


def _finds(index: Index, point: Point) -> bool:
    import numpy as np

    chunk, vector = point.chunk, np.asarray(point.dense, dtype=np.float32)
    hits = index.search(f"{chunk['symbol']}\n{chunk['text']}", vector, CANARY_HITS)
    # A chunk of the same words, a copy or one more page of the same table, is as good an answer to its own text.
    own = terms(chunk["text"])
    return any(hit.chunk_id == chunk["chunk_id"] or terms(hit.text) == own for hit in hits)
