"""The order of what a search has found: how well a chunk, its names and its file fit the question.

A score is a sum of signals from 0 to 1, each with its weight, and the weights add up to 1. Three signals are searched
(meaning, keywords, summaries of files), the others are read off the candidates. What each contributes is measured by
benchmarks/index/quality.py. What did not pay there is not here: other weights for a bare identifier, merging
neighbours, down-weighting `__init__.py`, declarations and data, more candidates.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, reduce
from operator import or_
from pathlib import PurePosixPath
from typing import NamedTuple

from pipelines.index.search.tie_breaking import is_equal, stable_order
from pipelines.index.store.bm25 import Identifiers, is_stop_word, split_parts
from pipelines.index.store.payload import Brief, strip_marks, symbols_of
from pipelines.syntax.test_paths import is_test
from pipelines.syntax.text.kinds import DOCUMENTS

ITSELF = 0.999  # a cosine from which the question is taken for the chunk's own text
MIN_LETTERS = 3  # from so many on, a word that begins another is the same word: `auth`, `authentication`
_NAME = r"[^\W\d]\w*"
_IDENTIFIER = re.compile(rf"{_NAME}(?:(?:\.|::|#|>>){_NAME})*(?:\(\))?")
# In a sentence only what no plain word looks like: camelCase, snake_case, a call, a qualified name.
_WITHIN = re.compile(
    rf"(?<![\w.]){_NAME}(?:(?:\.|::){_NAME})+|\b{_NAME}(?=\(\))"
    r"|\b[^\W\d_]\w*[a-z0-9][A-Z]\w*|\b[^\W_]\w*_\w+|\b[A-Z]{2,}[a-z]\w*"
)
_EXAMPLES = re.compile(r"_?(?:examples?|samples?|demos?|benchmarks?|fixtures?)")
_ASKS_ASIDE = frozenset(
    ["test", "tests", "testing", "spec", "specs", "example", "examples", "sample", "demo", "benchmark", "fixture"]
)
_ASKS_PROSE = frozenset(
    ["readme", "documentation", "docs", "guide", "tutorial", "changelog", "install", "installation", "license"]
)


@dataclass(frozen=True)
class Ranking:
    """Weights of the signals, which add up to 1, and what is done to the list.

    Attributes:
        meaning: cosine of question and chunk; a negative one counts as 0.
        keywords: BM25, over the best of the list.
        path: how alike the question's words are to the name of the file and of the folder it is in.
        file: for the best chunk of each file, the root of the sum of squares over its chunks, over the best file's.
        summary: for the best chunk of each file, by all else, the cosine of the question and what sums the file up.
        symbol: how alike they are to the bare name of a definition in the chunk, the most alike one.
        name: 1 if the question names such a definition: it is nothing but an identifier, or has one in it; also, as far
            as it goes, if the question's keywords stand in tests, examples and prose alone.
        broad: `path`, `file` and `summary` count less in proportion in a question of more words: it says more than
            which file.
        aside: factor for tests, examples and prose, unless asked for, or as far as the keywords stand there alone.
        without: factor for what neither holds an identifier that is all of the question, nor defines a name that begins
            with it, where something does; the less of the question identifiers are, the less it does.
        of_list: at most this share of the list comes from one file, as long as others have something.
    """

    meaning: float = 0.18
    keywords: float = 0.12
    path: float = 0.245
    file: float = 0.075
    summary: float = 0.11
    symbol: float = 0.155
    name: float = 0.115
    broad: int = 4
    aside: float = 0.7
    without: float = 0.4
    of_list: float = 0.5


class Candidate(NamedTuple):
    """A chunk that one of the arms has found, by the id of its point and in brief (`interface.BRIEF`), with both arms'
    scores for it; `summary` is the cosine of its file's, `holds` whether an identifier of the question is in it."""

    id: int
    chunk: Brief
    cosine: float
    bm25: float
    summary: float = 0.0
    holds: bool = False


def rank(
    text: str, found: Iterable[Candidate], limit: int, ranking: Ranking = Ranking()
) -> list[tuple[float, Candidate]]:
    """The best candidates with their scores, 0 to 1, best first; equal ones by path and line."""
    candidates = list(found)
    asked = QueryWords.of(text)
    aside = [asked.aside(one.chunk) for one in candidates]
    best = max((one.bm25 for one in candidates), default=0.0) or 1.0
    of_code = max((one.bm25 for one, is_aside in zip(candidates, aside, strict=True) if not is_aside), default=0.0)
    relevance = [ranking.meaning * max(one.cosine, 0.0) + ranking.keywords * one.bm25 / best for one in candidates]
    files = _by_file(candidates)
    shares = _file_shares(files, relevance)
    breadth = min(1.0, ranking.broad / max(1, len(asked.words)))
    fits = cache(asked.fits)
    code = Identifiers.of(text)
    holds = [one.holds or _begins(one.chunk, code.names) for one in candidates]
    without = 1 - (1 - ranking.without) * code.share if any(holds) else 1.0
    scores, lent = [], []
    for one, relevant, share, is_aside, is_there in zip(candidates, relevance, shares, aside, holds, strict=True):
        alone = _alone(one.bm25, of_code) if is_aside else 0.0
        factor = ranking.aside + (1 - ranking.aside) * alone if is_aside else 1.0
        factor *= 1.0 if is_there else without
        lent.append(factor * breadth * ranking.summary * max(one.summary, 0.0))
        if one.cosine >= ITSELF:  # whatever is copied from the code leads back to it, also from a test
            score = relevant / (ranking.meaning + ranking.keywords)
        else:
            of_file = ranking.path * fits(_path_words(one.chunk["path"])) + ranking.file * share
            named, alike = _name_bonus(one.chunk, asked.names, fits)
            score = relevant + breadth * of_file + ranking.symbol * alike + ranking.name * max(named, alone**2)
            score *= factor
        scores.append(score)
    for place in _firsts(files, candidates, scores):
        scores[place] += lent[place]
    scored = [(min(score, 1.0), one) for score, one in zip(scores, candidates, strict=True)]
    order = stable_order(scored, lambda pair: pair[0], _place)
    return _spread(order, limit, math.ceil(limit * ranking.of_list))


def _by_file(candidates: Sequence[Candidate]) -> list[list[int]]:
    """The places of each file's candidates."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(candidates):
        places.setdefault(one.chunk["path"], []).append(place)
    return list(places.values())


def _firsts(files: Sequence[list[int]], candidates: Sequence[Candidate], scores: Sequence[float]) -> list[int]:
    """The place of each file's best candidate."""

    def first(own: list[int]) -> int:
        return stable_order(own, scores.__getitem__, lambda place: _place((0.0, candidates[place])))[0]

    return [own[0] if len(own) == 1 else first(own) for own in files]


def _name_bonus(chunk: Brief, names: frozenset[str], fits: Callable[[tuple[str, ...]], float]) -> tuple[bool, float]:
    """Whether a definition in the chunk is named, and how alike the most alike one's name is."""
    defined = _defined(chunk["symbol"], tuple(chunk.get("defines", ())))
    named = bool(names) and any(one.name in names for one in defined)
    return named, max([fits(one.words) for one in defined], default=0.0)


def _begins(chunk: Brief, identifiers: tuple[str, ...]) -> bool:
    """Whether the name of a definition in the chunk begins with one of these: `get_user_by_id` with `get_user`."""
    if not identifiers:
        return False
    defined = _defined(chunk["symbol"], tuple(chunk.get("defines", ())))
    return any(one.whole.startswith(identifiers) for one in defined)


def _alone(bm25: float, of_code: float) -> float:
    """How far a chunk has keywords that no code has, 0 to 1: a rare word that stands in a test alone leads there."""
    return 1 - min(1.0, of_code / bm25) ** 2 if bm25 > 0 else 0.0


def _place(scored: tuple[float, Candidate]) -> tuple[str, int, str]:
    chunk = scored[1].chunk
    return chunk["path"], chunk["start_line"], chunk["chunk_id"]


@dataclass(frozen=True)
class QueryWords:
    """A question as names and paths are compared with it.

    Attributes:
        words: its different words, without stop words, each with a bit of its own.
        names: the bare names of the identifiers in it.
    """

    words: dict[str, int]
    names: frozenset[str]
    all_words: frozenset[str] = field(repr=False)
    # Each beginning of the words → the bits of those that begin so.
    _beginnings: dict[str, int] = field(repr=False, compare=False)
    # A word of a name → the bits of those that are the same: names share their words.
    _seen: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> "QueryWords":
        """Read a question, or any text."""
        every = split_parts(text)
        whole = text.strip()
        named = [whole] if _IDENTIFIER.fullmatch(whole) else _WITHIN.findall(text)
        different = dict.fromkeys(_singular(word) for word in every if not is_stop_word(word))
        words = {word: 1 << place for place, word in enumerate(different)}
        beginnings: dict[str, int] = {}
        for word, bit in words.items():
            for end in range(min(MIN_LETTERS, len(word)), len(word) + 1):
                beginnings[word[:end]] = beginnings.get(word[:end], 0) | bit
        names = frozenset(strip_marks(name.removesuffix("()")) for name in named)
        return cls(words, names, frozenset(every), beginnings)

    def fits(self, names: tuple[str, ...]) -> float:
        """How alike its words and a name's are, 0 to 1: those in common over the counts' geometric mean (Ochiai).

        Words are the same when one begins the other. Both counts matter: a name of which half is not asked for fits
        less, and so does one that says a fifth of the question.
        """
        if not (self.words and names):
            return 0.0
        seen = self._seen
        alike = [seen[name] if name in seen else self._same(name) for name in names]
        if not any(alike):  # as with most names
            return 0.0
        said = reduce(or_, alike)
        return math.sqrt(said.bit_count() / len(self.words) * (len(names) - alike.count(0)) / len(names))

    def _same(self, name: str) -> int:
        """The bits of its words that begin this word of a name, or begin with it."""
        bits = 0
        if name[:MIN_LETTERS] in self._beginnings:  # as few are
            bits = self._beginnings.get(name, 0)
            for end in range(MIN_LETTERS, len(name)):
                bits |= self.words.get(name[:end], 0)
        self._seen[name] = bits
        return bits

    def aside(self, chunk: Brief) -> bool:
        """Whether a chunk is of a kind that the question does not ask for: tests and examples, or documents."""
        if chunk["language"] in DOCUMENTS:
            return chunk["language"] not in self.all_words and not self.all_words & _ASKS_PROSE
        return _is_aside(chunk["path"]) and not self.all_words & _ASKS_ASIDE


def _file_shares(files: Sequence[list[int]], relevance: Sequence[float]) -> list[float]:
    """For each file's best candidate the file's evidence over that of the best file; 0 for the others."""
    sums = [(math.hypot(*(relevance[place] for place in own)), own) for own in files]
    most = max((total for total, _ in sums), default=0.0) or 1.0
    shares = [0.0] * len(relevance)
    for total, own in sums:
        best = max(relevance[place] for place in own)
        first = own[0] if len(own) == 1 else next(place for place in own if is_equal(relevance[place], best))
        shares[first] = total / most
    return shares


def _spread(scored: list[tuple[float, Candidate]], limit: int, a_file: int) -> list[tuple[float, Candidate]]:
    """The first `limit`, of one file at most `a_file`, unless the other files have too few."""
    seen: dict[str, int] = {}
    places = []
    for place, (_, one) in enumerate(scored):
        path = one.chunk["path"]
        seen[path] = seen.get(path, 0) + 1
        places.append((seen[path] > a_file, place))
    return [scored[place] for place in sorted(place for _, place in sorted(places)[:limit])]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > MIN_LETTERS and word.endswith("s") and not word.endswith("ss") else word


@lru_cache(maxsize=4096)
def _path_words(path: str) -> tuple[str, ...]:
    file = PurePosixPath(path)
    return name_words(f"{file.name.split('.')[0]} {file.parent.name}")


class _Defined(NamedTuple):
    """A definition by its bare name, the words of that, and the same put together, as `Identifiers.names` are."""

    name: str
    words: tuple[str, ...]
    whole: str


@lru_cache(maxsize=16384)
def _defined(symbol: str, defines: tuple[str, ...]) -> tuple[_Defined, ...]:
    """A chunk's definitions."""
    names = map(strip_marks, symbols_of({"symbol": symbol, "defines": defines}))
    return tuple(_Defined(name, name_words(name), "".join(split_parts(name))) for name in names)


@lru_cache(maxsize=16384)
def name_words(name: str) -> tuple[str, ...]:
    """The words of a name as `Asked.fits` compares them."""
    return tuple(_singular(word) for word in split_parts(name) if not is_stop_word(word))


@lru_cache(maxsize=4096)
def _is_aside(path: str) -> bool:
    return is_test(path) or any(map(_EXAMPLES.fullmatch, PurePosixPath(path).parent.parts))
