"""The files in which stages meet: how they are read and written (`io.py`), and what is in them.

A module a stage has the types of its records; `formats.py` lists the files.
"""

from pipelines.records.io import (
    Record,
    canonical_json,
    example_id,
    file_sha256,
    fingerprint,
    read_json,
    read_jsonl,
    tree_sha256,
    write_atomic,
    write_json,
    write_jsonl,
)

__all__ = [
    "Record",
    "canonical_json",
    "example_id",
    "file_sha256",
    "fingerprint",
    "read_json",
    "read_jsonl",
    "tree_sha256",
    "write_atomic",
    "write_json",
    "write_jsonl",
]
