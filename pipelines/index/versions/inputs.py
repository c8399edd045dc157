"""What a version is made of: the files that the stages extraction and embedding write, wherever they are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import NocturneError
from pipelines.index.store.manifest import NAME_LETTERS
from pipelines.project import Project
from pipelines.records import file_sha256, fingerprint, read_json, read_jsonl
from pipelines.records.embedding import Embedding
from pipelines.records.extraction import Chunk

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Inputs:
    """Chunks and their vectors, which make one version, always the same.

    Attributes:
        chunks: as extraction/chunks.jsonl.
        vectors: as embedding/vectors.npy, row i for line i of `chunks`.
        told: as embedding/embedding.json.
        again: what to do when one is missing or they do not fit together.
    """

    chunks: Path
    vectors: Path
    told: Path
    again: str

    @classmethod
    def of(cls, project: Project) -> "Inputs":
        """What the stages have made last."""
        folder = project.path("embedding")
        again = f"Delete {folder} and run `nocturne nightly {project.name}` again."
        chunks = project.path("extraction", "chunks.jsonl")
        return cls(chunks, folder / "vectors.npy", folder / "embedding.json", again)

    @cached_property
    def facts(self) -> Embedding:
        """What embedding says of the vectors: encoder, dimension, count and hash."""
        facts: Embedding = read_json(self.told)
        return facts

    def version(self) -> str:
        """The version that they make: 12 hex digits over their content and encoder.

        Raises:
            NocturneError: a file is missing.
        """
        if not self.chunks.is_file():
            raise NocturneError(f"{self.chunks} does not exist.", self.again)
        facts = self.facts
        parts = file_sha256(self.chunks), facts["vectors_sha256"], facts["model"], facts["dimension"]
        return fingerprint(*parts)[:NAME_LETTERS]

    def rows(self) -> Iterator[Chunk]:
        """The chunks, one after the other."""
        return read_jsonl(self.chunks, Chunk)

    def matrix(self) -> "np.ndarray":
        """The vectors as a map of their file: float32, (chunks, dimension).

        Raises:
            NocturneError: they are not those that embedding wrote, or not one for each chunk.
        """
        import numpy as np

        if not self.vectors.is_file() or file_sha256(self.vectors) != self.facts["vectors_sha256"]:
            raise NocturneError(f"{self.vectors} is not what embedding.json says it is.", self.again)
        vectors: np.ndarray = np.load(self.vectors, mmap_mode="r", allow_pickle=False)
        rows = sum(1 for _ in self.rows())
        if vectors.shape != (rows, self.facts["dimension"]) or not np.isfinite(vectors).all():
            raise NocturneError(f"{self.vectors} has shape {vectors.shape}; there are {rows} chunks.", self.again)
        return vectors
