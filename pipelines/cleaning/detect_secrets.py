"""The first scanner: detect-secrets (https://github.com/Yelp/detect-secrets), regular expressions in this process.

Its rules are applied directly. Its own `scan` asks each plugin to verify what it found over the network, logs secrets
when it filters them, passes lines that a comment allows, and takes 11 s for a MB; only lines on which a rule can
match are shown to the rules here.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from pipelines.cleaning.placeholders import is_placeholder
from pipelines.cleaning.span import Span

NAME = "detect-secrets"
BEFORE, AFTER = 200, 500  # characters around a keyword that are looked at: a line can be a whole minified file
SHARED = 100  # keywords as near as this are looked at together

_HINTS = ("key", "pass", "pwd", "secret", "token", "credential")
_TOKEN = re.compile(r"[\w+/=.-]{16}|://", re.ASCII)
_DIGIT = re.compile(r"[0-9]")
# Of quoted strings alone these say too much: `SecretAssignment` measures randomness where a name says secret.
_LEFT_OUT = {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector", "KeywordDetector"}
_ASSIGNMENTS = {
    "CloudantDetector",
    "IbmCloudIamDetector",
    "IbmCosHmacDetector",
    "SoftlayerDetector",
    "SecretAssignment",
}
_WHOLE_TEXT = {"PrivateKeyBlock"}
_MIN_GROUP = 6  # a shorter group is a prefix such as "ghp"; then the whole match is the secret


def scan(source: bytes, path: str) -> Iterator[Span]:
    """What its rules and ours find, each occurrence of each value.

    Args:
        source: any bytes; they are read as Latin-1, so that characters are bytes.
        path: whose ending says how assignments are written.
    """
    text = source.decode("latin-1")
    lines = [line for line in text.split("\n") if _DIGIT.search(line)]
    hinted = [line for line in lines if _is_hinted(line.lower())]
    shown = {"assigned": "\n".join(hinted), "token": "\n".join(line for line in lines if _TOKEN.search(line))}
    shown["all"] = text if "PRIVATE KEY" in text else ""
    found = {(value, rule.secret_type) for rule in _rules() for value in _values(rule, shown[_place(rule)])}
    found |= {(value, "Secret Keyword") for value in _keyword_values(hinted, path)}
    for value, kind in sorted(found):
        at = text.find(value)
        while at >= 0:
            yield Span(at, at + len(value), kind, NAME, "secret")
            at = text.find(value, at + len(value))


def _is_hinted(line: str) -> bool:
    return any(hint in line for hint in _HINTS)


@cache
def _rules() -> list[Any]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    from pipelines.cleaning.rules import RULES

    theirs: list[Any] = list(get_mapping_from_secret_type_to_class().values())
    return [rule() for rule in (*theirs, *RULES) if rule.__name__ not in _LEFT_OUT]


def _place(rule: Any) -> str:
    name = type(rule).__name__
    return "assigned" if name in _ASSIGNMENTS else "all" if name in _WHOLE_TEXT else "token"


def _values(rule: Any, text: str) -> Iterator[str]:
    """What a rule's patterns match, its longest group where it has one; without stand-ins."""
    for pattern in rule.denylist:
        for found in pattern.finditer(text):
            group = max((part for part in found.groups() if part), key=len, default="")
            value = group if len(group) >= _MIN_GROUP else found[0]
            if not is_placeholder(value) and getattr(rule, "accepts", bool)(value):
                yield value


@cache
def _keywords() -> re.Pattern[str]:
    from detect_secrets.plugins.keyword import DENYLIST_REGEX

    return re.compile(DENYLIST_REGEX, re.IGNORECASE)


def _keyword_values(lines: Iterable[str], path: str) -> Iterator[str]:
    """Values by the keyword plugin, which wants one line at a time."""
    from detect_secrets.plugins import keyword
    from detect_secrets.util.filetype import determine_file_type

    plugin = keyword.KeywordDetector()
    rules = keyword.REGEX_BY_FILETYPE.get(determine_file_type(path), keyword.QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP)
    for line in lines:
        done = -1
        for found in _keywords().finditer(line):
            if found.start() > done:
                done = found.start() + SHARED
                window = line[max(0, found.start() - BEFORE) : found.start() + AFTER].rstrip()
                yield from filter(_is_secret, plugin.analyze_string(window, denylist_regex_to_group=rules))


def _is_secret(value: str) -> bool:
    """The plugin's own value filters, and that people's words are none: a digit, and no sentence."""
    from detect_secrets.filters import heuristic

    filtered = heuristic.is_sequential_string(value) or heuristic.is_potential_uuid(value)
    worded = " " in value or not _DIGIT.search(value)
    return not (filtered or worded or is_placeholder(value))
