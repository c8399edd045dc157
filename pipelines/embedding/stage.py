"""The stage: extraction/chunks.jsonl to embedding/vectors.npy and embedding/embedding.json."""

import io
from typing import TYPE_CHECKING

from pipelines.config.schema import Params
from pipelines.dag.stage import Facts, Stage
from pipelines.embedding.variant_selection import choose_variant
from pipelines.embedding.vectors import compute_vectors
from pipelines.encoder.encoder import load_encoder
from pipelines.encoder.vector_cache import VectorCache
from pipelines.project import Project
from pipelines.records import file_sha256, read_jsonl, write_atomic, write_json
from pipelines.records.embedding import Embedding
from pipelines.records.extraction import Chunk

if TYPE_CHECKING:
    import numpy as np


def run(project: Project, params: Params) -> Facts:
    """Embed every chunk.

    Writes `vectors.npy`, float32 (chunks, dimension), row i for line i of chunks.jsonl, and `embedding.json` with the
    model as `NAME@VARIANT#VERSION`, dimension, count and the SHA-256 of vectors.npy; with
    `auto` its `choice`. Facts: chunks; embedded: computed
    now; reused: taken from the cache, or from another chunk of the same content.

    Raises:
        NocturneError: extraction has not run, or the encoder is not to be had.
    """
    chunks = list(read_jsonl(project.path("extraction", "chunks.jsonl"), Chunk))
    config = params.embedding
    choice = choose_variant(project, config) if config.variant == "auto" else None
    written = choice["encoder"] if choice else f"{config.model}@{config.variant}"
    encoder = load_encoder(written, trust_remote_code=config.trust_remote_code)
    with VectorCache(project.cache / "embedding" / "vectors.sqlite", encoder.identity, encoder.dimension) as cache:
        vectors, embedded = compute_vectors(chunks, encoder, cache, config.batch_size)
        cache.keep_only(chunk["content_hash"] for chunk in chunks)
    file = project.path("embedding", "vectors.npy")
    write_atomic(file, _npy(vectors))
    facts: Embedding = {
        "model": encoder.name,
        "dimension": encoder.dimension,
        "count": len(chunks),
        "vectors_sha256": file_sha256(file),
    }
    if choice:
        facts["choice"] = choice
    write_json(project.path("embedding", "embedding.json"), facts)
    return {"chunks": len(chunks), "embedded": embedded, "reused": len(chunks) - embedded}


def _npy(vectors: "np.ndarray") -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, vectors, allow_pickle=False)
    return buffer.getvalue()


STAGE = Stage(
    "embedding",
    run,
    inputs=("extraction/chunks.jsonl", "extraction/symbols.jsonl"),
    params=("embedding",),
    code_deps=(
        "index",
        "encoder/minilm.py",
        "encoder/encoder.py",
        "encoder/sentence_transformers_backend.py",
        "encoder/openvino_backend.py",
        "encoder/known_item_queries.py",
        "encoder/static_backend.py",
        "encoder/variants.py",
        "encoder/vector_cache.py",
        "syntax/test_paths.py",
        "syntax/text/kinds.py",
    ),
    keep_outputs=True,
)
