"""A second look at what a search has found, by a model that reads question and passage together."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from pipelines.index import Hit
from pipelines.index.search.tie_breaking import stable_order

# With int8 one of the right passages is among the first 10 hits for .81 of the questions by documentation, among 20 for
# .88, among 50 for .94 (benchmarks/README.md). Each more is a forward pass that a person waits for.
LOOKED_AT = 20


class CrossEncoder(Protocol):
    """What is asked of a cross-encoder; `pipelines.encoder.cross_encoder.Reranker` is one."""

    def logits(self, question: str, texts: Sequence[str]) -> list[float]: ...


def rerank(judge: CrossEncoder, question: str, hits: Sequence[Hit]) -> list[Hit]:
    """All hits in the judge's order; equal ones as they were found. Their score is the sigmoid of the judge's.

    Args:
        question: its words, without filters.
    """
    logits = judge.logits(question, [f"{hit.path} {hit.symbol or ''}\n{hit.text}" for hit in hits])
    order = stable_order(range(len(hits)), logits.__getitem__, lambda place: place)
    return [replace(hits[place], score=round(_sigmoid(logits[place]), 5)) for place in order]


def _sigmoid(logit: float) -> float:
    return (1 + math.tanh(logit / 2)) / 2
