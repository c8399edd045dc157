"""The extraction stage: the snapshot's files in; symbols, chunks, texts with spans, and what was skipped, out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from pipelines import progress
from pipelines.errors import NocturneError
from pipelines.extraction import license, parsed, reasons
from pipelines.extraction.cache import Cache
from pipelines.extraction.outputs import Outputs
from pipelines.extraction.reasons import Reason
from pipelines.params import Params
from pipelines.project import Project
from pipelines.records import Record, read_json
from pipelines.source import git
from pipelines.source.reader import Reader, Unreadable
from pipelines.stage import Facts, Stage
from pipelines.syntax.languages import LANGUAGES, Language, language_of

NAMED_EXTENSIONS = 5


class Extraction:
    """One run over the files of a snapshot."""

    def __init__(self, project: Project, params: Params, reader: Reader, outputs: Outputs) -> None:
        self.params = params.extraction
        self.cache = Cache(project, self.params)
        self.reader = reader
        self.outputs = outputs
        self.counts = dict.fromkeys(("parsed", "reused", "documented"), 0)
        self.unknown: Counter[str] = Counter()

    def add(self, file: Record, project_license: str) -> None:
        """Write what one file of snapshot.json says, or why it was not read."""
        path = file["path"]
        language = language_of(path)
        if language is None:
            self.unknown[reasons.extension(path)] += 1
            return self._skip(path, reasons.no_parser(path))
        found = self._outcome(file, language)
        if isinstance(found, Reason):
            return self._skip(path, found)
        origin = {key: file[key] for key in ("path", "blob", "commit")} | {"language": language.name}
        self.outputs.write("symbols", *parsed.symbol_records(found, origin))
        self.outputs.write("chunks", *parsed.chunk_records(found, origin))
        self.outputs.write("files", parsed.file_record(found, origin, project_license))
        self.counts["documented"] += sum(bool(symbol["doc"]) for symbol in found["symbols"])

    def _outcome(self, file: Record, language: Language) -> Record | Reason:
        """What a file says, from the cache or parsed now; or why it is not read."""
        too_large = reasons.too_large(file["size"], self.params.max_file_kb)
        if too_large is not None:
            return too_large
        found = self.cache.read(language.name, file["blob"])
        counted = "reused"
        if found is None:
            try:
                source = self.reader.read(file["path"], file["blob"], file["size"])
            except Unreadable as unreadable:
                return Reason(str(unreadable), "readable")
            found, counted = parsed.parse(source, language, self.params), "parsed"
            self.cache.write(language.name, file["blob"], found)
        if "skipped" in found:
            return Reason(**found["skipped"])
        self.counts[counted] += 1
        return found

    def _skip(self, path: str, reason: Reason) -> None:
        self.outputs.write("skipped", {"path": path, **asdict(reason)})

    def project_license(self, files: list[Record]) -> str:
        """The licence that the repository's licence files state."""
        return license.of_project(list(self._license_texts(files)))

    def _license_texts(self, files: list[Record]) -> Iterator[str]:
        for file in files:
            if license.is_license_file(file["path"]) and not reasons.too_large(file["size"], self.params.max_file_kb):
                try:
                    content = self.reader.read(file["path"], file["blob"], file["size"])
                except Unreadable:
                    continue
                yield content.decode("utf-8", "replace")


def run(project: Project, params: Params) -> Facts:
    """Write `symbols.jsonl`, `chunks.jsonl`, `files.jsonl` and `skipped.jsonl`, each by path, then by position.

    Raises:
        NocturneError: the snapshot is missing, or none of its files could be read as source.
    """
    snapshot = read_json(project.path("snapshot", "snapshot.json"))
    files: list[Record] = snapshot["files"]
    items = sorted(files + snapshot["skipped"], key=lambda item: item["path"])
    git.check(project.source)
    with Reader(project.source) as reader, Outputs(project.path("extraction")) as outputs:
        extraction = Extraction(project, params, reader, outputs)
        project_license = extraction.project_license(files)
        for item in progress.track(items, len(items), "files"):
            if "blob" in item:
                extraction.add(item, project_license)
            else:
                outputs.write("skipped", {**item, "rule": "plain file"})
    extraction.cache.prune()
    if not outputs.counts["files"]:
        raise _nothing(project, outputs.counts["skipped"])
    most = ", ".join(f"{end} {count}" for end, count in _top(extraction.unknown))
    return {**outputs.counts, **extraction.counts, "no_parser": most}


def _top(unknown: Counter[str]) -> list[tuple[str, int]]:
    by_count = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
    return by_count[:NAMED_EXTENSIONS]


def _nothing(project: Project, skipped: int) -> NocturneError:
    names = ", ".join(language.name for language in LANGUAGES)
    return NocturneError(
        f"{project.source} has no source file that can be read; {skipped} tracked files were skipped.",
        f"Nocturne reads {names}: commit such files, or widen snapshot.include; "
        f"{project.path('extraction', 'skipped.jsonl')} gives each file's reason.",
    )


STAGE = Stage(
    "extraction",
    run,
    needs=("snapshot/snapshot.json",),
    params=("extraction",),
    rooms=("source", "syntax"),
)
