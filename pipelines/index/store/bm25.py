"""Code as keywords: how identifiers are taken apart, and the BM25 vectors made of them, the same for both engines."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from pipelines.records.extraction import Chunk

RUN = re.compile(r"[^\W_]+(?:_+[^\W_]+)*")
PART = re.compile(r"[A-Z]+(?![^\W\dA-Z_])|[A-Z]?[^\W\dA-Z_]+|\d+")
BLOCK = re.compile(r"\w+")  # one run, or none, between underscores
MAX_LETTERS = 40  # longer runs are hashes and encoded data, which nobody asks for
SATURATION, LENGTH = 1.2, 0.75  # BM25's k and b
KNOWN = 1 << 16  # different blocks whose words are remembered: code repeats the same few


@dataclass(frozen=True)
class Identifiers:
    """What of a question no plain word looks like: `ER_LOCK_DEADLOCK`, `getUser`, `utf8mb4`; and `SIGTERM` or `57014`
    where it is all of the question, for capitals in a sentence are mostly an acronym.

    Attributes:
        names: each, put together, in small letters: `erlockdeadlock`.
        wholes: the same as keyword search compares them; weight 1.
        share: of the question's words that hold one, 0 to 1; words stand between blanks, and stop words are none.
    """

    names: tuple[str, ...]
    wholes: "Sparse"
    share: float

    @classmethod
    @lru_cache(maxsize=64)  # search and ranking ask for those of one question
    def of(cls, text: str) -> "Identifiers":
        """Those of a question, or of any text."""
        said = (RUN.findall(piece) for piece in text.split() if query_terms(piece))
        pieces = [[run for run in runs if _is_code(run, alone=run == text.strip())] for runs in said]
        names = tuple(dict.fromkeys("".join(_split(run)) for runs in pieces for run in runs))
        wholes = sorted({index for name in names for index in _index(name)})
        return cls(names, Sparse(wholes, [1.0] * len(wholes)), sum(map(bool, pieces)) / max(1, len(pieces)))


@dataclass(frozen=True)
class Sparse:
    """A sparse vector: strictly different indices, and a weight for each."""

    indices: list[int]
    values: list[float]


def split_words(text: str) -> list[str]:
    """The words of a piece of code or prose, lower-case: `loadEncoder` gives `load encoder loadencoder`.

    The whole identifier stays beside its parts, so that one who knows the name finds it first.
    """
    found: list[str] = []
    for run in RUN.findall(text):
        split = _split(run)
        found += split
        if len(split) > 1 and len(run) <= MAX_LETTERS:
            found.append("".join(split))
    return found


def split_parts(text: str) -> list[str]:
    """The words of a text without those that are only put together: `loadEncoder` gives `load encoder`."""
    return [part for run in RUN.findall(text) for part in _split(run)]


def _is_code(run: str, alone: bool) -> bool:
    return 1 < len(run) <= MAX_LETTERS and (len(PART.findall(run)) > 1 or (alone and (run.isupper() or run.isdigit())))


def _split(run: str) -> list[str]:
    return [part.lower() for part in PART.findall(run) if len(part) <= MAX_LETTERS]


def mean_word_count(chunks: Iterable[Chunk]) -> float:
    """Words a chunk on average: the length that BM25 holds the others against. At least 1."""
    lengths = [sum(map(_count, BLOCK.findall(_text(chunk)))) for chunk in chunks]
    return round(max(1.0, sum(lengths) / max(1, len(lengths))), 1)


@dataclass(frozen=True)
class Keywords:
    """BM25 (Robertson and Zaragoza 2009) over words as Qdrant Edge's encoder takes them: it hashes each to an index,
    drops English stop words and stems. The engine multiplies by the inverse document frequency when it searches."""

    mean_words: float

    def document(self, chunk: Chunk) -> Sparse:
        """Term frequencies of a chunk, saturated and held against the mean length; as float32 they are Edge's own."""
        counts = Counter(_indices(_text(chunk)))
        long = SATURATION * (1 - LENGTH + LENGTH * counts.total() / self.mean_words)
        weights = {count: count * (SATURATION + 1) / (count + long) for count in set(counts.values())}
        indices = sorted(counts)
        return Sparse(indices, [weights[counts[index]] for index in indices])

    def query(self, text: str) -> Sparse:
        """Each different word once, with weight 1. Empty when the text has no word."""
        indices = sorted(query_terms(text))
        return Sparse(indices, [1.0] * len(indices))


def query_terms(text: str) -> frozenset[int]:
    """The different words of a text as keyword search compares them: stemmed, without stop words, hashed."""
    return frozenset(_indices(text))


@lru_cache(maxsize=4096)
def is_stop_word(word: str) -> bool:
    """Whether keyword search drops a word because every text has it."""
    return not query_terms(word)


def _text(chunk: Chunk) -> str:
    """What a chunk is found by: its path, its symbol and its text."""
    return f"{chunk['path']} {chunk['symbol'] or ''} {chunk['text']}"


def _indices(text: str) -> Iterable[int]:
    """The index of each word of a text that is no stop word."""
    return chain.from_iterable(map(_hash_terms, BLOCK.findall(text)))


@lru_cache(maxsize=KNOWN)
def _hash_terms(block: str) -> tuple[int, ...]:
    return tuple(chain.from_iterable(map(_index, split_words(block))))


def _index(word: str) -> list[int]:
    """The index of a word; none of a stop word."""
    indices: list[int] = _encoder().embed_query(word).indices
    return indices


@lru_cache(maxsize=KNOWN)
def _count(block: str) -> int:
    return len(split_words(block))


@cache
def _encoder() -> Any:
    """Asked for one word at a time, so that the mean length does not enter."""
    from qdrant_edge import Bm25, Bm25Config, TokenizerType

    return Bm25(Bm25Config(tokenizer=TokenizerType.Whitespace))
