"""Bytes and lines of one source: which line a byte is on, and what lies between two places."""

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

_BLANK = b" \t\f"
_SPACE = b" \t\r\n\f\v"


class Lines:
    """UTF-8 source, addressed by byte; lines count from 1.

    They end with a line feed; in source that has none, as older Smalltalks write it, with a carriage return.
    """

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.end = b"\n" if b"\n" in source else b"\r"

    @cached_property
    def starts(self) -> list[int]:
        """The byte at which each line begins."""
        return list(accumulate((len(line) + 1 for line in self.source.split(self.end)[:-1]), initial=0))

    @cached_property
    def _chars(self) -> list[int]:
        if self.source.isascii():
            return [*self.starts, len(self.source)]
        totals = [0]
        for line in range(len(self.starts)):
            start, end = self.span(line, line + 1)
            totals.append(totals[-1] + len(self.source[start:end].decode("utf-8", "replace")))
        return totals

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The bytes of the lines `first` to before `last`, counted from 0, line feeds included."""
        end = self.starts[last] if last < len(self.starts) else len(self.source)
        return self.starts[first], end

    def chars(self, first: int, last: int) -> int:
        """How many characters the lines `first` to before `last` hold, counted from 0."""
        return self._chars[last] - self._chars[first]

    def is_blank(self, line: int) -> bool:
        """Whether a line, counted from 0, holds only white space."""
        start, end = self.span(line, line + 1)
        return not self.source[start:end].strip()

    def number(self, byte: int) -> int:
        """The line of a byte."""
        return bisect_right(self.starts, byte)

    def start(self, byte: int) -> int:
        """The first byte of the line of a byte."""
        return self.starts[self.number(byte) - 1]

    def is_first(self, byte: int) -> bool:
        """Whether only blanks stand before a byte on its line."""
        return not self.source[self.start(byte) : byte].strip()

    def text(self, start: int, end: int, cut: tuple[int, int] | None = None) -> str:
        """The source of a range, without `cut` (and without the lines that `cut` leaves blank)."""
        if cut is None or cut[1] <= start or cut[0] >= end:
            return self.source[start:end].decode("utf-8", "replace")
        before = cut[0]
        after = self._skip(cut[1], _BLANK + b";", end)
        if self.is_first(before):
            line_end = self._line_end(after)
            if not self.source[after:line_end].strip(_SPACE):
                before, after = self.start(before), min(line_end, end)
        kept = self.source[start : max(start, before)] + self.source[after:end]
        return kept.decode("utf-8", "replace")

    def end_before(self, byte: int) -> int | None:
        """The end of what stands before a byte, white space passed over; None at the beginning."""
        at = byte
        while at and self.source[at - 1] in _SPACE:
            at -= 1
        return at or None

    def same_block(self, end: int, start: int) -> bool:
        """Whether no blank line lies between two places."""
        return self.source.count(self.end, end, start) <= 1

    def after_statement(self, byte: int, end: int) -> int:
        """Where a Python block goes on after a colon or a statement: a line start, if it can be.

        A comment on the rest of the line is passed over, as are blank lines and a semicolon.
        """
        at = self._skip(byte, _BLANK + b";", end)
        if at < end and self.source[at : at + 1] not in b"\r\n#":
            return at
        at = min(self._line_end(at), end)
        while at < end and not self.source[at : self._line_end(at)].strip():
            at = min(self._line_end(at), end)
        return at

    def _skip(self, at: int, what: bytes, end: int) -> int:
        while at < end and self.source[at] in what:
            at += 1
        return at

    def _line_end(self, byte: int) -> int:
        at = self.source.find(self.end, byte)
        return len(self.source) if at < 0 else at + 1
