"""Which of the forms of Smalltalk source a file has, and what it says."""

import re

from pipelines.syntax.lines import Lines
from pipelines.syntax.smalltalk.definitions import Definitions
from pipelines.syntax.smalltalk.fileout import FileOut
from pipelines.syntax.smalltalk.methods import Found, add_method, selector
from pipelines.syntax.smalltalk.tokens import Tokens, is_marked
from pipelines.syntax.types import Reading

# A file of FileTree (https://github.com/dalehenrich/filetree) is a protocol, and below it one method.
_PROTOCOL = re.compile(rb"(?:\xef\xbb\xbf)?[\w*][^\r\n'\"\[\]{}.!:;^#]*(?:\r\n|\n|\r)")
_TONEL = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\"[^\"]*+(?:\"\"[^\"]*+)*+\"\s*)?(?:Class|Trait|Extension|Package)\s*\{")


def read(source: bytes) -> Reading:
    """The classes and methods of UTF-8 Smalltalk.

    A method is named `Foo>>at:put:` or `Foo class>>new`; the file of a single method does not say of which class it is.
    """
    found = Found(Lines(source))
    protocol = _PROTOCOL.match(source)
    if _TONEL.match(source) is None and is_marked(source):
        found.doubled = True
        FileOut(found).read()
    elif protocol is None or not _single(found, protocol.end()):
        definitions = Definitions(found)
        definitions.read(3 if source.startswith(b"\xef\xbb\xbf") else 0, len(source))
        definitions.close()
    return found.reading()


def _single(found: Found, start: int) -> bool:
    """Whether one method, and nothing else, stands from a byte on; adds it."""
    source = found.lines.source
    tokens = Tokens(source, start, len(source))
    pattern = selector(tokens.list)
    if pattern is None or not tokens.valid:
        return False
    name, count = pattern
    first, header_end = tokens.list[0].start, tokens.list[count - 1].end
    end = start + len(source[start:].rstrip())
    found.attached.update(range(found.row(first)))
    add_method(
        found,
        "",
        name,
        whole=(first, end),
        header_end=header_end,
        inside=(header_end, end),
        tokens=Tokens(source, header_end, end),
    )
    return True
