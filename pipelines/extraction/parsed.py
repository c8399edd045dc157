"""What one file's bytes say, whatever the file is called: what is kept from night to night."""

import hashlib
from dataclasses import asdict
from typing import Any

from pipelines.extraction import license, reasons
from pipelines.params import Extraction
from pipelines.records import Record, fingerprint
from pipelines.syntax.chunks import chunks
from pipelines.syntax.languages import Language
from pipelines.syntax.spans import spans
from pipelines.syntax.symbols import symbols

ID_CHARS = 32  # of 64 hexadecimal ones; as many as a UUID has, which Qdrant takes


def parse(source: bytes, language: Language, params: Extraction) -> Record:
    """A JSON object with `text`, `license`, `symbols`, `chunks` and `spans`, or with `skipped`: reason and rule."""
    unreadable = reasons.unreadable(source)
    if unreadable is not None:
        return {"skipped": asdict(unreadable)}
    text = source.decode()
    cut = chunks(source, language, params.chunk_chars, params.overlap_chars)
    return {
        "text": text,
        "license": license.of_header(text),
        "symbols": [asdict(symbol) for symbol in symbols(source, language)],
        "chunks": [{**asdict(chunk), "content_hash": _content_hash(chunk.symbol, chunk.text)} for chunk in cut],
        "spans": [[span.start_byte, span.end_byte, span.type] for span in spans(source, language)],
    }


def symbol_records(parsed: Record, origin: Record) -> list[Record]:
    """The lines of symbols.jsonl of one file.

    Args:
        parsed: from `parse`.
        origin: path, language, blob, commit.
    """
    return [{**symbol, **origin, "symbol_id": _identify(origin, symbol)} for symbol in parsed["symbols"]]


def chunk_records(parsed: Record, origin: Record) -> list[Record]:
    """The lines of chunks.jsonl of one file."""
    return [{**chunk, **origin, "chunk_id": _identify(origin, chunk)} for chunk in parsed["chunks"]]


def file_record(parsed: Record, origin: Record, project_license: str) -> Record:
    """The line of files.jsonl of one file."""
    stated = parsed["license"] or project_license
    return {**origin, "text": parsed["text"], "spans": parsed["spans"], "license": stated}


def _content_hash(symbol: str, text: str) -> str:
    """SHA-256 of what is embedded. The path is no part of it, so that a rename embeds nothing again."""
    return hashlib.sha256(f"{symbol}\n{text}".encode()).hexdigest()


def _identify(origin: Record, part: dict[str, Any]) -> str:
    content = part.get("content_hash") or [part["kind"], part["qualified_name"], part["code"]]
    return fingerprint(origin["path"], part["start_byte"], part["end_byte"], content)[:ID_CHARS]
