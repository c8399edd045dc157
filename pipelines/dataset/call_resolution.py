"""Which definitions of the repository a symbol means by the names it calls."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Generic, TypeVar

from pipelines.records.extraction import Symbol
from pipelines.syntax.test_paths import STANDS_FOR_ITS_FOLDER, package_of

CALLABLE = frozenset({"function", "method", "class"})
MAX_CANDIDATES = 3
S = TypeVar("S", bound=Symbol)

IMPORTED, SAME_FILE, SAME_PACKAGE, FOLDER_IMPORTED, ELSEWHERE = range(5)


class CallResolver(Generic[S]):
    """The callable definitions of a repository, by name."""

    def __init__(self, symbols: Iterable[S]) -> None:
        self._by_name: dict[str, list[S]] = defaultdict(list)
        for symbol in symbols:
            if symbol["kind"] in CALLABLE:
                self._by_name[symbol["name"]].append(symbol)

    def defines(self, name: str) -> bool:
        """Whether any of them bears that name."""
        return name in self._by_name

    def of(
        self, symbol: Symbol, may_show: Callable[[str, str], bool], farthest: int = ELSEWHERE
    ) -> Iterator[tuple[int, S]]:
        """What a symbol calls: how near it is (`IMPORTED` to `ELSEWHERE`) and the definition, in the order of `calls`.

        Of a name's definitions the nearest ones are taken. A name that more than `MAX_CANDIDATES` of them bear equally
        near, elsewhere more than one, says nothing and is left out. So is what lies inside the symbol itself or bears
        its name: who calls `close` in `close` means another class's, of which nothing is known here.

        Args:
            symbol: a record of symbols.jsonl.
            may_show: whether an example of one path may show the text of another.
            farthest: what is farther away is left out.
        """
        imports = [Import(statement) for statement in symbol["imports"]]
        for name in symbol["calls"]:
            rated: dict[int, list[S]] = defaultdict(list)
            for other in self._by_name.get(name, []) if name != symbol["name"] else []:
                if not _inside(other, symbol) and may_show(symbol["path"], other["path"]):
                    rated[distance(symbol, other, imports)].append(other)
            nearest = min(rated, default=ELSEWHERE + 1)
            most = 1 if nearest == ELSEWHERE else MAX_CANDIDATES
            if nearest <= farthest and len(rated[nearest]) <= most:
                yield from ((nearest, other) for other in rated[nearest])


class Import:
    """An import statement as the words that are in it."""

    def __init__(self, statement: str) -> None:
        self.words = frozenset(re.findall(r"\w+", statement))


def distance(symbol: Symbol, other: Symbol, imports: Iterable[Import]) -> int:
    """How far a definition is from a symbol, `IMPORTED` to `ELSEWHERE`.

    An import names a file by the file's own name, or by its folder's when the folder is what one imports (Go, a
    package's `__init__`) or when it names the definition beside it.
    """
    if other["path"] == symbol["path"]:
        return SAME_FILE
    path = PurePosixPath(other["path"])
    folder = path.parent.name
    stands_for_folder = path.stem in STANDS_FOR_ITS_FOLDER or other["language"] == "go"
    named = [one for one in imports if folder in one.words]
    if any(other["name"] in one.words for one in named) or (named and stands_for_folder):
        return IMPORTED
    if any(path.stem in one.words for one in imports):
        return IMPORTED
    if package_of(other["path"]) == package_of(symbol["path"]):
        return SAME_PACKAGE
    return FOLDER_IMPORTED if named else ELSEWHERE


def _inside(other: Symbol, symbol: Symbol) -> bool:
    same = other["path"] == symbol["path"]
    return same and symbol["start_byte"] <= other["start_byte"] and other["end_byte"] <= symbol["end_byte"]
