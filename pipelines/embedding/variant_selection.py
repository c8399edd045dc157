"""Which variant `auto` stands for: the fastest that finds as much as float32 does, on the project's own questions.

Speed is an order that was measured once (benchmarks/index/embedding.py) and no clock, so that the choice is a function
of the code. It is made once: what embedding.json says stays, as long as the encoder and its variants are the same, and
DVC leaves that file there for the next night (`persist` in dvc.yaml).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.config.schema import Embedding
from pipelines.encoder.encoder import Encoder, backends_of, embedding_text, load_encoder
from pipelines.encoder.known_item_queries import (
    DEPTH,
    Asked,
    chunk_holding,
    make_questions,
    rank_of,
    remove_documentation,
    score,
)
from pipelines.index import temporary_index
from pipelines.progress import report
from pipelines.project import Project
from pipelines.records import read_json, read_jsonl
from pipelines.records.embedding import VariantChoice
from pipelines.records.extraction import Chunk, Symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

ENOUGH = 0.995  # of float32's NDCG@10
MIN_QUESTIONS = 50  # fewer say nothing
QUESTIONS = 100
CHUNKS = 400  # those that hold answers, and others drawn by their id; with the summaries of their files
SEED = 17


def choose_variant(project: Project, config: Embedding) -> VariantChoice:
    """The encoder to use, as `NAME@VARIANT#VERSION` in `encoder`; `among` which ones; and what decided.

    `ndcg@10` has the figure of each variant that was measured, fastest first until one was good enough. With fewer than
    MIN_QUESTIONS documented functions nothing is measured: eight bits, which were as good on each repository of
    benchmarks/README.md, or float32 where there are none.
    """
    among = backends_of(config.model, config.trust_remote_code)
    former = _former(project.path("embedding", "embedding.json"))
    if former and former["among"] == among:
        return former
    asked = make_questions(list(read_jsonl(project.path("extraction", "symbols.jsonl"), Symbol)), QUESTIONS, SEED)
    if len(asked) < MIN_QUESTIONS or len(among) == 1:
        eight = [one for one in among if "@int8#" in one]
        return {"encoder": [*eight, among[-1]][0], "among": among, "questions": len(asked), "ndcg@10": {}}
    shown = _pool(list(read_jsonl(project.path("extraction", "chunks.jsonl"), Chunk)), asked)
    figures: dict[str, float] = {}
    for one in (among[-1], *among[:-1]):
        report(len(figures), len(among), "encoders", one.rpartition("@")[2])
        figures[one] = _ndcg(load_encoder(one, trust_remote_code=config.trust_remote_code), shown, asked)
        if one != among[-1] and figures[one] >= ENOUGH * figures[among[-1]]:
            return {"encoder": one, "among": among, "questions": len(asked), "ndcg@10": figures}
    return {"encoder": among[-1], "among": among, "questions": len(asked), "ndcg@10": figures}


def _former(file: Path) -> VariantChoice | None:
    former: VariantChoice | None = read_json(file).get("choice") if file.is_file() else None
    return former


def _pool(chunks: "Sequence[Chunk]", asked: "Sequence[Asked]") -> list[Chunk]:
    shown = [chunk for chunk in remove_documentation(chunks, asked) if chunk["text"].strip()]
    needed: set[str] = set().union(*(chunk_holding(symbol, shown) for symbol in asked))
    passages = [chunk for chunk in shown if chunk["kind"] != "file"]
    passages.sort(key=lambda chunk: (chunk["chunk_id"] not in needed, rank_of(chunk["chunk_id"], SEED)))
    drawn = passages[: max(CHUNKS, len(needed))]
    paths = {chunk["path"] for chunk in drawn}
    return drawn + [chunk for chunk in shown if chunk["kind"] == "file" and chunk["path"] in paths]


def _ndcg(encoder: Encoder, shown: "Sequence[Chunk]", asked: "Sequence[Asked]") -> float:
    """NDCG@10 of the index with this encoder, keywords included: what a search would find."""
    wanted = [chunk_holding(symbol, shown) for symbol in asked]
    texts = [symbol["question"] for symbol in asked]
    total = 0.0
    with temporary_index(shown, encoder.encode([embedding_text(chunk) for chunk in shown])) as index:
        for text, vector, ids in zip(texts, encoder.encode_queries(texts), wanted, strict=True):
            found = [hit.chunk_id for hit in index.search(text, vector, DEPTH)]
            ranks = [place for place, one in enumerate(found, start=1) if one in ids]
            total += score(ranks, len(ids))["ndcg@10"]
    return round(total / len(asked), 6)
