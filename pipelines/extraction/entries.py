"""The two entries that the cache keeps of a file: what its bytes say, and its lines of the outputs.

What makes them runs in workers, takes plain values, and leaves its result in the cache, so that no file's records
ever travel between processes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from pipelines.config.schema import Cleaning, Extraction
from pipelines.extraction import parse_file
from pipelines.extraction.cache import Cache, Entry
from pipelines.extraction.outputs import iterate_lines
from pipelines.records import Record, fingerprint
from pipelines.records.extraction import Origin
from pipelines.syntax.languages import Language

NAME_CHARS = 32


def lines_entry_of(of: Entry, origin: Origin, project_license: str, tested: list[bool]) -> Entry:
    """The entry for a file's lines: by its path, valid for this origin, licence and what tests exercise of it."""
    key = fingerprint(of.key, origin, project_license, tested)
    return Entry(f"{fingerprint(origin['path'])[:NAME_CHARS]}.lines", key)


def write_parsed(
    cache: Cache, entry: Entry, source: bytes, language: Language, params: Extraction, cleaning: Cleaning
) -> Record:
    """Parse a file's bytes into the cache; returns what `parse_file.summarise` says of them."""
    found = parse_file.parse_file(source, language, params, cleaning)
    said = parse_file.summarise(found)
    cache.write(entry, said, orjson.dumps(found))
    return said


def write_lines(
    cache: Cache, entry: Entry, of: Entry, origin: Origin, project_license: str, tested: list[bool]
) -> Record:
    """Write a file's lines of symbols, chunks, files and findings into the cache; returns their counts and sizes.

    Args:
        entry: from `lines_entry_of`.
        of: what `write_parsed` has written.
        origin: path, language, blob, commit.
        tested: for each symbol, whether a test exercises it.
    """
    read = cache.read(of)
    if read is None:
        raise FileNotFoundError(f"{cache.folder / of.name} was deleted during the night")
    found: parse_file.ParsedFile = orjson.loads(read[1])
    records: dict[str, Sequence[Mapping[str, Any]]] = {
        "symbols": parse_file.symbol_records(found, origin, tested),
        "chunks": parse_file.chunk_records(found, origin),
        "files": [parse_file.file_record(found, origin, project_license)],
        "findings": parse_file.finding_records(found["findings"], origin),
    }
    written = {name: iterate_lines(*made) for name, made in records.items()}
    head = {
        "counts": {name: len(made) for name, made in records.items()},
        "sizes": {name: len(made) for name, made in written.items()},
        "documented": sum(bool(symbol["doc"]) for symbol in found["symbols"]),
    }
    cache.write(entry, head, b"".join(written.values()))
    return head
