"""Which lines of a found chunk answer a question: whole paragraphs, documentation before code."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.assistant.paragraphs import Paragraph, paragraphs, widened
from pipelines.index import Hit, terms

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


def passages(question: str, hits: Sequence[Hit]) -> list[Passage]:
    """One passage a hit, in the hits' order: its paragraph with most of the question's words.

    Args:
        question: in words, or code.
        hits: of one search; how rare a word is, is counted over them.
    """
    found = [terms(_searched(hit)) for hit in hits]
    weights = {
        word: math.log(1 + (len(hits) + 1) / (1 + sum(word in one for one in found))) for word in terms(question)
    }
    return [_passage(hit, _share(one, weights), weights) for hit, one in zip(hits, found, strict=True)]


def _passage(hit: Hit, coverage: float, weights: dict[int, float]) -> Passage:
    lines = hit.text.split("\n")
    among = paragraphs(lines) or [Paragraph(0, len(lines), False)]
    best = max(among, key=lambda one: (_worth(lines, one, weights), one.prose, not one.imports, -one.first))
    first, last = widened(lines, among, best)
    text = "\n".join(lines[first:last])
    return Passage(hit, hit.start_line + first, hit.start_line + last - 1, text, coverage)


def _worth(lines: Sequence[str], one: Paragraph, weights: dict[int, float]) -> float:
    share = _share(terms("\n".join(lines[one.first : one.last])), weights)
    return share * (IMPORTS if one.imports else PROSE if one.prose else 1.0)


def _share(found: frozenset[int], weights: dict[int, float]) -> float:
    total = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in found) / total if total else 0.0


def _searched(hit: Hit) -> str:
    return f"{hit.path} {hit.symbol or ''} {hit.text}"
