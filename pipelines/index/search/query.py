"""What a person asks: words, and filters in plain syntax (`lang:go path:internal/ kind:function -path:docs retry`)."""

import re
from dataclasses import dataclass, field

from pipelines.errors import UsageError
from pipelines.index.store import payload
from pipelines.index.store.interface import Scope
from pipelines.syntax.languages import LANGUAGES, find_language
from pipelines.syntax.text.kinds import TEXT_KINDS

KINDS = tuple(sorted((*payload.KINDS_OF_CODE, payload.TEST)))
KEYS = {
    "lang": "language",
    "language": "language",
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

    `lang:` is a language or a file ending, `path:` a folder or a file, whole or by its name, `kind:` one of KINDS,
    of which `test` is whatever stands in tests, `symbol:` a name, qualified or bare, in any case, `commit:` the last
    one that changed the file, of which 7 digits count, or `uncommitted`, `complexity:` how many ways through a function
    there are, or more (McCabe). Several of one key are alternatives, different keys must all hold, a `-` before one
    excludes. `kind:`, `symbol:` and `complexity:` are about definitions: a passage is found when one definition in it
    passes all of them. `path:"my folder"` keeps a space.

    Raises:
        UsageError: a key or value is unknown or empty, or nothing is left to look for.
    """
    words: list[str] = []
    only: dict[str, list[str]] = {}
    never: dict[str, list[str]] = {}
    for token in _TOKEN.finditer(asked):
        key, value = token["key"], (token["value"] or "").strip('"')
        if key is None or (key not in KEYS and not value):
            words.append(token[0])
            continue
        chosen = never if token["not"] else only
        chosen.setdefault(_key(token), []).append(_value(key, value))
    if not words:
        raise UsageError(
            "There is nothing to look for: the text is empty, apart from filters.",
            'Write for example `nocturne search "lang:python retry"`.',
        )
    return Query(" ".join(words), Scope(only=only, never=never))


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
    if KEYS[key] == "language":
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
    meant = find_language(value)
    return (
        meant.name if meant else _known("lang", value.lower(), [*(one.name for one in LANGUAGES), *sorted(TEXT_KINDS)])
    )


def _known(key: str, value: str, known: tuple[str, ...] | list[str]) -> str:
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
