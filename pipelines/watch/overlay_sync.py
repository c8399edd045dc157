"""A released index brought up to the files' present state, and kept there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.embedding.vectors import SupportsEncode, compute_vectors
from pipelines.encoder.vector_cache import VectorCache
from pipelines.index import OverlayIndex
from pipelines.progress import report, show_progress
from pipelines.records import Record
from pipelines.source.reader import Reader
from pipelines.watch.reindex import Reindexer

if TYPE_CHECKING:
    import numpy as np

FILES = 64  # replaced at a time


@dataclass(frozen=True)
class Taken:
    """What bringing the index up to date came to: files with passages, before or now, that were taken anew, files
    gone, passages now theirs, and embedded."""

    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    passages: int = 0
    embedded: int = 0


class _Later:
    """A vector cache whose new vectors are written when nobody waits for them any more."""

    def __init__(self, cache: VectorCache) -> None:
        self._cache = cache
        self._put: list[tuple[list[str], np.ndarray]] = []

    def get(self, contents: Iterable[str]) -> "dict[str, np.ndarray]":
        return self._cache.get(contents)

    def put(self, contents: Iterable[str], vectors: "np.ndarray") -> None:
        self._put.append((list(contents), vectors))

    def write(self) -> None:
        while self._put:
            self._cache.put(*self._put.pop())


class OverlaySync:
    """An index, and which bytes of each file it holds."""

    def __init__(
        self, index: OverlayIndex, encoder: SupportsEncode, vectors: VectorCache, batch_size: int, passages: Reindexer
    ) -> None:
        self.index = index
        self._encoder, self._batch_size, self._passages = encoder, batch_size, passages
        self._vectors = _Later(vectors)
        self._held = dict(index.blobs())
        self._shown = set(self._held)  # files with passages

    def warm(self, items: Iterable[Record]) -> None:
        """Load what the first change of one of these files would wait for: parsers, scanners, encoder."""
        self._passages.warm(items)
        self._encoder.encode(["warm"], self._batch_size)

    def take(self, items: Mapping[str, Record], reader: Reader) -> Taken:
        """Let the index hold the passages of these files as they are, and no others.

        Only files with other bytes than before are parsed, and only texts that were never embedded are embedded. A file
        is replaced at once when its new passages are ready. Of more files than `FILES` the old passages go first, so
        that nobody is shown a line that is no longer there while the new ones are made. The new vectors of the last
        ones wait for `keep`.

        Raises:
            NocturneError: the parser, the encoder or the engine failed; what was not taken is taken the next time.
        """
        gone = sorted(self._held.keys() - items.keys())
        changed = [item for path, item in sorted(items.items()) if self._held.get(path) != item["blob"]]
        self._forget(gone)
        known = set(self._shown)
        if len(changed) > FILES:
            self._forget([item["path"] for item in changed if item["path"] in self._held])
        passages = embedded = 0
        for start in range(0, len(changed), FILES):
            report(start, len(changed), "files")
            self.keep()
            made, new = self._replace(changed[start : start + FILES], reader)
            passages, embedded = passages + made, embedded + new
        report(len(changed), len(changed), "files")
        known |= self._shown
        told = (path for item in changed if (path := item["path"]) in known and self._held.get(path) == item["blob"])
        return Taken(tuple(told), tuple(gone), passages, embedded)

    def keep(self) -> None:
        """Write the vectors that are new: to be called when nobody waits for what was taken."""
        self._vectors.write()

    def holds(self, items: Mapping[str, Record]) -> bool:
        """Whether every one of these files was taken as it is; not one that could not be read just then."""
        return all(self._held.get(path) == item["blob"] for path, item in items.items())

    def _forget(self, paths: Sequence[str]) -> None:
        if paths:
            self.index.remove(paths)
            for path in paths:
                del self._held[path]
            self._shown.difference_update(paths)

    def _replace(self, items: Sequence[Record], reader: Reader) -> tuple[int, int]:
        blobs = {item["path"]: item["blob"] for item in items}
        with show_progress(lambda _: None):  # what is told is how many of all files are done
            # A file that was saved again meanwhile keeps its former passages until it is taken: `holds` says so.
            found = {path: made for path, made in self._passages.of(items, reader) if made is not None}
            chunks = [chunk for made in found.values() for chunk in made]
            vectors, embedded = compute_vectors(chunks, self._encoder, self._vectors, self._batch_size)
        self.index.replace(list(found), chunks, vectors)
        self._held.update({path: blobs[path] for path in found})
        self._shown = self._shown.difference(found) | {path for path, made in found.items() if made}
        return len(chunks), embedded
