"""The first pass over a snapshot: every file that is read is parsed and lies in the cache."""

from collections.abc import Iterator, Sequence
from functools import partial

from pipelines.cleaning.clean import FAILED
from pipelines.errors import NocturneError
from pipelines.extraction.cache import Cache
from pipelines.extraction.entries import write_parsed
from pipelines.extraction.file_filter import Accepted, FileFilter
from pipelines.extraction.workers import Task, Workers
from pipelines.records import Record
from pipelines.records.snapshot import Item
from pipelines.source.reader import Reader, Unreadable
from pipelines.source.skip_rules import Reason


class ParsePass:
    """Parses what the cache lacks.

    Attributes:
        work: bytes of source to parse.
        unreadable: path → why its bytes could not be had.
        used: the names of the cache's entries that were needed.
        parsed: how many files with source text were parsed.
        reused: how many were not.
    """

    def __init__(self, cache: Cache, choice: FileFilter, items: Sequence[Item]) -> None:
        self._cache, self._choice, self._items = cache, choice, items
        self._missing: dict[str, int] = {}
        for item in items:
            wanted = choice.of(item)
            if isinstance(wanted, Accepted) and cache.head(wanted.entry) is None:
                self._missing[wanted.entry.name] = wanted.file["size"]
        self.work = sum(self._missing.values())
        self.unreadable: dict[str, Reason] = {}
        self.used: set[str] = set()
        self.parsed = self.reused = 0

    def run(self, reader: Reader, workers: Workers) -> Iterator[tuple[Item, Record | None]]:
        """Every item, by path, and what `parse_file.summarise` says of it; None when its bytes are not read."""
        for (item, wanted), said in workers.results(self._tasks(reader)):
            if wanted is None:
                yield item, None
                continue
            summary = said or self._cache.head(wanted.entry)
            if summary is None:
                raise NocturneError(f"{wanted.entry.name} vanished from {self._cache.folder}.", "Run the night again.")
            # What a scanner could not check is tried again by the next night.
            if summary.get("skipped", {}).get("rule") != FAILED:
                self.used.add(wanted.entry.name)
            if "skipped" not in summary:
                self.parsed += said is not None
                self.reused += said is None
            yield item, summary

    def _tasks(self, reader: Reader) -> Iterator[Task[tuple[Item, Accepted | None]]]:
        """The first file with bytes that the cache lacks is parsed; a copy finds them there afterwards."""
        for item in self._items:
            wanted = self._choice.of(item)
            if isinstance(wanted, Reason):
                yield Task((item, None), item["path"])
            elif wanted.entry.name not in self._missing:
                yield Task((item, wanted), item["path"])
            else:
                yield self._task(wanted, reader)

    def _task(self, wanted: Accepted, reader: Reader) -> Task[tuple[Item, Accepted | None]]:
        item = wanted.file
        try:
            source = reader.read(item["path"], item["blob"], item["size"])
        except Unreadable as unreadable:
            self.unreadable[item["path"]] = Reason(str(unreadable), "readable")
            return Task((item, None), item["path"])
        del self._missing[wanted.entry.name]
        call = partial(write_parsed, self._cache, wanted.entry, source, wanted.language, wanted.params, wanted.cleaning)
        return Task((item, wanted), item["path"], call)
