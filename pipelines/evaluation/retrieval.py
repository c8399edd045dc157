"""How well the index finds code by what its documentation says, when that documentation is not in the index."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines import progress
from pipelines.config.schema import Evaluation, Params
from pipelines.encoder.known_item_queries import (
    DEPTH,
    METRICS,
    Asked,
    chunk_holding,
    make_questions,
    remove_documentation,
    score,
)
from pipelines.evaluation.bootstrap import Bootstrap
from pipelines.project import Project
from pipelines.records import read_json, read_jsonl
from pipelines.records.evaluation import Figure, RetrievalFigures, RetrievalGroup, RetrievalScore
from pipelines.records.extraction import Chunk, Symbol

if TYPE_CHECKING:
    import numpy as np


def measure_retrieval(project: Project, params: Params) -> list[RetrievalScore]:
    """One record a question: the symbol, its place, how many passages hold it, at which ranks they came, the metrics.

    The passages of the symbols that are asked for are indexed without their documentation; every other passage as it
    is. So what is found is found by the code, its names and its neighbours.

    Raises:
        NocturneError: extraction or embedding has not run, or the encoder is not to be had.
    """
    from pipelines.encoder.encoder import load_encoder
    from pipelines.index import temporary_index

    config = params.evaluation
    symbols = list(read_jsonl(project.path("extraction", "symbols.jsonl"), Symbol))
    asked = make_questions(symbols, config.retrieval_questions, config.seed)
    if not asked:
        return []
    progress.report(0, 1, "measurements", "searching code by its documentation")
    chunks = list(read_jsonl(project.path("extraction", "chunks.jsonl"), Chunk))
    shown = remove_documentation(chunks, asked)
    written = read_json(project.path("embedding", "embedding.json"))["model"]
    encoder = load_encoder(written, trust_remote_code=params.embedding.trust_remote_code)
    vectors = _vectors(project, chunks, shown, encoder.encode)
    held = [place for place, chunk in enumerate(shown) if chunk["text"].strip()]
    queries = [symbol["question"] for symbol in asked]
    with temporary_index([shown[place] for place in held], vectors[held]) as index:
        found = [
            [hit.chunk_id for hit in index.search(query, vector, DEPTH)]
            for query, vector in zip(queries, encoder.encode_queries(queries), strict=True)
        ]
    return [_record(symbol, chunk_holding(symbol, shown), ids) for symbol, ids in zip(asked, found, strict=True)]


def _vectors(project: Project, chunks: Sequence[Chunk], shown: Sequence[Chunk], encode: Any) -> "np.ndarray":
    import numpy as np

    from pipelines.encoder.encoder import embedding_text

    vectors = np.load(project.path("embedding", "vectors.npy"), allow_pickle=False)
    changed = [
        place for place, pair in enumerate(zip(chunks, shown, strict=True)) if pair[0]["text"] != pair[1]["text"]
    ]
    if changed:
        vectors = vectors.copy()
        vectors[changed] = encode([embedding_text(shown[place]) for place in changed])
    return vectors


def _record(symbol: Asked, wanted: set[str], found: Sequence[str]) -> RetrievalScore:
    ranks = [place for place, chunk in enumerate(found, start=1) if chunk in wanted]
    return {
        "symbol_id": symbol["symbol_id"],
        "qualified_name": symbol["qualified_name"],
        "kind": symbol["kind"],
        "language": symbol["language"],
        "path": symbol["path"],
        "start_line": symbol["start_line"],
        "question": symbol["question"],
        "relevant": len(wanted),
        "ranks": ranks,
        **score(ranks, len(wanted)),
    }


def summarise_retrieval(records: Sequence[RetrievalScore], config: Evaluation) -> RetrievalFigures:
    """Figures with intervals over all questions, and for each language; {} when nothing was asked."""
    if not records:
        return {}
    languages = sorted({record["language"] for record in records})
    by_language = {name: _figures([one for one in records if one["language"] == name], config) for name in languages}
    return {**_figures(records, config), "by_language": by_language}


def _figures(records: Sequence[RetrievalScore], config: Evaluation) -> RetrievalGroup:
    draws = Bootstrap([one["path"] for one in records], config.bootstrap, config.confidence, config.seed)
    means: dict[str, Figure] = {name: draws.mean([one[name] for one in records]).record() for name in METRICS}
    return {"questions": len(records), "files": draws.files, "metrics": means}
