"""What a person asks: words, and filters in plain syntax (`lang:go path:internal/ kind:function -path:docs retry`)."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from pipelines.errors import UsageError
from pipelines.index.store import payload
from pipelines.index.store.interface import OF_ENDING, Scope
from pipelines.syntax.languages import LANGUAGES, find_language
from pipelines.syntax.text.kinds import TEXT, TEXT_KINDS

KINDS = tuple(sorted((*payload.KINDS_OF_CODE, payload.TEST)))
KEYS = {
    "lang": payload.LANGUAGE,
    "language": payload.LANGUAGE,
    "path": payload.PLACES,
    "kind": payload.KINDS,
    "symbol": payload.NAMES,
    "commit": payload.COMMITS,
    "complexity": payload.COMPLEXITY,
}
_NUMBER = re.compile(r"[0-9]{1,9}")
_COMMIT = re.compile(rf"[0-9a-f]{{{payload.COMMIT_LETTERS},40}}")
# `std::vector`, `http://…` and `Error: …` are words; so is everything in quotes.
_TOKEN = re.compile(r'(?P<not>-?)(?P<key>[a-z]+):(?!:|//)(?P<value>"[^"]*"|\S*)|"[^"]*"|\S+')


@dataclass(frozen=True)
class Query:
    """The words to search for, and where."""

    text: str
    scope: Scope = field(default_factory=Scope)


def parse_query(asked: str) -> Query:
    """Take the filters out of what was typed.

    `lang:` is a language, a kind of text or a file ending, `path:` a folder or a file, whole or by its name, `kind:`
    one of KINDS, of which `test` is whatever stands in tests, `symbol:` a name, qualified or bare, in any case,
    `commit:` the last one that changed the file, of which 7 digits count, or `uncommitted`, `complexity:` how many ways
    through a function there are, or more (McCabe). Several of one key are alternatives, different keys must all hold, a
    `-` before one excludes. `kind:`, `symbol:` and `complexity:` are about definitions: a passage is found when one
    definition in it passes all of them. `path:"my folder"` keeps a space.

    A `lang:` that is no language is kept as a file ending: only the index knows which endings there are, see
    `resolve_endings`.

    Raises:
        UsageError: a key or value is unknown or empty, or nothing is left to look for.
    """
    words: list[str] = []
    must: dict[str, list[str]] = {}
    must_not: dict[str, list[str]] = {}
    for token in _TOKEN.finditer(asked):
        key, value = token["key"], (token["value"] or "").strip('"')
        if key is None or (key not in KEYS and not value):
            words.append(token[0])
            continue
        chosen = must_not if token["not"] else must
        name, meant = _key(token), _value(key, value)
        name = OF_ENDING if name == payload.LANGUAGE and meant.startswith(".") else name
        chosen.setdefault(name, []).append(meant)
    if not words:
        raise UsageError(
            "There is nothing to look for: the text is empty, apart from filters.",
            'Write for example `nocturne search "lang:python retry"`.',
        )
    return Query(" ".join(words), Scope(must=must, must_not=must_not))


def resolve_endings(scope: Scope, indexed: Callable[[], Collection[str]]) -> Scope:
    """The scope with the paths of the files that have its endings in place of the endings.

    Args:
        indexed: gives the paths of all indexed files; called only when the scope has an ending.

    Raises:
        UsageError: no indexed file has an ending: it is then a mistyped language.
    """
    if OF_ENDING not in scope.must and OF_ENDING not in scope.must_not:
        return scope
    paths = sorted(indexed())
    return replace(scope, must=_with_paths(scope.must, paths), must_not=_with_paths(scope.must_not, paths))


def _with_paths(values: payload.Values, paths: Sequence[str]) -> payload.Values:
    if OF_ENDING not in values:
        return values
    found = [path for ending in values[OF_ENDING] for path in _paths_ending(ending, paths)]
    return {**values, OF_ENDING: sorted(set(found))}


def _paths_ending(ending: str, paths: Sequence[str]) -> list[str]:
    found = [path for path in paths if path.lower().endswith(ending)]
    if not found:
        raise _unknown_language(ending.removeprefix("."), paths)
    return found


def _unknown_language(value: str, paths: Sequence[str]) -> UsageError:
    known = [*(one.name for one in LANGUAGES), *sorted(TEXT_KINDS)]
    endings = {path.lower().rpartition(".")[2] for path in paths if "." in path.rpartition("/")[2]}
    close = get_close_matches(value, [*known, *sorted(endings)])
    meant = f"Did you mean {' or '.join(f'lang:{one}' for one in dict.fromkeys(close))}? " if close else ""
    return UsageError(
        f"`lang:{value}` is unknown: it is no language, and no indexed file ends in `.{value}`.",
        f"{meant}Write the ending of an indexed file, or one of: {', '.join(known)}.",
    )


def _key(token: re.Match[str]) -> str:
    if token["key"] not in KEYS:
        raise UsageError(
            f"`{token['key']}:` is no filter; there are {', '.join(f'{key}:' for key in KEYS)}.",
            f"Write '\"{token[0]}\"', in quotes, to search for these words.",
        )
    return KEYS[token["key"]]


def _value(key: str, value: str) -> str:
    if not value.strip("/ "):
        raise UsageError(f"`{key}:` has no value.", f"Write it right behind the colon: `{key}:{_LIKE[key]}`.")
    if KEYS[key] == payload.LANGUAGE:
        return _language(value)
    if key == "kind":
        return _known(key, value.lower(), KINDS)
    if key == "commit":
        return _commit(value.lower())
    if key == "complexity":
        return _number(value)
    return value.lower() if key == "symbol" else value.removeprefix("./").strip("/")


def _commit(value: str) -> str:
    if value != payload.UNCOMMITTED and not _COMMIT.fullmatch(value):
        raise UsageError(
            f"`commit:{value}` is no commit.",
            f"Write {payload.COMMIT_LETTERS} to 40 of its hexadecimal digits (`git log`), or {payload.UNCOMMITTED}.",
        )
    return value if value == payload.UNCOMMITTED else value[: payload.COMMIT_LETTERS]


def _number(value: str) -> str:
    if not _NUMBER.fullmatch(value):
        raise UsageError(f"`complexity:{value}` is no number.", "Write the least that you look for: complexity:10.")
    return value


def _language(value: str) -> str:
    """The name of a language; or a file ending with its dot, where that is all that a name can be."""
    meant, low = find_language(value), value.lower().removeprefix(".")
    # A kind that holds every other text as well says less than the ending.
    is_named = meant is not None and (meant.name != TEXT or low in (TEXT, "txt"))
    return meant.name if meant and is_named else f".{low}"


def _known(key: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise UsageError(f"`{key}:{value}` is unknown.", f"Write one of: {', '.join(known)}.")
    return value


_LIKE = {
    "lang": "go",
    "language": "go",
    "path": "internal/",
    "kind": "function",
    "symbol": "retry",
    "commit": payload.UNCOMMITTED,
    "complexity": "10",
}
