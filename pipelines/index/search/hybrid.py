"""Hybrid search over one open version: candidates by meaning and by keywords, both scored for all of them, ranked."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.errors import NocturneError
from pipelines.index.search.ranking import Candidate, Ranking, rank
from pipelines.index.search.symbol_match import Matching
from pipelines.index.search.tie_breaking import is_equal, stable_order
from pipelines.index.store.bm25 import Identifiers, Keywords, Sparse
from pipelines.index.store.interface import EVERYWHERE, OF_FILE, Engine, Scope, Scored, Search, summary_id
from pipelines.index.store.payload import KINDS, Payload
from pipelines.records.extraction import Definition

if TYPE_CHECKING:
    import numpy as np

CANDIDATES = 50  # of each arm; more of them let chunks of large files in that fit worse (measured up to 200)
MOST_TIED = 1000  # candidates of one score that are looked at
DEFAULT = Ranking()


@dataclass(frozen=True)
class Hit:
    """A chunk that was found.

    Attributes:
        kind, symbol: of the definition in it that the filters and the words of the question mean; "" without one.
        symbol_start_line, symbol_end_line: its lines; from the passage's first on where it begins before, and then at
            most to the passage's last.
        start_line, end_line, text: of the passage.
        score: 0 to 1, the sum of what `ranking.Ranking` weighs, or the sigmoid of what the model of `search.rerank`
            says: it orders one list and compares within it; between two questions it says little.
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
    symbol_start_line: int
    symbol_end_line: int


class Index(AbstractContextManager["Index"]):
    """One open version of an index. Close it, or use it as a context manager."""

    def __init__(self, engine: Engine, keywords: Keywords, dimension: int) -> None:
        self._engine = engine
        self._keywords = keywords
        self._dimension = dimension

    def search(
        self, text: str, vector: "np.ndarray", limit: int, scope: Scope = EVERYWHERE, ranking: Ranking = DEFAULT
    ) -> list[Hit]:
        """The best chunks for a question, best first, by dense and keyword search together.

        Each arm proposes candidates, then each scores those of the other too, so that both scores are exact for every
        candidate: a convex combination (Bruch et al. 2023, arXiv:2210.11934), to which `ranking` adds what names and
        files say.

        Args:
            text: the question, or any text, for BM25.
            vector: its unit vector from the version's encoder, shape (dimension,).
            limit: how many hits at most.
            scope: where to look.
            ranking: weights of the signals; others than these are for measuring.

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
        scope = replace(scope, must_not={**scope.must_not, KINDS: [*scope.must_not.get(KINDS, ()), OF_FILE]})
        words = self._keywords.query(text)
        searches = [Search(vector, wide, scope), *([Search(words, wide, scope)] if words.indices else [])]
        arms = self._arms(searches)
        held = self._complete(searches, arms, Identifiers.of(text).wholes)
        near, said = (*arms, {})[:2]
        briefs = self._engine.summaries(sorted({*near, *said}))
        of_files = self._summaries(vector, {brief["path"] for brief in briefs.values()})
        both = (
            Candidate(id, brief, near.get(id, 0.0), said.get(id, 0.0), of_files.get(brief["path"], 0.0), id in held)
            for id, brief in briefs.items()
        )
        best = rank(text, both, limit, ranking)
        chunks = self._engine.chunks([candidate.id for _, candidate in best])
        found = [(score, one, chunks[one.id]) for score, one in best if one.id in chunks]
        matching = Matching.of(text, scope)
        return [_hit(score, one, chunk, matching.best(chunk)) for score, one, chunk in found]

    def blobs(self) -> dict[str, str]:
        """Path → git's name for the bytes that its passages are of, of every file with a passage."""
        return self._engine.blobs()

    def count(self) -> int:
        """How many chunks there are."""
        return self._engine.count()

    def close(self) -> None:
        """Give its files or its connection back."""
        self._engine.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _summaries(self, vector: "np.ndarray", paths: set[str]) -> dict[str, float]:
        """Path → cosine of the question and the file's summary, of those that have one."""
        ids = {summary_id(path): path for path in paths}
        if not ids:
            return {}
        [found] = self._engine.nearest(Search(vector, len(ids), Scope(ids=sorted(ids))))
        return {ids[one.id]: one.score for one in found}

    def _arms(self, searches: Sequence[Search]) -> list[dict[int, float]]:
        """Id → score of the first of each; of equal ones always the same, which the engine does not promise."""
        found = self._engine.nearest(*(replace(search, limit=search.limit + 1) for search in searches))
        return [self._cut(search, scored) for search, scored in zip(searches, found, strict=True)]

    def _cut(self, search: Search, found: list[Scored]) -> dict[int, float]:
        wanted = search.limit + 1
        while True:
            order = stable_order(found, _score, lambda one: one.id)
            # The rest of the equal ones may not have come yet.
            last = len(order) < wanted or not is_equal(order[-1].score, order[search.limit - 1].score)
            if last or wanted > MOST_TIED:
                return {one.id: one.score for one in order[: search.limit]}
            wanted *= 2
            [found] = self._engine.nearest(replace(search, limit=wanted))

    def _complete(self, searches: Sequence[Search], arms: Sequence[dict[int, float]], wholes: Sparse) -> set[int]:
        """Let each arm that found something score what only the other has found; returns what holds an identifier."""
        ids = set().union(*arms)
        gaps = [(search, arm, sorted(ids - arm.keys())) for search, arm in zip(searches, arms, strict=True) if arm]
        asked = [(arm, Search(search.query, len(gap), Scope(ids=gap))) for search, arm, gap in gaps if gap]
        held: dict[int, float] = {}
        if wholes.indices and ids:
            asked.append((held, Search(wholes, len(ids), Scope(ids=sorted(ids)))))
        if asked:
            found = self._engine.nearest(*(search for _, search in asked))
            for (arm, _), scored in zip(asked, found, strict=True):
                arm.update((one.id, one.score) for one in scored)
        return {id for id, score in held.items() if score > 0}


def _score(scored: Scored) -> float:
    return scored.score


def _hit(score: float, found: Candidate, chunk: Payload, definition: Definition) -> Hit:
    first, last = definition["start_line"], definition["end_line"]
    if first < chunk["start_line"]:  # what is named then is the part that is here
        first, last = chunk["start_line"], min(last, chunk["end_line"])
    return Hit(
        chunk_id=chunk["chunk_id"],
        path=chunk["path"],
        language=chunk["language"],
        kind=definition["kind"],
        symbol=definition["symbol"],
        start_line=chunk["start_line"],
        end_line=chunk["end_line"],
        text=chunk["text"],
        commit=chunk["commit"],
        blob=chunk["blob"],
        score=round(score, 5),
        similarity=round(found.cosine, 5),
        keywords=round(found.bm25, 4),
        symbol_start_line=first,
        symbol_end_line=last,
    )
