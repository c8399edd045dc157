"""The second pass over a snapshot: each file's lines are made once, kept in the cache, and copied to the outputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from pipelines.errors import NocturneError
from pipelines.extraction import parse_file
from pipelines.extraction.cache import Cache, Entry
from pipelines.extraction.entries import lines_entry_of, write_lines
from pipelines.extraction.file_filter import FileFilter
from pipelines.extraction.outputs import Outputs, iterate_lines
from pipelines.extraction.test_links import TestLinks
from pipelines.extraction.workers import Task, Workers
from pipelines.records.extraction import FindingText, Origin
from pipelines.records.snapshot import Item, SkippedFile, TrackedFile
from pipelines.source.skip_rules import Reason


@dataclass(frozen=True)
class _Left:
    """Why a file is left out, and what cleaning found in it when the first pass read it."""

    reason: Reason
    file: TrackedFile | None = None
    findings: list[FindingText] = field(default_factory=list)


@dataclass
class WritePass:
    """Writes the outputs, by path.

    Attributes:
        license: what the repository's licence files state.
        unreadable: path → why, from the first pass.
        tests: what the tests of all files call, from the first pass.
        used: the names of the cache's entries that were needed.
        documented: how many symbols have documentation.
    """

    cache: Cache
    choice: FileFilter
    outputs: Outputs
    license: str
    unreadable: dict[str, Reason]
    tests: TestLinks

    def __post_init__(self) -> None:
        self.used: set[str] = set()
        self.documented = 0

    def run(self, items: Sequence[Item], workers: Workers) -> Iterator[Item]:
        """Write every item's lines, or why it has none; gives the item back."""
        for (item, target), _ in workers.results(map(self._task, items)):
            if isinstance(target, Entry):
                self._copy(target)
            else:
                self._skip(item, target)
            yield item

    def _task(self, item: Item) -> Task[tuple[Item, Entry | _Left]]:
        path = item["path"]
        wanted = self.unreadable.get(path) or self.choice.of(item)
        if isinstance(wanted, Reason):
            return Task((item, _Left(wanted)), path)
        said = self.cache.head(wanted.entry)
        if said is None:
            raise self._vanished(wanted.entry)
        if "skipped" in said:
            return Task((item, _Left(Reason(**said["skipped"]), wanted.file, said["findings"])), path)
        file = wanted.file
        origin: Origin = {
            "path": path,
            "blob": file["blob"],
            "commit": file["commit"],
            "language": said["language"],
        }
        tested = self.tests.cover(path, said["names"])
        entry = lines_entry_of(wanted.entry, origin, self.license, tested)
        self.used.add(entry.name)
        if self.cache.head(entry) is not None:
            return Task((item, entry), path)
        call = partial(write_lines, self.cache, entry, wanted.entry, origin, self.license, tested)
        return Task((item, entry), path, call)

    def _copy(self, entry: Entry) -> None:
        read = self.cache.read(entry)
        if read is None:
            raise self._vanished(entry)
        head, body = read
        at = 0
        for name, size in head["sizes"].items():
            self.outputs.write(name, body[at : at + size], head["counts"][name])
            at += size
        self.documented += head["documented"]

    def _skip(self, item: Item, left: _Left) -> None:
        path, reason = item["path"], left.reason
        if left.file is not None:
            found = parse_file.finding_records(left.findings, left.file)
            self.outputs.write("findings", iterate_lines(*found), len(found))
        skipped: SkippedFile = {"path": path, "reason": reason.reason, "rule": reason.rule}
        self.outputs.write("skipped", iterate_lines(skipped), 1)

    def _vanished(self, entry: Entry) -> NocturneError:
        return NocturneError(f"{entry.name} vanished from {self.cache.folder}.", "Run the night again.")
