"""Which definition of a passage a hit is about: one that the filters mean, and of several the one that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.index.engine import Scope
from pipelines.index.fields import DEFINITIONS, bare, is_wanted
from pipelines.index.keywords import terms
from pipelines.index.ranking import Asked, name_words
from pipelines.records import Record


@dataclass(frozen=True)
class Matching:
    """Chooses the definition of a passage, for one question."""

    text: str
    scope: Scope
    asked: Asked

    @classmethod
    def of(cls, text: str, scope: Scope) -> "Matching":
        """For the words of a question, or any text, and what its filters allow."""
        return cls(text, scope, Asked.of(text))

    def best(self, chunk: Record) -> Record:
        """The definition that a hit names, as `fields.payload` makes it.

        The one whose name is most like the question's words; among equals the one whose own lines, without those of
        definitions inside it, have most of these words; else the passage's own symbol, or the first.
        """
        every: list[Record] = chunk[DEFINITIONS]
        among = [one for one in every if is_wanted(one, self.scope.only, self.scope.never)] or every
        among = _first(among, [self._alike(one["symbol"]) for one in among])
        if len(among) > 1:
            own, words = _own_lines(chunk, every), terms(self.text)
            among = _first(among, [len(words & terms(own[every.index(one)])) for one in among])
        return next((one for one in among if one["symbol"] == chunk["symbol"]), among[0])

    def _alike(self, symbol: str) -> float:
        name = bare(symbol)
        return 1 + self.asked.fits(name_words(name)) if name in self.asked.names else self.asked.fits(name_words(name))


def _first(found: Sequence[Record], scores: Sequence[float]) -> list[Record]:
    best = max(scores)
    return [one for one, score in zip(found, scores, strict=True) if score == best]


def _own_lines(chunk: Record, definitions: Sequence[Record]) -> list[str]:
    """For each definition its lines of the passage's text; a line is of the innermost one that it is in."""
    own: list[list[str]] = [[] for _ in definitions]
    for number, line in enumerate(chunk["text"].split("\n"), start=chunk["start_line"]):
        around = [place for place, one in enumerate(definitions) if one["start_line"] <= number <= one["end_line"]]
        if around:
            own[around[-1]].append(line)
    return ["\n".join(lines) for lines in own]
