"""How well the index finds code by what its documentation says, when that documentation is not in the index."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines import progress
from pipelines.evaluation.sample import rank
from pipelines.evaluation.statistics import Bootstrap
from pipelines.params import Evaluation, Params
from pipelines.project import Project
from pipelines.records import Record, read_jsonl

if TYPE_CHECKING:
    import numpy as np

KINDS = ("function", "method")  # a class is many passages, and each of them would count as found
MIN_CHARS = 20  # of a question
DEPTH = 10
METRICS = ("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10")


def measured(project: Project, params: Params) -> list[Record]:
    """One record a question: the symbol, its place, how many passages hold it, at which ranks they came, the metrics.

    The passages of the symbols that are asked for are indexed without their documentation; every other passage as it
    is. So what is found is found by the code, its names and its neighbours.

    Raises:
        NocturneError: extraction or embedding has not run, or the encoder is not to be had.
    """
    from pipelines.index import temporary_index
    from pipelines.model.encoder import load_encoder

    config = params.evaluation
    asked = questions(list(read_jsonl(project.path("extraction", "symbols.jsonl"))), config)
    if not asked:
        return []
    progress.report(0, 1, "measurements", "searching code by its documentation")
    chunks = list(read_jsonl(project.path("extraction", "chunks.jsonl")))
    shown = undocumented(chunks, asked)
    encoder = load_encoder(params.embedding.model)
    encode = lambda texts: encoder.encode(texts, params.embedding.batch_size)  # noqa: E731
    vectors = _vectors(project, chunks, shown, encode)
    held = [place for place, chunk in enumerate(shown) if chunk["text"].strip()]
    queries = [symbol["question"] for symbol in asked]
    with temporary_index([shown[place] for place in held], vectors[held]) as index:
        found = [
            [hit.chunk_id for hit in index.search(query, vector, DEPTH)]
            for query, vector in zip(queries, encode(queries), strict=True)
        ]
    return [_record(symbol, holding(symbol, shown), ids) for symbol, ids in zip(asked, found, strict=True)]


def questions(symbols: Sequence[Record], config: Evaluation) -> list[Record]:
    """Documented functions and methods with their question, the first paragraph of the documentation.

    At most `retrieval_questions`, in an order that hardly changes overnight; one whose question several symbols share
    is left out, for it has no answer.
    """
    asked = [
        {**symbol, "question": " ".join(symbol["doc"].split("\n\n")[0].split())}
        for symbol in symbols
        if symbol.get("doc") and symbol.get("doc_range") and symbol["kind"] in KINDS
    ]
    times: dict[str, int] = {}
    for symbol in asked:
        times[symbol["question"]] = times.get(symbol["question"], 0) + 1
    clear = [s for s in asked if times[s["question"]] == 1 and len(s["question"]) >= MIN_CHARS]
    return sorted(clear, key=lambda s: rank(s["symbol_id"], config.seed))[: config.retrieval_questions]


def undocumented(chunks: Sequence[Record], symbols: Sequence[Record]) -> list[Record]:
    """The chunks without the documentation of these symbols; ranges are bytes of the file."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    for symbol in symbols:
        ranges.setdefault(symbol["path"], []).append(tuple(symbol["doc_range"]))
    return [{**chunk, "text": _without(chunk, ranges.get(chunk["path"], []))} for chunk in chunks]


def _without(chunk: Record, ranges: Sequence[tuple[int, int]]) -> str:
    text, begin = chunk["text"].encode(), chunk["start_byte"]
    for start, end in sorted(ranges, reverse=True):
        first, last = max(0, start - begin), min(len(text), end - begin)
        if first < last:
            text = text[:first] + text[last:]
    return text.decode(errors="ignore")


def _vectors(project: Project, chunks: Sequence[Record], shown: Sequence[Record], encode: Any) -> "np.ndarray":
    import numpy as np

    from pipelines.model.encoder import text_of

    vectors = np.load(project.path("embedding", "vectors.npy"), allow_pickle=False)
    changed = [
        place for place, pair in enumerate(zip(chunks, shown, strict=True)) if pair[0]["text"] != pair[1]["text"]
    ]
    if changed:
        vectors = vectors.copy()
        vectors[changed] = encode([text_of(shown[place]) for place in changed])
    return vectors


def holding(symbol: Record, chunks: Sequence[Record]) -> set[str]:
    """The passages that hold some of the symbol's code."""
    return {
        chunk["chunk_id"]
        for chunk in chunks
        if chunk["path"] == symbol["path"]
        and chunk["start_byte"] < symbol["end_byte"]
        and symbol["start_byte"] < chunk["end_byte"]
        and chunk["text"].strip()
    }


def _record(symbol: Record, wanted: set[str], found: Sequence[str]) -> Record:
    ranks = [place for place, chunk in enumerate(found, start=1) if chunk in wanted]
    kept = ("symbol_id", "qualified_name", "kind", "language", "path", "start_line", "question")
    return {**{key: symbol[key] for key in kept}, "relevant": len(wanted), "ranks": ranks, **scored(ranks, len(wanted))}


def scored(ranks: Sequence[int], relevant: int) -> dict[str, float]:
    """The metrics of one question, all from 0 to 1.

    Recall at k: the share of the relevant passages among the first k. MRR: one over the first rank. NDCG@10: gains of 1
    discounted by log2(1 + rank), over the best possible (Järvelin and Kekäläinen 2002, doi:10.1145/582415.582418).

    Args:
        ranks: of the relevant passages that were found, from 1, ascending.
        relevant: how many there are.
    """
    if not relevant:
        return dict.fromkeys(METRICS, 0.0)
    ideal = sum(1 / math.log2(1 + place) for place in range(1, min(relevant, DEPTH) + 1))
    gained = sum(1 / math.log2(1 + place) for place in ranks if place <= DEPTH)
    recalls = {f"recall@{k}": sum(place <= k for place in ranks) / relevant for k in (1, 5, 10)}
    return {
        **{name: round(value, 6) for name, value in recalls.items()},
        "mrr": round(1 / ranks[0], 6) if ranks else 0.0,
        "ndcg@10": round(gained / ideal, 6),
    }


def summary(records: Sequence[Record], config: Evaluation) -> dict[str, Any]:
    """Figures with intervals over all questions, and for each language; {} when nothing was asked."""
    if not records:
        return {}
    languages = sorted({record["language"] for record in records})
    by_language = {name: _figures([one for one in records if one["language"] == name], config) for name in languages}
    return {**_figures(records, config), "by_language": by_language}


def _figures(records: Sequence[Mapping[str, Any]], config: Evaluation) -> dict[str, Any]:
    draws = Bootstrap([one["path"] for one in records], config.bootstrap, config.confidence, config.seed)
    means = {name: draws.mean([one[name] for one in records]).record() for name in METRICS}
    return {"questions": len(records), "files": draws.files, "metrics": means}
