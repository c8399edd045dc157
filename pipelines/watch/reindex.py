"""Changed files to passages, as the extraction stage makes them and through its cache: the next night has them too."""

from collections.abc import Iterable, Iterator, Sequence

import orjson

from pipelines.config.schema import Params
from pipelines.extraction.cache import Cache
from pipelines.extraction.file_filter import Accepted, FileFilter
from pipelines.extraction.parse_file import ParsedFile, chunk_records, parse_file
from pipelines.extraction.parse_pass import ParsePass
from pipelines.extraction.workers import Workers, cores
from pipelines.project import Project
from pipelines.records.extraction import Blob, Chunk
from pipelines.records.snapshot import Item
from pipelines.source.reader import Reader
from pipelines.syntax.languages import language_of


class Reindexer:
    """Reads, cleans and parses files as the night does."""

    def __init__(self, project: Project, params: Params) -> None:
        self._params = params
        self._cache = Cache.of(project, params.cleaning)
        self._choice = FileFilter(self._cache, params)

    def warm(self, items: Iterable[Item]) -> None:
        """Load what files like these are checked and parsed by, which takes a second the first time."""
        languages = {language for item in items if (language := language_of(item["path"]))}
        for language in languages:
            parse_file(b"warm\n", language, self._params.extraction, self._params.cleaning)

    def of(self, items: Sequence[Item], reader: Reader) -> Iterator[tuple[str, list[Chunk] | None]]:
        """The path of each item and its passages: none for a file that is not read, for whatever reason; None when it
        has been changed again meanwhile.

        Args:
            items: as in snapshot.json.
        """
        parsing = ParsePass(self._cache, self._choice, list(items))
        with Workers(cores(), parsing.work) as workers:
            for item, _ in parsing.run(reader, workers):
                path = item["path"]
                yield path, None if path in parsing.unreadable else self._passages(item)

    def _passages(self, item: Item) -> list[Chunk] | None:
        wanted = self._choice.of(item)
        if not isinstance(wanted, Accepted):
            return []
        kept = self._cache.read(wanted.entry)
        if kept is None:  # a night has cleared its cache this very moment
            return None
        found: ParsedFile = orjson.loads(kept[1])
        if "skipped" in found:
            return []
        file = wanted.file
        blob: Blob = {"path": file["path"], "blob": file["blob"], "commit": file["commit"]}
        return chunk_records(found, {**blob, "language": found["language"]})
