"""Hybrid search over one open version: meaning and keywords, scored exactly for the same candidates and added up."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from pipelines.errors import NocturneError
from pipelines.index.engine import Engine, Scope, Scored
from pipelines.index.keywords import Keywords, Sparse

if TYPE_CHECKING:
    import numpy as np

MEANING = 0.7
CANDIDATES = 50


@dataclass(frozen=True)
class Hit:
    """A chunk that was found.

    Attributes:
        score: 0 to 1, `MEANING` parts cosine and the rest BM25 over the best BM25 of this list: it orders one list and
            compares within it; between two questions it says little.
        similarity: cosine of question and chunk, comparable between questions.
        keywords: BM25; 0 when they share no word. Its size depends on the question's words.
    """

    chunk_id: str
    path: str
    language: str
    kind: str
    symbol: str
    start_line: int
    end_line: int
    text: str
    commit: str
    blob: str
    score: float
    similarity: float
    keywords: float


class Index:
    """One open version of an index. Close it, or use it as a context manager."""

    def __init__(self, engine: Engine, keywords: Keywords, dimension: int) -> None:
        self._engine = engine
        self._keywords = keywords
        self._dimension = dimension

    def search(self, text: str, vector: "np.ndarray", limit: int, *, without_path: str | None = None) -> list[Hit]:
        """The best chunks for a question, best first, by dense and keyword search together.

        Each arm proposes candidates, then each scores those of the other too, so that both scores are exact for every
        candidate: a convex combination (Bruch et al. 2023, arXiv:2210.11934). Measured on 932 documented functions of 8
        packages, asked for by their first paragraph, MiniLM, NDCG@10: dense .698, BM25 .690, reciprocal ranks .753 at
        best, combined .766 with 0.7 (.749 with 0.5, .741 with 0.9).

        Args:
            text: the question, or any text, for BM25.
            vector: its unit vector from the version's encoder, shape (dimension,).
            limit: how many hits at most.
            without_path: the chunks of this file are left out.

        Raises:
            NocturneError: the vector is another encoder's.
        """
        if vector.shape != (self._dimension,):
            raise NocturneError(
                f"The index was made with vectors of {self._dimension} numbers, the question's has {vector.shape}.",
                "Search with the encoder that the release names, or run `nocturne nightly --force`.",
            )
        if limit < 1:
            return []
        wide = max(CANDIDATES, 4 * limit)
        arms: tuple[np.ndarray | Sparse, ...] = (vector, self._keywords.query(text))
        found = [self._arm(query, wide, Scope(without_path=without_path)) for query in arms]
        chunks = {id: scored for arm in found for id, scored in arm.items()}
        for query, arm in zip(arms, found, strict=True):
            missing = [id for id in chunks if id not in arm]
            if missing and arm:
                arm.update(self._arm(query, len(missing), Scope(ids=missing)))
        return _fused(chunks.values(), found[0], found[1])[:limit]

    def count(self) -> int:
        """How many chunks there are."""
        return self._engine.count()

    def close(self) -> None:
        """Give its files or its connection back."""
        self._engine.close()

    def __enter__(self) -> "Index":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _arm(self, query: "np.ndarray | Sparse", limit: int, scope: Scope) -> dict[str, Scored]:
        if isinstance(query, Sparse) and not query.indices:
            return {}
        return {scored.id: scored for scored in self._engine.nearest(query, limit, scope)}


def _fused(found: Iterable[Scored], dense: dict[str, Scored], sparse: dict[str, Scored]) -> list[Hit]:
    best = max((scored.score for scored in sparse.values()), default=0.0)
    hits = []
    for scored in found:
        cosine = dense[scored.id].score if scored.id in dense else 0.0
        bm25 = sparse[scored.id].score if scored.id in sparse else 0.0
        share = bm25 / best if best > 0 else 0.0
        hits.append(_hit(scored, MEANING * max(cosine, 0.0) + (1 - MEANING) * share, cosine, bm25))
    return sorted(hits, key=lambda hit: (-hit.score, hit.path, hit.start_line, hit.chunk_id))


def _hit(scored: Scored, score: float, cosine: float, bm25: float) -> Hit:
    chunk = scored.chunk
    return Hit(
        chunk_id=chunk["chunk_id"],
        path=chunk["path"],
        language=chunk["language"],
        kind=chunk["kind"],
        symbol=chunk["symbol"],
        start_line=chunk["start_line"],
        end_line=chunk["end_line"],
        text=chunk["text"],
        commit=chunk["commit"],
        blob=chunk["blob"],
        # The engines differ in the last bits; rounded, they order alike.
        score=round(min(max(score, 0.0), 1.0), 5),
        similarity=round(cosine, 5),
        keywords=round(bm25, 4),
    )
