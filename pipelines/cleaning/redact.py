"""Blotting out: same length, same lines, and what was code still is."""

import re
from collections.abc import Iterable

from pipelines.cleaning.span import Span

FILLER = b"x"

# Line breaks, quotes and a backslash with what it escapes carry a file's structure, and nothing of a secret.
_KEPT = re.compile(rb"""\\.|[\s"'`\\]""", re.DOTALL)
# Over several lines comment marks and string joints stand between the stretches of a key.
_STRETCH = re.compile(rb"""(?<!\\)[^\s"'`\\,;#*|>()]{2,}""")
_MARK = re.compile(rb"[ \t]*(?:#|//+|\*|--|;|>|\|)[ \t]*")


def redact(source: bytes, spans: Iterable[Span]) -> bytes:
    """The source with its spans filled; as long as before, every line where it was."""
    out = bytearray(source)
    for span in spans:
        out[span.start : span.end] = _fill(source, span)
    return bytes(out)


def _fill(source: bytes, span: Span) -> bytes:
    text = source[span.start : span.end]
    if b"\n" not in text:
        return _redact_line(text, escaped=_is_escaped(source, span.start))
    first, *rest = text.split(b"\n")
    return b"\n".join([_redact_line(first, escaped=_is_escaped(source, span.start)), *map(_continue_line, rest)])


def _redact_line(text: bytes, escaped: bool) -> bytes:
    """Everything but what carries structure; an escape's letter stays with its backslash."""
    head, body = (text[:1], text[1:]) if escaped else (b"", text)
    return head + b"".join(
        piece if _KEPT.fullmatch(piece) else FILLER * len(piece) for piece in re.split(rb"""(\\.|[\s"'`\\])""", body)
    )


def _continue_line(line: bytes) -> bytes:
    """A further line: its comment mark and what joins strings stay."""
    mark = _MARK.match(line)
    start = mark.end() if mark else 0
    return line[:start] + _STRETCH.sub(lambda found: FILLER * len(found[0]), line[start:])


def _is_escaped(source: bytes, at: int) -> bool:
    before = source[:at]
    return (len(before) - len(before.rstrip(b"\\"))) % 2 == 1
