"""The extraction stage: the snapshot's files in; symbols, chunks, texts with spans, and what was skipped, out.

Two passes over the files, and neither holds more than a few of them. The first makes sure that every file is parsed
and lies in the cache; what must be known of all files before a line is written is gathered there. The second writes.
"""

from collections import Counter
from collections.abc import Iterator

from pipelines import progress
from pipelines.cleaning import license
from pipelines.config.schema import Params
from pipelines.dag.stage import Facts, Stage
from pipelines.errors import NocturneError
from pipelines.extraction.cache import Cache
from pipelines.extraction.file_filter import FileFilter
from pipelines.extraction.outputs import Outputs
from pipelines.extraction.parse_pass import ParsePass
from pipelines.extraction.test_links import TestLinks
from pipelines.extraction.workers import Workers, cores
from pipelines.extraction.write_pass import WritePass
from pipelines.project import Project
from pipelines.records import read_json
from pipelines.records.snapshot import Item, Snapshot
from pipelines.source import git, skip_rules
from pipelines.source.reader import Reader, Unreadable
from pipelines.syntax.languages import LANGUAGES

NAMED_KINDS = 5


def run(project: Project, params: Params) -> Facts:
    """Write a `.jsonl` file for each name of `outputs.NAMES`, by path, then by position.

    Raises:
        NocturneError: the snapshot is missing, none of its files could be read as source, or a parser crashed.
    """
    snapshot: Snapshot = read_json(project.path("snapshot", "snapshot.json"))
    items: list[Item] = sorted([*snapshot["files"], *snapshot["skipped"]], key=lambda item: item["path"])
    git.check_repository(project.source)
    cache = Cache.of(project, params.cleaning)
    choice = FileFilter(cache, params)
    parsing = ParsePass(cache, choice, items)
    with (
        Reader(project.source) as reader,
        Workers(cores(), parsing.work) as workers,
        Outputs(project.path("extraction")) as outputs,
    ):
        stated = license.read_project_license(list(_license_texts(items, reader, params.extraction.max_file_kb)))
        tests, kinds = TestLinks(), Counter[str]()
        for item, said in progress.track(parsing.run(reader, workers), len(items), "files parsed"):
            if said is not None and "names" in said:
                tests.add(item["path"], said["names"])
                kinds[said["language"]] += 1
        writing = WritePass(cache, choice, outputs, stated, parsing.unreadable, tests)
        for _item in progress.track(writing.run(items, workers), len(items), "files written"):
            pass
    cache.prune(parsing.used | writing.used)
    if not outputs.counts["files"]:
        raise _refuse_empty(project, outputs.counts["skipped"])
    counts = {"parsed": parsing.parsed, "reused": parsing.reused, "documented": writing.documented}
    return {**outputs.counts, **counts, "as_text": _most_frequent(kinds)}


def _license_texts(items: list[Item], reader: Reader, max_kb: int) -> Iterator[str]:
    for item in items:
        if (
            "blob" in item
            and license.is_license_file(item["path"])
            and not skip_rules.is_too_large(item["size"], max_kb)
        ):
            try:
                content = reader.read(item["path"], item["blob"], item["size"])
            except Unreadable:
                continue
            yield content.decode("utf-8", "replace")


def _most_frequent(kinds: Counter[str]) -> str:
    """Which kinds of text most of the files are that no parser reads."""
    parsed = {language.name for language in LANGUAGES}
    unparsed = sorted((-count, kind) for kind, count in kinds.items() if kind not in parsed)
    return ", ".join(f"{kind} {-count}" for count, kind in unparsed[:NAMED_KINDS])


def _refuse_empty(project: Project, skipped: int) -> NocturneError:
    return NocturneError(
        f"{project.source} has no text file that can be read; {skipped} tracked files were skipped.",
        "Nocturne reads UTF-8 text: commit such files, or widen snapshot.include; "
        f"{project.path('extraction', 'skipped.jsonl')} gives each file's reason.",
    )


STAGE = Stage(
    "extraction",
    run,
    inputs=("snapshot/snapshot.json",),
    params=("extraction", "cleaning"),
    code_deps=("cleaning", "source", "syntax"),
)
