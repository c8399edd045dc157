"""The files of commits, read and parsed: one room for every byte that comes out of the history."""

from collections import OrderedDict
from dataclasses import dataclass

from pipelines.cleaning.clean import clean
from pipelines.config.schema import Params
from pipelines.source import generated, skip_rules
from pipelines.source.reader import Reader, Unreadable
from pipelines.source.skip_rules import Reason
from pipelines.syntax.dialects import open_dialect, settle_dialect
from pipelines.syntax.languages import Language
from pipelines.syntax.notebooks import UnreadableNotebook
from pipelines.syntax.symbols import find_symbols
from pipelines.syntax.types import Symbol

KEPT = 256  # parsed files: what one commit made is what the next one changed
UNTAKEN = ("class", "section")  # a class is its methods; a section is prose


@dataclass(frozen=True)
class Parsed:
    """One file at one commit: its bytes, what they are written in, and its functions and methods by position."""

    source: bytes
    language: Language
    symbols: list[Symbol]


class Sources:
    """Reads blobs and parses them, the last ones from memory."""

    def __init__(self, reader: Reader, params: Params) -> None:
        self._reader = reader
        self._params = params
        self._kept: OrderedDict[tuple[str, str], Parsed | Reason] = OrderedDict()

    def parsed(self, path: str, blob: str, language: Language) -> Parsed | Reason:
        """A file's functions; or why it is not read."""
        key = (blob, path)
        if key not in self._kept:
            self._kept[key] = self._parse(path, blob, language)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _parse(self, path: str, blob: str, language: Language) -> Parsed | Reason:
        most = self._params.extraction.max_file_kb
        try:
            size, content = self._reader.stored(blob, most * 1024)
        except Unreadable as unreadable:
            return Reason(str(unreadable), "readable")
        unread = skip_rules.is_too_large(size, most)
        if unread is not None:
            return unread
        try:
            content, language = open_dialect(content, language)
        except UnreadableNotebook as reason:
            return Reason(f"notebook: {reason}", "notebook")
        unread = skip_rules.find_unreadable(content)
        if unread is None and self._params.extraction.generated == "skip":
            unread = generated.by_content(content.decode())
        if unread is not None:
            return unread
        source = self.clean(content, path)
        if isinstance(source, Reason):
            return source
        language = settle_dialect(source, language)
        return Parsed(source, language, [one for one in find_symbols(source, language) if one.kind not in UNTAKEN])

    def clean(self, source: bytes, path: str) -> bytes | Reason:
        """Text as it may be learned. Every byte of the history that is kept, messages too, comes through here."""
        cleaned = clean(source, path, self._params.cleaning)
        if cleaned.refused is not None:
            return Reason(cleaned.refused.reason, cleaned.refused.rule)
        return cleaned.source
