"""Smalltalk source as tokens, by the lexical rules of ANSI INCITS 319-1998, section 3.5, and what dialects add."""

import re
from dataclasses import dataclass

_NAME = rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*+"
_QUOTED = rb"'[^']*+(?:''[^']*+)*+'"
_OPERATOR = rb"[-+*/\\~<>=@,%&?\xd7\xf7]"
_TOKEN = re.compile(
    rb"""
      (?P<comment>"[^"]*+(?:""[^"]*+)*+")
    | (?P<string>%(quoted)s)
    | (?P<char>\$(?:!!|[^\x80-\xbf][\x80-\xbf]*))
    | (?P<symbol>\#+(?:%(quoted)s|%(name)s(?:[:.]%(name)s)*+:?|%(operator)s+))
    | (?P<keyword>%(name)s:(?!=))
    | (?P<name>%(name)s(?:\.[A-Z]\w*+)*+)
    | (?P<number>\d\w*+(?:\.\d\w*+)?)
    | (?P<assign>:=)
    | (?P<open>\#*[\[({])
    | (?P<close>[\])}])
    | (?P<bar>\|)
    | (?P<operator>%(operator)s+)
    | (?P<bang>!!?)
    | (?P<other>[^\s])
    """
    % {b"quoted": _QUOTED, b"name": _NAME, b"operator": _OPERATOR},
    re.VERBOSE | re.DOTALL,
)
_UNFINISHED = {b'"', b"'", b"$"}
_CLOSED_BY = {b"[": b"]", b"(": b")", b"{": b"}"}


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, a group's name above, and its bytes, `source[start:end]`."""

    kind: str
    text: bytes
    start: int
    end: int


class Tokens:
    """The tokens of a range of source, comments apart.

    Attributes:
        list: all but comments.
        comments: the comments.
        pairs: index in `list` of an opening bracket → index of its closing one; and the other way round.
        valid: whether every string, comment and bracket is closed.
    """

    def __init__(self, source: bytes, start: int, end: int) -> None:
        self.list: list[Token] = []
        self.comments: list[Token] = []
        for match in _TOKEN.finditer(source, start, end):
            kind = str(match.lastgroup)
            token = Token(kind, match.group(), match.start(), match.end())
            (self.comments if kind == "comment" else self.list).append(token)
        self.valid = not any(token.text in _UNFINISHED for token in self.list)
        self.pairs = self._pair()

    def _pair(self) -> dict[int, int]:
        pairs: dict[int, int] = {}
        around: list[int] = []
        for index, token in enumerate(self.list):
            if token.kind == "open":
                around.append(index)
            elif token.kind == "close":
                if not around or _CLOSED_BY[self.list[around[-1]].text[-1:]] != token.text:
                    self.valid = False
                    continue
                pairs[around[-1]] = index
                pairs[index] = around.pop()
        self.valid = self.valid and not around
        return pairs


def texts(source: bytes) -> list[bytes]:
    """The text of each token, comments included, in order."""
    return [match.group() for match in _TOKEN.finditer(source)]


def is_marked(source: bytes) -> bool:
    """Whether a chunk's mark stands anywhere outside strings and comments."""
    return any(match.lastgroup == "bang" for match in _TOKEN.finditer(source))
