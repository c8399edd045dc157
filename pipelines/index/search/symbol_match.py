"""Which definition of a passage a hit is about: one that the filters mean, and of several the one that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipelines.index.search.ranking import QueryWords, name_words
from pipelines.index.store.bm25 import query_terms
from pipelines.index.store.interface import Scope
from pipelines.index.store.payload import DEFINITIONS, Payload, is_wanted, strip_marks
from pipelines.records.extraction import Definition


@dataclass(frozen=True)
class Matching:
    """Chooses the definition of a passage, for one question."""

    scope: Scope
    asked: QueryWords
    words: frozenset[int]

    @classmethod
    def of(cls, text: str, scope: Scope) -> "Matching":
        """For the words of a question, or any text, and what its filters allow."""
        return cls(scope, QueryWords.of(text), query_terms(text))

    def best(self, chunk: Payload) -> Definition:
        """The definition that a hit names, as `payload.make_payload` makes it.

        The one whose name is most like the question's words; among equals the one whose own lines, without those of
        definitions inside it, have most of these words; else the passage's own symbol, or the first.
        """
        every = chunk[DEFINITIONS]
        among = [one for one in every if is_wanted(one, self.scope.must, self.scope.must_not)] or every
        among = _first(among, [self._alike(one["symbol"]) for one in among])
        if len(among) > 1:
            begin = chunk["start_line"]
            own = _own_words(
                chunk["text"], tuple((one["start_line"] - begin, one["end_line"] - begin) for one in every)
            )
            among = _first(among, [len(self.words & own[every.index(one)]) for one in among])
        return next((one for one in among if one["symbol"] == chunk["symbol"]), among[0])

    def _alike(self, symbol: str) -> float:
        name = strip_marks(symbol)
        return 1 + self.asked.fits(name_words(name)) if name in self.asked.names else self.asked.fits(name_words(name))


def _first(found: Sequence[Definition], scores: Sequence[float]) -> list[Definition]:
    best = max(scores)
    return [one for one, score in zip(found, scores, strict=True) if score == best]


@lru_cache(maxsize=1024)  # searches of one process meet the same passages again
def _own_words(text: str, spans: tuple[tuple[int, int], ...]) -> tuple[frozenset[int], ...]:
    """For each definition the words of its own lines.

    Args:
        spans: first and last line of each, counted from 0 of the text; one inside another comes after it, and takes
            its lines from it.
    """
    lines = text.split("\n")
    owners = [-1] * len(lines)
    for place, (first, last) in enumerate(spans):
        begin, end = max(first, 0), min(last + 1, len(lines))
        owners[begin:end] = [place] * max(end - begin, 0)
    own: list[list[str]] = [[] for _ in spans]
    for owner, line in zip(owners, lines, strict=True):
        if owner >= 0:
            own[owner].append(line)
    return tuple(query_terms("\n".join(some)) for some in own)
