"""The vectors of chunks, from the cache where it has them, computed where not. The result is the same either way."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from pipelines.encoder.encoder import embedding_text
from pipelines.progress import report
from pipelines.records.extraction import Chunk

if TYPE_CHECKING:
    import numpy as np


class SupportsEncode(Protocol):
    """What is asked of an encoder here."""

    @property
    def dimension(self) -> int: ...
    def encode(self, texts: Sequence[str], batch_size: int) -> "np.ndarray": ...


class SupportsCache(Protocol):
    """What is asked of a cache of vectors here."""

    def get(self, contents: Iterable[str]) -> "dict[str, np.ndarray]": ...
    def put(self, contents: Iterable[str], vectors: "np.ndarray") -> None: ...


def compute_vectors(
    chunks: Sequence[Chunk], encoder: SupportsEncode, cache: SupportsCache, batch_size: int
) -> "tuple[np.ndarray, int]":
    """One unit vector a chunk, in their order, and how many had to be computed.

    Contents that occur twice are computed once. Each batch is put in the cache before the next begins.

    Args:
        chunks: records of extraction/chunks.jsonl.
        encoder: gives the same bytes for the same text, whatever is encoded beside it.
        cache: of this encoder.
        batch_size: chunks computed between two commits of the cache.
    """
    import numpy as np

    contents = {chunk["content_hash"]: chunk for chunk in chunks}
    known = cache.get(contents)
    missing = [content for content in contents if content not in known]
    report(len(known), len(contents), "chunks")
    for start in range(0, len(missing), batch_size):
        batch = missing[start : start + batch_size]
        made = encoder.encode([embedding_text(contents[content]) for content in batch], batch_size)
        cache.put(batch, made)
        known.update(zip(batch, made, strict=True))
        report(len(known), len(contents), "chunks")
    vectors = np.zeros((len(chunks), encoder.dimension), dtype="<f4")
    for row, chunk in enumerate(chunks):
        vectors[row] = known[chunk["content_hash"]]
    return vectors, len(missing)
