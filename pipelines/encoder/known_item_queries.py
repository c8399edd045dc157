"""Questions whose answers are known: the documentation of functions, asked of passages that it was taken out of."""

import hashlib
import math
from collections.abc import Sequence
from typing import Literal, get_args

from pipelines.records.evaluation import RetrievalMetrics
from pipelines.records.extraction import Chunk, Symbol

KINDS = ("function", "method")  # a class is many passages, and each of them would count as found
MIN_CHARS = 20  # of a question
DEPTH = 10
Metric = Literal["recall@1", "recall@5", "recall@10", "mrr", "ndcg@10"]
METRICS: tuple[Metric, ...] = get_args(Metric)


def rank_of(name: str, seed: int) -> str:
    """A place in an order that does not depend on which others there are."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


class Asked(Symbol):
    """A symbol with the question that it answers: the first paragraph of its documentation."""

    question: str


def make_questions(symbols: Sequence[Symbol], limit: int, seed: int) -> list[Asked]:
    """Documented functions and methods with their question, the first paragraph of the documentation.

    At most `limit`, in an order that hardly changes overnight; one whose question several symbols share
    is left out, for it has no answer.
    """
    asked: list[Asked] = [
        {**symbol, "question": " ".join(symbol["doc"].split("\n\n")[0].split())}
        for symbol in symbols
        if symbol.get("doc") and symbol.get("doc_range") and symbol["kind"] in KINDS
    ]
    times: dict[str, int] = {}
    for symbol in asked:
        times[symbol["question"]] = times.get(symbol["question"], 0) + 1
    clear = [s for s in asked if times[s["question"]] == 1 and len(s["question"]) >= MIN_CHARS]
    return sorted(clear, key=lambda s: rank_of(s["symbol_id"], seed))[:limit]


def remove_documentation(chunks: Sequence[Chunk], symbols: Sequence[Symbol]) -> list[Chunk]:
    """The chunks without the documentation of these symbols; ranges are bytes of the file; a summary has none."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    for symbol in symbols:
        start, end = symbol["doc_range"] or (0, 0)
        ranges.setdefault(symbol["path"], []).append((start, end))
    return [
        chunk
        if chunk["start_byte"] == chunk["end_byte"]
        else {**chunk, "text": _without(chunk, ranges.get(chunk["path"], []))}
        for chunk in chunks
    ]


def _without(chunk: Chunk, ranges: Sequence[tuple[int, int]]) -> str:
    text, begin = chunk["text"].encode(), chunk["start_byte"]
    for start, end in sorted(ranges, reverse=True):
        first, last = max(0, start - begin), min(len(text), end - begin)
        if first < last:
            text = text[:first] + text[last:]
    return text.decode(errors="ignore")


def chunk_holding(symbol: Symbol, chunks: Sequence[Chunk]) -> set[str]:
    """The passages that hold some of the symbol's code."""
    return {
        chunk["chunk_id"]
        for chunk in chunks
        if chunk["path"] == symbol["path"]
        and chunk["start_byte"] < symbol["end_byte"]
        and symbol["start_byte"] < chunk["end_byte"]
        and chunk["text"].strip()
    }


def score(ranks: Sequence[int], relevant: int) -> RetrievalMetrics:
    """The metrics of one question, all from 0 to 1.

    Recall at k: the share of the relevant passages among the first k. MRR: one over the first rank. NDCG@10: gains of 1
    discounted by log2(1 + rank), over the best possible (Järvelin and Kekäläinen 2002, doi:10.1145/582415.582418).

    Args:
        ranks: of the relevant passages that were found, from 1, ascending.
        relevant: how many there are.
    """
    if not relevant:
        return {"recall@1": 0.0, "recall@5": 0.0, "recall@10": 0.0, "mrr": 0.0, "ndcg@10": 0.0}
    ideal = sum(1 / math.log2(1 + place) for place in range(1, min(relevant, DEPTH) + 1))
    gained = sum(1 / math.log2(1 + place) for place in ranks if place <= DEPTH)
    one, five, ten = (round(sum(place <= k for place in ranks) / relevant, 6) for k in (1, 5, 10))
    return {
        "recall@1": one,
        "recall@5": five,
        "recall@10": ten,
        "mrr": round(1 / ranks[0], 6) if ranks else 0.0,
        "ndcg@10": round(gained / ideal, 6),
    }
