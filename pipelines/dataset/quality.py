"""How much an example can teach: a score from 0 to 1, and the parts that it is made of.

The score is the geometric mean of the parts that apply, so that one bad part is not made up for by the others; a part
of 0 makes it 0. Each part is 0 to 1, and none needs more than the example and the facts of the symbol around it:

`length`: characters that are not blank: full from ENOUGH to MANY; what is shorter can be guessed, what is longer is a
    table or a dump more often than something to learn.
`words`: the share of letters, digits and underscores; full from WORDY, below it are rulers, tables and brackets.
`code` (code): the share of lines, those of brackets left out, that hold a name outside of comments and literals: a
    completion of comments, of strings or of numbers says what to copy, not how to program.
`sentence` (documentation): distinct words that are not the symbol's name, up to a SENTENCE; "Gets the foo." of
    `get_foo` teaches to repeat a name.
`fresh` (not of edits, which repeat most of a function by nature): the share of the lines worth comparing that the
    prompt does not show; a completion that stands in its prompt teaches to copy.
`tested` (code in a known symbol, not of a test): 1 when a test exercises it, else UNTESTED: it is less sure to be
    right.
`complexity` (code in a known function): full from 2 to COMPLEX, STRAIGHT without a branch, and falling above, where
    code is called hard to follow and to test (limits of 10 to 15: Watson and Wallace, NIST 500-235, 1996).

The constants are judgements, not measurements: no training has yet shown which of them pay. That is why the score
selects nothing unless `dataset.min_quality` says so.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from math import prod

from pipelines.records import Record
from pipelines.syntax.test_paths import is_test

PROSE = frozenset({"explain", "questions"})  # recipes whose completion is documentation
ENOUGH, MANY = 40, 1500  # characters
WORDY = 0.5
SENTENCE = 5  # words
LINE = 12  # characters of a line that is worth comparing
UNTESTED = 0.8
STRAIGHT = 0.8
COMPLEX = 15

HASHED = frozenset({"python", "ruby", "php"})  # languages in which # begins a comment
QUOTED = re.compile(r"""("{3}|'{3}).*?\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`""", re.DOTALL)
REMARK = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
HASH = re.compile(r"#[^\n]*")
SAYS = re.compile(r"[\w#]")
NAME = re.compile(r"\b[^\W\d]\w*")
PART_OF_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")


class Quality:
    """The score of examples, with what is known of the symbols that they are made of.

    Args:
        symbols: the lines of symbols.jsonl.
    """

    def __init__(self, symbols: Iterable[Record] = ()) -> None:
        self._known: dict[tuple[str, str], list[tuple[int, int, Record]]] = defaultdict(list)
        for symbol in symbols:
            first = min(symbol["start_byte"], (symbol["doc_range"] or [symbol["start_byte"]])[0])
            facts = {key: symbol.get(key) for key in ("kind", "name", "tested", "complexity")}
            self._known[symbol["path"], symbol["blob"]].append((first, symbol["end_byte"], facts))
        for places in self._known.values():
            places.sort(key=lambda place: (place[0], -place[1]))

    def of(self, draft: Record) -> Record:
        """The columns `quality`, 0 to 1, and `quality_parts`, name → 0 to 1, of a draft."""
        symbol = self._around(draft) or {}
        completion = draft["completion"].strip()
        parts = {"length": _length(completion), "words": _words(completion)}
        if draft["task"] in PROSE:
            parts["sentence"] = _sentence(completion, symbol.get("name") or "")
        else:
            parts["code"] = _code(completion, draft["language"])
            parts |= _known(symbol, draft["path"])
        if draft["task"] != "commit_edits":
            parts["fresh"] = _fresh(completion, draft["prompt"])
        shown = {name: round(value, 3) for name, value in parts.items()}
        return {"quality": round(prod(shown.values()) ** (1 / len(shown)), 3), "quality_parts": shown}

    def _around(self, draft: Record) -> Record | None:
        """The innermost symbol that holds a draft's bytes."""
        places = self._known.get((draft["path"], draft["blob"]), [])
        at = bisect_right(places, draft["start_byte"], key=lambda place: place[0])
        holding = (facts for _, end, facts in reversed(places[:at]) if end >= draft["end_byte"])
        return next(holding, None)


def _length(completion: str) -> float:
    size = sum(map(len, completion.split()))
    return min(1.0, size / ENOUGH, MANY / max(size, 1))


def _words(completion: str) -> float:
    signs = "".join(completion.split())
    return min(1.0, sum(sign.isalnum() or sign == "_" for sign in signs) / max(1, len(signs)) / WORDY)


def _sentence(completion: str, name: str) -> float:
    known = {part.lower() for part in PART_OF_NAME.findall(name)}
    said = {word.lower() for word in NAME.findall(completion)} - {name.lower()}
    return min(1.0, len(said - known) / SENTENCE)


def _code(completion: str, language: str) -> float:
    """A literal and a comment count as one line each, however many they have."""
    bare = REMARK.sub("#", QUOTED.sub("0", completion))
    bare = HASH.sub("#", bare) if language in HASHED else bare
    lines = [line for line in bare.splitlines() if SAYS.search(line)]
    return sum(bool(NAME.search(line)) for line in lines) / max(1, len(lines))


def _fresh(completion: str, prompt: str) -> float:
    shown = {line.strip() for line in prompt.splitlines()}
    lines = [line for line in map(str.strip, completion.splitlines()) if len(line) >= LINE]
    if len(completion) >= ENOUGH and completion in prompt:
        return 0.0
    return sum(line not in shown for line in lines) / len(lines) if lines else 1.0


def _known(symbol: Record, path: str) -> dict[str, float]:
    parts = {}
    if symbol.get("tested") is not None and not is_test(path):
        parts["tested"] = 1.0 if symbol["tested"] else UNTESTED
    if symbol.get("complexity") is not None and symbol["kind"] in ("function", "method"):
        branches = symbol["complexity"]
        parts["complexity"] = STRAIGHT if branches < 2 else min(1.0, COMPLEX / branches)
    return parts
