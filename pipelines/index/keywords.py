"""Code as keywords: how identifiers are taken apart, and the BM25 vectors made of them, the same for both engines."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from pipelines.records import Record

RUN = re.compile(r"[^\W_]+(?:_+[^\W_]+)*")
PART = re.compile(r"[A-Z]+(?![^\W\dA-Z_])|[A-Z]?[^\W\dA-Z_]+|\d+")
MAX_LETTERS = 40  # longer runs are hashes and encoded data, which nobody asks for


@dataclass(frozen=True)
class Sparse:
    """A sparse vector: strictly different indices, and a weight for each."""

    indices: list[int]
    values: list[float]


def words(text: str) -> list[str]:
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


def parts(text: str) -> list[str]:
    """The words of a text without those that are only put together: `loadEncoder` gives `load encoder`."""
    return [part for run in RUN.findall(text) for part in _split(run)]


def _split(run: str) -> list[str]:
    return [part.lower() for part in PART.findall(run) if len(part) <= MAX_LETTERS]


def chunk_words(chunk: Record) -> list[str]:
    """The words a chunk is found by: its path, its symbol and its text."""
    return words(f"{chunk['path']} {chunk['symbol'] or ''} {chunk['text']}")


def mean_length(chunks: Iterable[Record]) -> float:
    """Words a chunk on average: the length that BM25 holds the others against. At least 1."""
    lengths = [len(chunk_words(chunk)) for chunk in chunks]
    return round(max(1.0, sum(lengths) / max(1, len(lengths))), 1)


@dataclass(frozen=True)
class Keywords:
    """BM25 (Robertson and Zaragoza 2009; k = 1.2, b = 0.75), by Qdrant Edge's encoder: it hashes each word to an index,
    drops English stop words and stems. The engine multiplies by the inverse document frequency when it searches."""

    mean_words: float

    def document(self, chunk: Record) -> Sparse:
        """Term frequencies of a chunk, saturated and held against the mean length."""
        return _sparse(self._bm25.embed_document(" ".join(chunk_words(chunk))))

    def query(self, text: str) -> Sparse:
        """Each different word once, with weight 1. Empty when the text has no word."""
        return _sparse(self._bm25.embed_query(" ".join(words(text))))

    @cached_property
    def _bm25(self) -> Any:
        from qdrant_edge import Bm25, Bm25Config, TokenizerType

        config = Bm25Config(avg_len=self.mean_words, tokenizer=TokenizerType.Whitespace)
        return Bm25(config)


def terms(text: str) -> frozenset[int]:
    """The different words of a text as keyword search compares them: stemmed, without stop words, hashed."""
    return frozenset(_QUESTIONS.query(text).indices)


@lru_cache(maxsize=4096)
def is_stop_word(word: str) -> bool:
    """Whether keyword search drops a word because every text has it."""
    return not _QUESTIONS.query(word).indices


def _sparse(vector: Any) -> Sparse:
    return Sparse(list(vector.indices), list(vector.values))


_QUESTIONS = Keywords(mean_words=1.0)  # the mean length does not enter the query side
