"""The chunk format: texts that end with `!`, where `!!` stands for one mark and an empty chunk ends a list of methods.

Glenn Krasner, "The Smalltalk-80 Code File Format", in Smalltalk-80: Bits of History, Words of Advice (1983).
"""

import re
from collections.abc import Iterator

from pipelines.syntax.smalltalk.definitions import Comment, Definitions
from pipelines.syntax.smalltalk.methods import Found, add_method, selector
from pipelines.syntax.smalltalk.tokens import Tokens

_MARK = re.compile(rb"!!|!")
_CLASS = rb"(?:Smalltalk\.)?(?P<name>[\w.]+)(?P<meta>\s+class(?:Side)?\b|\s+classTrait\b)?(?:\s+trait\b)?"
_METHODS = re.compile(_CLASS + rb"\s+(?:public|private|protected)?[mM]ethodsFor\b")
_TEXT = re.compile(_CLASS + rb"\s+(?:(?P<comment>commentStamp:)|reorganize\b)")
_UNDOUBLED = 8  # marks in one comment are looked past


class FileOut:
    """One file, chunk by chunk."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.source = found.lines.source
        self.definitions = Definitions(found)
        self.owner = ""
        self.header: int | None = None
        self.chunks = list(_chunks(self.source))
        self.at = 0

    def read(self) -> None:
        """Add everything that the file defines."""
        while self.at < len(self.chunks):
            start, end = self.chunks[self.at]
            self.at += 1
            if start == end:
                self.owner = ""
            elif self.owner:
                self._method(start)
            elif header := _METHODS.match(self.source, start, end):
                self.owner, self.header = _owner(header), start
                self.found.starts.add(self.found.row(start))
            elif header := _TEXT.match(self.source, start, end):
                self.found.starts.add(self.found.row(start))
                self._text(_owner(header) if header["comment"] else "")
            else:
                self.definitions.read(start, self._tokens(start)[1])
        self.definitions.close()

    def _tokens(self, start: int) -> tuple[Tokens, int]:
        """The tokens from a byte to the end of its chunk, and that end.

        Files of dialects that do not double the mark in strings and comments have it there as it is.
        """
        first = Tokens(self.source, start, self.chunks[self.at - 1][1])
        if not first.valid:
            for after in range(self.at, min(self.at + _UNDOUBLED, len(self.chunks))):
                begin, end = self.chunks[after]
                if begin == end:
                    break
                tokens = Tokens(self.source, start, end)
                if tokens.valid:
                    self.at = after + 1
                    return tokens, end
        return first, self.chunks[self.at - 1][1]

    def _text(self, commented: str) -> None:
        """A chunk of plain text: the comment of a class, or how it is organised."""
        if self.at < len(self.chunks):
            start, end = self.chunks[self.at]
            words = self.found.words(self.source[start:end].decode("utf-8", "replace"))
            if commented and words:
                self.definitions.comments[commented] = Comment(words, (start, end))
        self.at += 1

    def _method(self, start: int) -> None:
        tokens, end = self._tokens(start)
        pattern = selector(tokens.list)
        if pattern is None:
            self.found.valid = False
            return
        name, count = pattern
        first, header_end = tokens.list[0].start, tokens.list[count - 1].end
        if self.header is not None:
            self.found.attached.update(range(self.found.row(self.header), self.found.row(first)))
            self.header = None
        add_method(
            self.found,
            self.owner,
            name,
            whole=(first, end),
            header_end=header_end,
            inside=(header_end, end),
            tokens=Tokens(self.source, header_end, end),
        )


def _owner(header: re.Match[bytes]) -> str:
    return header["name"].decode("utf-8", "replace") + (" class" if header["meta"] else "")


def _chunks(source: bytes) -> Iterator[tuple[int, int]]:
    """The bytes of each chunk without white space around; what follows the last mark is one as well."""
    start = 3 if source.startswith(b"\xef\xbb\xbf") else 0
    for mark in _MARK.finditer(source):
        if mark.group() == b"!":
            yield _stripped(source, start, mark.start())
            start = mark.end()
    if source[start:].strip():
        yield _stripped(source, start, len(source))


def _stripped(source: bytes, start: int, end: int) -> tuple[int, int]:
    text = source[start:end]
    begin = end - len(text.lstrip())
    return begin, max(begin, start + len(text.rstrip()))
