"""An index for the length of a measurement: always embedded, never published."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.index.search.hybrid import Index
from pipelines.index.store.bm25 import Keywords, mean_word_count
from pipelines.index.store.embedded_engine import EdgeEngine
from pipelines.index.store.interface import make_points
from pipelines.records.extraction import Chunk

if TYPE_CHECKING:
    import numpy as np


@contextmanager
def temporary_index(chunks: Sequence[Chunk], vectors: "np.ndarray") -> Iterator[Index]:
    """An index of these chunks, gone at the end of the block.

    Args:
        chunks: records of extraction/chunks.jsonl.
        vectors: row i for chunk i; float32, (len(chunks), dimension).
    """
    keywords = Keywords(mean_word_count(chunks))
    with tempfile.TemporaryDirectory(prefix="nocturne-index-") as folder:
        engine = EdgeEngine.create(Path(folder) / "shard", vectors.shape[1])
        for batch in make_points(chunks, vectors, keywords):
            engine.upsert(batch)
        try:
            yield Index(engine, keywords, vectors.shape[1])
        finally:
            engine.close()
