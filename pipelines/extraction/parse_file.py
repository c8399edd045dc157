"""What one file's bytes say, whatever the file is called: what is kept from night to night."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pipelines.cleaning.clean import clean
from pipelines.config.schema import Cleaning, Extraction
from pipelines.extraction.test_links import called_names
from pipelines.records import Record, fingerprint
from pipelines.source import generated, skip_rules
from pipelines.source.skip_rules import Reason
from pipelines.syntax.chunks import Chunk, split_chunks
from pipelines.syntax.dialects import open_dialect, settle_dialect
from pipelines.syntax.facts import FileFacts, read_facts
from pipelines.syntax.languages import Language
from pipelines.syntax.notebooks import UnreadableNotebook
from pipelines.syntax.spans import find_spans
from pipelines.syntax.symbols import find_symbols
from pipelines.syntax.types import Symbol

ID_CHARS = 32  # of 64 hexadecimal ones
FUNCTIONS = ("function", "method")


def parse_file(source: bytes, language: Language, params: Extraction, cleaning: Cleaning) -> Record:
    """A JSON object with `language`, `text`, `license`, `symbols`, `chunks`, `outline`, `spans` and, for `TestLinks`,
    `names`; or with `skipped`: reason and rule.

    Both have `findings`: what was blotted out, or kept the file out. Nothing is read from a file before it is clean.
    """
    try:
        source, language = open_dialect(source, language)
    except UnreadableNotebook as reason:
        return {"skipped": asdict(Reason(f"notebook: {reason}", "notebook")), "findings": []}
    unreadable = skip_rules.find_unreadable(source, code=language.code, dense=language.data)
    if unreadable is None and params.generated == "skip":
        unreadable = generated.by_content(source.decode())
    if unreadable is not None:
        return {"skipped": asdict(unreadable), "findings": []}
    cleaned = clean(source, f"file{language.extensions[0]}", cleaning)
    findings = [asdict(finding) for finding in cleaned.findings]
    if cleaned.refused is not None:
        return {"skipped": asdict(cleaned.refused), "findings": findings}
    source, text = cleaned.source, cleaned.source.decode()
    language = settle_dialect(source, language)
    found = find_symbols(source, language)
    known = read_facts(source, language, found)
    complexity = _complexities(found, known)
    cut = split_chunks(source, language, params.chunk_chars, params.overlap_chars)
    return {
        "findings": findings,
        "language": language.name,
        "text": text,
        "license": cleaned.license,
        "symbols": [vars(symbol) | vars(own) for symbol, own in zip(found, known.symbols, strict=True)],
        "names": called_names(found, known),
        "chunks": [_chunk(chunk, complexity) for chunk in cut],
        "outline": outline_of((symbol.qualified_name for symbol in found), params.chunk_chars),
        "spans": list(map(list, find_spans(source, language))),
    }


def summarise(parsed: Record) -> Record:
    """What the first pass tells about a file: `skipped` and `findings`; or `language`, and `names` for `TestLinks`."""
    told = ("skipped", "findings") if "skipped" in parsed else ("language", "names")
    return {key: parsed[key] for key in told}


def symbol_records(parsed: Record, origin: Record, tested: list[bool]) -> list[Record]:
    """The lines of symbols.jsonl of one file.

    Args:
        parsed: from `parse_file`.
        origin: path, language, blob, commit.
        tested: for each symbol, whether a test exercises it: from `Tests.cover`.
    """
    return [
        {**symbol, **origin, "tested": covered, "symbol_id": _identify(origin, symbol)}
        for symbol, covered in zip(parsed["symbols"], tested, strict=True)
    ]


def chunk_records(parsed: Record, origin: Record) -> list[Record]:
    """The lines of chunks.jsonl of one file: its passages, then, where there are several, its summary."""
    parts = parsed["chunks"] + ([summary_chunk(origin["path"], parsed["outline"])] if len(parsed["chunks"]) > 1 else [])
    return [{**chunk, **origin, "chunk_id": _identify(origin, chunk)} for chunk in parts]


def outline_of(names: Iterable[str], limit: int) -> str:
    """As many of a file's names as are `limit` characters together, a line each."""
    lines = ""
    for name in names:
        if len(lines) + 1 + len(name) > limit:
            break
        lines += f"\n{name}"
    return lines.lstrip("\n")


def summary_chunk(path: str, outline: str) -> Record:
    """What a file is about, for the index: its path and the names of what it defines.

    No line of the file stands in it, and no documentation: it speaks for the file's passages, and is not found itself.
    """
    nowhere = {"start_byte": 0, "end_byte": 0, "start_line": 1, "end_line": 1}
    text = f"{path}\n{outline}".rstrip("\n")
    return {
        **nowhere,
        "kind": "file",
        "symbol": "",
        "text": text,
        "defines": [],
        "definitions": [],
        "complexity": 0,
        "content_hash": _content_hash("", text),
    }


def finding_records(parsed: Record, origin: Record) -> list[Record]:
    """The lines of findings.jsonl of one file."""
    where = {key: origin[key] for key in ("path", "blob", "commit")}
    return [{**finding, **where} for finding in parsed["findings"]]


def file_record(parsed: Record, origin: Record, project_license: str) -> Record:
    """The line of files.jsonl of one file."""
    stated = parsed["license"] or project_license
    return {**origin, "text": parsed["text"], "spans": parsed["spans"], "license": stated}


def _complexities(found: Iterable[Symbol], known: FileFacts) -> dict[tuple[str, int], int]:
    """(qualified name, first line) → complexity, of each function."""
    pairs = zip(found, known.symbols, strict=True)
    return {(one.qualified_name, one.start_line): own.complexity for one, own in pairs if one.kind in FUNCTIONS}


def _chunk(chunk: Chunk, complexity: Mapping[tuple[str, int], int]) -> Record:
    """A passage as it is kept: each definition with its complexity, 0 if it is no function, and the highest of them."""
    counts = [complexity.get((one["symbol"], one["start_line"]), 0) for one in chunk.definitions]
    return {
        **vars(chunk),
        "definitions": [{**one, "complexity": n} for one, n in zip(chunk.definitions, counts, strict=True)],
        "complexity": max(counts, default=0),
        "content_hash": _content_hash(chunk.symbol, chunk.text),
    }


def _content_hash(symbol: str, text: str) -> str:
    """SHA-256 of what is embedded. The path is no part of it, so that a rename embeds nothing again."""
    return hashlib.sha256(f"{symbol}\n{text}".encode()).hexdigest()


def _identify(origin: Record, part: dict[str, Any]) -> str:
    content = part.get("content_hash") or [part["kind"], part["qualified_name"], part["code"]]
    return fingerprint(origin["path"], part["start_byte"], part["end_byte"], content)[:ID_CHARS]
