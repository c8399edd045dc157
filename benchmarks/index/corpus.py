"""What retrieval is measured on: annotated repositories as chunks, their questions, and what counts as found.

The metric is that of semble's benchmark (https://github.com/MinishLab/semble, `benchmarks/`): NDCG@10 with a gain of 1
for the first hit of each file that answers. Its annotations and the repositories are read where the user keeps them.
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pipelines.encoder.known_item_queries import score
from pipelines.extraction.parse_file import outline_of, summary_chunk
from pipelines.records import fingerprint
from pipelines.records.extraction import Chunk, Symbol
from pipelines.source import generated, vendored
from pipelines.syntax.chunks import split_chunks
from pipelines.syntax.dialects import settle_dialect
from pipelines.syntax.languages import Language, language_of
from pipelines.syntax.symbols import find_symbols

MAX_BYTES = 512 * 1024
CHARS, OVERLAP = 1600, 200
NOWHERE = {"commit": "0" * 40, "blob": "0" * 40}


@dataclass(frozen=True)
class Place:
    """A path of which each hit may know only the end, and lines of it, or none."""

    path: str
    first: int | None
    last: int | None

    def holds(self, path: str, start_line: int, end_line: int) -> bool:
        """Whether a hit is in this place."""
        long, short = sorted((path, self.path), key=len, reverse=True)
        if long != short and not long.endswith("/" + short):
            return False
        return self.first is None or self.last is None or (end_line >= self.first and start_line <= self.last)


@dataclass(frozen=True)
class Task:
    """A question, of a category, and the places that answer it."""

    question: str
    category: str
    places: tuple[Place, ...]

    def ndcg(self, hits: Sequence[tuple[str, int, int]]) -> float:
        """NDCG@10 of hits as (path, first line, last line), best first."""
        ranks = {next((n for n, hit in enumerate(hits, 1) if place.holds(*hit)), 0) for place in self.places}
        return score(sorted(ranks - {0}), len(self.places))["ndcg@10"]


@dataclass(frozen=True)
class Repository:
    """A working copy, and the folder in it that is indexed."""

    name: str
    folder: Path
    root: Path
    tasks: tuple[Task, ...]

    def files(self) -> Iterator[tuple[str, bytes, Language]]:
        """What an index reads: neither generated nor vendored, in a language that is known."""
        for file in sorted(self.root.rglob("*")):
            path, language = file.relative_to(self.folder).as_posix(), language_of(file.name)
            if language is None or language.name == "notebook" or ".git" in file.parts or not file.is_file():
                continue
            if file.stat().st_size > MAX_BYTES or vendored.by_path(path) or generated.by_name(path):
                continue
            source = file.read_bytes()
            if generated.by_content(source.decode("utf-8", "replace")) is None:
                yield path, source, settle_dialect(source, language)

    def chunks(self) -> list[Chunk]:
        """Its chunks, as extraction writes them."""
        made: list[Chunk] = []
        for path, source, language in self.files():
            own: list[Any] = [vars(chunk) for chunk in split_chunks(source, language, CHARS, OVERLAP)]
            names = (symbol.qualified_name for symbol in find_symbols(source, language))
            for chunk in [*own, *([summary_chunk(path, outline_of(names, CHARS))] if len(own) > 1 else [])]:
                content = fingerprint(chunk["symbol"], chunk["text"])
                known = {"content_hash": content, "chunk_id": fingerprint(path, chunk["start_byte"], content)[:32]}
                made.append(cast(Chunk, {**chunk, **NOWHERE, **known, "path": path, "language": language.name}))
        return made

    def symbols(self) -> list[Symbol]:
        """Its symbols, with what a question about documentation needs."""
        made = []
        for path, source, language in self.files():
            for symbol in find_symbols(source, language):
                known = {"symbol_id": fingerprint(path, symbol.start_byte, symbol.qualified_name)[:32]}
                made.append(cast(Symbol, {**vars(symbol), **known, "path": path, "language": language.name}))
        return made


def annotated(annotations: Path, repositories: Path, only: Sequence[str]) -> list[Repository]:
    """The repositories that have both annotations and a working copy; says which are not at their pinned revision."""
    specs = {spec["name"]: spec for spec in json.loads((annotations / "repos.json").read_text())}
    found = []
    for file in sorted((annotations / "annotations").glob("*.json")):
        folder = repositories / file.stem
        if (only and file.stem not in only) or file.stem not in specs or not folder.is_dir():
            continue
        spec = specs[file.stem]
        if _revision(folder) != spec["revision"]:
            print(f"{file.stem}: not at its pinned revision {spec['revision'][:12]}", flush=True)
        tasks = tuple(_task(item) for item in json.loads(file.read_text()))
        found.append(Repository(file.stem, folder, folder / (spec.get("benchmark_root") or ""), tasks))
    return found


def _task(item: dict[str, Any]) -> Task:
    question = item["query"]
    guessed = "symbol" if " " not in question else "architecture" if question.lower().startswith("how ") else "semantic"
    places = [
        target if isinstance(target, dict) else {"path": target} for target in item["relevant"] + item["secondary"]
    ]
    targets = tuple(Place(one["path"], one.get("start_line"), one.get("end_line")) for one in places)
    return Task(question, item.get("category") or guessed, targets)


def _revision(folder: Path) -> str:
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() if (folder / ".git").exists() else ""
