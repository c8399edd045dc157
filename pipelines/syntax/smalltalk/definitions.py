"""Statements and bracketed definitions: classes by message, Tonel, and GNU Smalltalk's `Foo subclass: Bar [ ... ]`."""

from dataclasses import dataclass
from itertools import pairwise

from pipelines.syntax.smalltalk.methods import Found, add_method, selector
from pipelines.syntax.smalltalk.nodes import pragmas
from pipelines.syntax.smalltalk.tokens import Token, Tokens
from pipelines.syntax.symbols import MAX_DEPTH
from pipelines.syntax.types import make_symbol

_META = {b"class", b"classSide", b"classTrait"}
_TONEL = {b"Class", b"Trait", b"Extension", b"Package"}
_FLUENT = {b"slots:", b"traits:", b"layout:", b"package:", b"sharedVariables:", b"tag:", b"category:"}


@dataclass
class Comment:
    """What documents a class: its words, and its bytes with marks."""

    words: str
    range: tuple[int, int]


class Definitions:
    """Reads the statements of a range and what they define.

    Attributes:
        comments: class name → its comment, for those that stand apart from the definition.
        classes: class name → its whole definition, and where its body begins and ends, if it has one.
    """

    def __init__(self, found: Found) -> None:
        self.found = found
        self.comments: dict[str, Comment] = {}
        self.classes: dict[str, tuple[tuple[int, int], tuple[int, int] | None]] = {}

    def close(self) -> None:
        """Add the classes, each with its comment."""
        for name, (whole, body) in self.classes.items():
            comment = self.comments.get(name)
            symbol = make_symbol(
                self.found.lines,
                "class",
                name.rsplit(".", 1)[-1],
                name,
                whole=whole,
                header_end=body[0] if body else whole[1],
                body=body,
                doc=comment.words if comment else "",
                doc_range=comment.range if comment else None,
            )
            self.found.symbols.append(symbol)

    def read(self, start: int, end: int) -> None:
        """Read a range of the source."""
        tokens = Tokens(self.found.lines.source, start, end)
        self.found.valid = self.found.valid and tokens.valid
        _Items(self, tokens).read(0, len(tokens.list), "", 0)


class _Items:
    """One range's tokens, walked over once."""

    def __init__(self, into: Definitions, tokens: Tokens) -> None:
        self.into = into
        self.found = into.found
        self.tokens = tokens
        self.list = tokens.list
        self.metadata: int | None = None

    def read(self, at: int, last: int, owner: str, depth: int) -> None:
        """What stands between two indices; `owner` is the class whose brackets these are, or ""."""
        header: list[Token] = []
        while at < last:
            token = self.list[at]
            if not header and (passed := self._passed(at, last, owner)) > at:
                at = passed
            elif token.kind == "open":
                close = self.tokens.pairs.get(at)
                if close is None:
                    return
                if self._bracketed(header, at, close, owner, depth):
                    header = []
                else:
                    header += [token, self.list[close]]
                at = close + 1
            elif token.text in {b".", b"!"}:
                self._statement(header, owner)
                header, at = [], at + 1
            else:
                header.append(token)
                at += 1
        self._statement(header, owner)

    def _passed(self, at: int, last: int, owner: str) -> int:
        """The index after a pragma, declared variables or a method's metadata; the same when there are none."""
        token = self.list[at]
        if token.text == b"{" and not owner and at in self.tokens.pairs:
            self.metadata = token.start
            return self.tokens.pairs[at] + 1
        if not owner:
            return at
        after = pragmas(self.list, at)
        if after > at:
            self._class_comment(self.list[at:after], owner)
        elif token.kind == "bar":
            close = next((i for i in range(at + 1, last) if self.list[i].kind != "name"), last)
            after = close + 1 if close < last and self.list[close].kind == "bar" else at
        return after

    def _class_comment(self, found: list[Token], owner: str) -> None:
        """Take the comment of a class from its pragmas."""
        for opening, key, value in zip(found, found[1:], found[2:], strict=False):
            if (opening.text, key.text, value.kind) == (b"<", b"comment:", "string"):
                comment = Comment(self.found.comment(value.text), (value.start, value.end))
                self.into.comments.setdefault(owner, comment)

    def _bracketed(self, header: list[Token], at: int, close: int, owner: str, depth: int) -> bool:
        """Whether brackets after a header define something; adds what they define."""
        texts = [token.text for token in header]
        if self.list[at].text == b"{" and len(header) == 1 and texts[0] in _TONEL:
            self._tonel(header[0], at, close)
            return True
        if self.list[at].text != b"[" or not header or depth > MAX_DEPTH:
            return False
        if b">>" in texts[1:3]:
            cut = texts.index(b">>", 1)
            if len(texts) > 1 and (cut == 1 or texts[1] in _META):
                return self._method(header, cut + 1, _named(header[:cut]), at, close)
            return False
        if len(header) >= 3 and texts[-2].endswith(b"ubclass:") and header[-1].kind == "name":
            name = _bare(header[-1].text)
            self._class(name, header[0].start, (self.list[at].start, self.list[close].end))
            self.read(at + 1, close, name, depth + 1)
            return True
        if texts[-1] == b"extend" and 2 <= len(texts) <= 3:
            self.read(at + 1, close, _named(header[:-1]), depth + 1)
            return True
        if owner and len(texts) == 2 and header[0].kind == "name" and texts[1] in _META:
            self.read(at + 1, close, _named(header), depth + 1)
            return True
        if texts[:2] == [b"Namespace", b"current:"]:
            self.read(at + 1, close, "", depth + 1)
            return True
        if texts == [b"Eval"]:
            return True
        return bool(owner) and self._method(header, 0, owner, at, close)

    def _method(self, header: list[Token], pattern: int, owner: str, at: int, close: int) -> bool:
        found = selector(header[pattern:])
        if found is None or found[1] != len(header) - pattern:
            return False
        start = header[0].start
        if self.metadata is not None:
            rows = range(self.found.row(self.metadata), self.found.row(start))
            self.found.attached.update(rows)
            self.metadata = None
        inside = (self.list[at].end, self.list[close].start)
        add_method(
            self.found,
            owner,
            found[0],
            whole=(start, self.list[close].end),
            header_end=header[-1].end,
            inside=inside,
            tokens=Tokens(self.found.lines.source, *inside),
        )
        return True

    def _tonel(self, keyword: Token, at: int, close: int) -> None:
        """`Class { #name : #Foo, ... }`, with the class comment above it."""
        self.metadata = None
        if keyword.text not in {b"Class", b"Trait"}:
            return
        named = [i for i in range(at, close - 2) if self.list[i].text.strip(b"#'") == b"name"]
        if not named:
            return
        name = _bare(self.list[named[0] + 2].text)
        above = [comment for comment in self.tokens.comments if comment.end <= keyword.start]
        if above and not self.found.lines.source[above[-1].end : keyword.start].strip():
            comment = Comment(self.found.comment(above[-1].text), (above[-1].start, above[-1].end))
            self.into.comments.setdefault(name, comment)
        self._class(name, keyword.start, None, self.list[close].end)

    def _class(self, name: str, start: int, body: tuple[int, int] | None, end: int = 0) -> None:
        self.found.starts.add(self.found.row(start))
        self.into.classes.setdefault(name, ((start, body[1] if body else end), body))

    def _statement(self, header: list[Token], owner: str) -> None:
        """A statement that defines a class or comments on one."""
        if not header or owner:
            return
        self.found.starts.add(self.found.row(header[0].start))
        name = _defined(header)
        if name:
            self._class(name, header[0].start, None, header[-1].end)
        elif len(header) == 3 and header[1].text == b"comment:" and header[2].kind == "string":
            words = self.found.comment(header[2].text)
            self.into.comments[_bare(header[0].text)] = Comment(words, (header[2].start, header[2].end))


def _defined(statement: list[Token]) -> str:
    """The qualified name of the class that a statement defines, or ""."""
    for at, (token, value) in enumerate(pairwise(statement[1:]), 1):
        if value.kind not in {"symbol", "string"}:
            continue
        name = _bare(value.text)
        if token.text == b"defineClass:":
            space = _bare(statement[at - 1].text)
            return name if space == "Smalltalk" else f"{space}.{name}"
        if token.text.endswith(b"ubclass:") or (at == 1 and (statement[0].text, token.text) == (b"Trait", b"named:")):
            return name
        if at == 1 and token.text == b"<<" and name[:1].isupper() and _FLUENT & {part.text for part in statement}:
            return name
    return ""


def _named(tokens: list[Token]) -> str:
    """`Foo` or `Foo class`."""
    name = _bare(tokens[0].text)
    return f"{name} class" if len(tokens) > 1 else name


def _bare(name: bytes) -> str:
    return name.decode("utf-8", "replace").strip("#'").removeprefix("Smalltalk.")
