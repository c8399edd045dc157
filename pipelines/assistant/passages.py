"""Which lines of a found chunk answer a question: whole paragraphs, documentation before code."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.assistant.hit_view import definition_text
from pipelines.assistant.paragraphs import Paragraph, split_paragraphs, widen
from pipelines.index import Hit, query_terms

PROSE = 1.5  # a sentence written to be read, against code that happens to use the words
IMPORTS = 0.2  # name everything and say nothing


@dataclass(frozen=True)
class Passage:
    """Lines of one file, exactly as they stand there.

    Attributes:
        coverage: the share of the question's words in the whole chunk, rare ones counting more; 0 to 1.
    """

    hit: Hit
    start_line: int
    end_line: int
    text: str
    coverage: float


def passages(question: str, hits: Sequence[Hit], of_definitions: bool = False) -> list[Passage]:
    """One passage a hit, in the hits' order: its paragraph with most of the question's words.

    Args:
        question: in words, or code.
        hits: of one search; how rare a word is, is counted over them.
        of_definitions: only lines of the definition that a hit names are quoted: filters asked for it.
    """
    found = [query_terms(_search(hit)) for hit in hits]
    weights = {
        word: math.log(1 + (len(hits) + 1) / (1 + sum(word in one for one in found))) for word in query_terms(question)
    }
    shares = [_share(one, weights) for one in found]
    return [
        _passage(_quotable(hit, of_definitions), hit, share, weights) for hit, share in zip(hits, shares, strict=True)
    ]


def _quotable(hit: Hit, of_definitions: bool) -> tuple[int, list[str]]:
    """The number of the first line that may be quoted, and this line and those after it."""
    if not of_definitions:
        return hit.start_line, hit.text.split("\n")
    return hit.symbol_start_line, definition_text(hit).split("\n")


def _passage(quotable: tuple[int, list[str]], hit: Hit, coverage: float, weights: dict[int, float]) -> Passage:
    start, lines = quotable
    among = split_paragraphs(lines) or [Paragraph(0, len(lines), False)]
    best = max(among, key=lambda one: (_score(lines, one, weights), one.prose, not one.imports, -one.first))
    first, last = widen(lines, among, best)
    text = "\n".join(lines[first:last])
    return Passage(hit, start + first, start + last - 1, text, coverage)


def _score(lines: Sequence[str], one: Paragraph, weights: dict[int, float]) -> float:
    share = _share(query_terms("\n".join(lines[one.first : one.last])), weights)
    return share * (IMPORTS if one.imports else PROSE if one.prose else 1.0)


def _share(found: frozenset[int], weights: dict[int, float]) -> float:
    total = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in found) / total if total else 0.0


def _search(hit: Hit) -> str:
    return f"{hit.path} {hit.symbol or ''} {hit.text}"
