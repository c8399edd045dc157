"""The index of what tonight's stages have made, before any of it is published."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.index.search.hybrid import Index
from pipelines.index.versions.scratch import temporary_index
from pipelines.project import Project
from pipelines.records import read_jsonl
from pipelines.records.extraction import Chunk


@contextmanager
def private_index(project: Project) -> Iterator[Index]:
    """An index of the project's chunks and vectors, gone at the end of the block.

    Raises:
        NocturneError: extraction has not run.
    """
    import numpy as np

    chunks = list(read_jsonl(project.path("extraction", "chunks.jsonl"), Chunk))
    with temporary_index(chunks, np.load(project.path("embedding", "vectors.npy"), allow_pickle=False)) as index:
        yield index
