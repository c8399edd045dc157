"""What one file's bytes say, whatever the file is called: what is kept from night to night."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import NotRequired, TypedDict, cast

from pipelines.cleaning.clean import clean
from pipelines.config.schema import Cleaning, Extraction
from pipelines.extraction.test_links import CalledNames, called_names
from pipelines.records import Record, fingerprint
from pipelines.records.extraction import (
    Blob,
    Chunk,
    ChunkText,
    File,
    Finding,
    FindingText,
    Origin,
    Span,
    Symbol,
    SymbolText,
)
from pipelines.records.snapshot import TrackedFile
from pipelines.source import generated, skip_rules
from pipelines.source.skip_rules import Reason
from pipelines.syntax import chunks as syntax_chunks
from pipelines.syntax import types as syntax_types
from pipelines.syntax.dialects import open_dialect, settle_dialect
from pipelines.syntax.facts import FileFacts, read_facts
from pipelines.syntax.languages import Language
from pipelines.syntax.notebooks import UnreadableNotebook
from pipelines.syntax.spans import find_spans
from pipelines.syntax.symbols import find_symbols

ID_CHARS = 32  # of 64 hexadecimal ones
FUNCTIONS = ("function", "method")


class ParsedFile(TypedDict):
    """What a file's bytes say, as the cache keeps it: `findings` and `skipped`, or all but `skipped`.

    `findings` is what was blotted out, or kept the file out; `skipped` has reason and rule; `names` is for `TestLinks`.
    """

    findings: list[FindingText]
    skipped: NotRequired[dict[str, str]]
    language: NotRequired[str]
    text: NotRequired[str]
    license: NotRequired[str]
    symbols: NotRequired[list[SymbolText]]
    names: NotRequired[CalledNames]
    chunks: NotRequired[list[ChunkText]]
    outline: NotRequired[str]
    spans: NotRequired[list[list[int | str]]]


def parse_file(source: bytes, language: Language, params: Extraction, cleaning: Cleaning) -> ParsedFile:
    """What a file's bytes say, or why it is skipped. Nothing is read from a file before it is clean."""
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
    findings = [cast(FindingText, asdict(finding)) for finding in cleaned.findings]
    if cleaned.refused is not None:
        return {"skipped": asdict(cleaned.refused), "findings": findings}
    source, text = cleaned.source, cleaned.source.decode()
    language = settle_dialect(source, language)
    found = find_symbols(source, language)
    known = read_facts(source, language, found)
    complexity = _complexities(found, known)
    cut = syntax_chunks.split_chunks(source, language, params.chunk_chars, params.overlap_chars)
    return {
        "findings": findings,
        "language": language.name,
        "text": text,
        "license": cleaned.license,
        "symbols": [
            cast(SymbolText, vars(symbol) | vars(own)) for symbol, own in zip(found, known.symbols, strict=True)
        ],
        "names": called_names(found, known),
        "chunks": [_chunk(chunk, complexity) for chunk in cut],
        "outline": outline_of((symbol.qualified_name for symbol in found), params.chunk_chars),
        "spans": list(map(list, find_spans(source, language))),
    }


def summarise(parsed: ParsedFile) -> Record:
    """What the first pass tells about a file: `skipped` and `findings`; or `language`, and `names` for `TestLinks`."""
    if "skipped" in parsed:
        return {"skipped": parsed["skipped"], "findings": parsed["findings"]}
    return {"language": parsed["language"], "names": parsed["names"]}


def symbol_records(parsed: ParsedFile, origin: Origin, tested: list[bool]) -> list[Symbol]:
    """The lines of symbols.jsonl of one file.

    Args:
        parsed: from `parse_file`.
        origin: path, language, blob, commit.
        tested: for each symbol, whether a test exercises it: from `Tests.cover`.
    """
    return [
        {**symbol, **origin, "tested": covered, "symbol_id": _identify(origin, symbol, _content_of(symbol))}
        for symbol, covered in zip(parsed["symbols"], tested, strict=True)
    ]


def chunk_records(parsed: ParsedFile, origin: Origin) -> list[Chunk]:
    """The lines of chunks.jsonl of one file: its passages, then, where there are several, its summary."""
    parts = parsed["chunks"] + ([summary_chunk(origin["path"], parsed["outline"])] if len(parsed["chunks"]) > 1 else [])
    return [{**chunk, **origin, "chunk_id": _identify(origin, chunk, chunk["content_hash"])} for chunk in parts]


def outline_of(names: Iterable[str], limit: int) -> str:
    """As many of a file's names as are `limit` characters together, a line each."""
    lines = ""
    for name in names:
        if len(lines) + 1 + len(name) > limit:
            break
        lines += f"\n{name}"
    return lines.lstrip("\n")


def summary_chunk(path: str, outline: str) -> ChunkText:
    """What a file is about, for the index: its path and the names of what it defines.

    No line of the file stands in it, and no documentation: it speaks for the file's passages, and is not found itself.
    """
    text = f"{path}\n{outline}".rstrip("\n")
    return {
        "start_byte": 0,
        "end_byte": 0,
        "start_line": 1,
        "end_line": 1,
        "kind": "file",
        "symbol": "",
        "text": text,
        "defines": [],
        "definitions": [],
        "complexity": 0,
        "content_hash": _content_hash("", text),
    }


def finding_records(found: list[FindingText], origin: Blob | TrackedFile) -> list[Finding]:
    """The lines of findings.jsonl of one file."""
    where: Blob = {"path": origin["path"], "blob": origin["blob"], "commit": origin["commit"]}
    return [{**finding, **where} for finding in found]


def file_record(parsed: ParsedFile, origin: Origin, project_license: str) -> File:
    """The line of files.jsonl of one file."""
    stated = parsed["license"] or project_license
    return {**origin, "text": parsed["text"], "spans": parsed["spans"], "license": stated}


def _complexities(found: Iterable[syntax_types.Symbol], known: FileFacts) -> dict[tuple[str, int], int]:
    """(qualified name, first line) → complexity, of each function."""
    pairs = zip(found, known.symbols, strict=True)
    return {(one.qualified_name, one.start_line): own.complexity for one, own in pairs if one.kind in FUNCTIONS}


def _chunk(chunk: syntax_chunks.Chunk, complexity: Mapping[tuple[str, int], int]) -> ChunkText:
    """A passage as it is kept: each definition with its complexity, 0 if it is no function, and the highest of them."""
    counts = [complexity.get((one["symbol"], one["start_line"]), 0) for one in chunk.definitions]
    return {
        "start_byte": chunk.start_byte,
        "end_byte": chunk.end_byte,
        "start_line": chunk.start_line,
        "end_line": chunk.end_line,
        "kind": chunk.kind,
        "symbol": chunk.symbol,
        "text": chunk.text,
        "defines": list(chunk.defines),
        "definitions": [{**one, "complexity": n} for one, n in zip(chunk.definitions, counts, strict=True)],
        "complexity": max(counts, default=0),
        "content_hash": _content_hash(chunk.symbol, chunk.text),
    }


def _content_hash(symbol: str, text: str) -> str:
    """SHA-256 of what is embedded. The path is no part of it, so that a rename embeds nothing again."""
    return hashlib.sha256(f"{symbol}\n{text}".encode()).hexdigest()


def _content_of(symbol: SymbolText) -> list[str]:
    return [symbol["kind"], symbol["qualified_name"], symbol["code"]]


def _identify(origin: Origin, part: Span, content: str | list[str]) -> str:
    return fingerprint(origin["path"], part["start_byte"], part["end_byte"], content)[:ID_CHARS]
