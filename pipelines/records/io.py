"""The files in which stages meet: JSON and JSON Lines, canonical, written whole or not at all."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, overload

import orjson

from pipelines.errors import NocturneError

Record = dict[str, Any]  # free-form: no type in `pipelines/records/` says what is in it
R = TypeVar("R", bound=Mapping[str, Any])
NAMED_BY = (
    "task",
    "mode",
    "path",
    "start_byte",
    "end_byte",
    "prompt",
    "completion",
    "chosen",
    "rejected",
)  # what an example's or a pair's id depends on


def canonical_json(value: Any) -> str:
    """Canonical JSON: the same value is always the same bytes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def write_atomic(path: Path, data: bytes) -> None:
    """Write aside, sync, rename: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(aside, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write one indented, key-sorted JSON document atomically."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=2)
    write_atomic(path, (text + "\n").encode())


def read_json(path: Path) -> Any:
    """Read one JSON document.

    Raises:
        NocturneError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise _missing(path) from None
    except ValueError as error:
        raise _broken(path, str(error)) from None


def write_jsonl(path: Path, records: Iterable[Mapping[str, Any]]) -> int:
    """Write one canonical JSON object a line, streaming, atomically; returns how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    count = 0
    with open(aside, "w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(canonical_json(record) + "\n")
            count += 1
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    return count


@overload
def read_jsonl(path: Path) -> Iterator[Record]: ...
@overload
def read_jsonl(path: Path, kind: type[R]) -> Iterator[R]: ...
def read_jsonl(path: Path, kind: type[Any] = dict) -> Iterator[Any]:  # noqa: ARG001
    """Yield the objects of a JSON Lines file, one at a time.

    Args:
        kind: the type of its lines, for the type checker; nothing is compared with it.

    Raises:
        NocturneError: the file is missing, or a line is not a JSON object (the line is named).
    """
    if not path.is_file():
        raise _missing(path)
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                record = orjson.loads(line)
            except ValueError as error:
                raise _broken(path, f"line {number}: {error}") from None
            if not isinstance(record, dict):
                raise _broken(path, f"line {number} is not an object")
            yield record


def fingerprint(*parts: Any) -> str:
    """SHA-256 of the canonical JSON of some values, in hex."""
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def example_id(row: Mapping[str, Any]) -> str:
    """16 hexadecimal digits that change with what a row teaches, or with where it is from in its file."""
    return fingerprint(*(row.get(key) for key in NAMED_BY))[:16]


def file_sha256(path: Path) -> str:
    """SHA-256 of one file's bytes, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_sha256(folder: Path) -> str:
    """SHA-256 over a folder's relative file names and contents, in hex."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return fingerprint([[path.relative_to(folder).as_posix(), file_sha256(path)] for path in files])


def _missing(path: Path) -> NocturneError:
    return NocturneError(f"{path} does not exist.", "Run `nocturne nightly` first; it makes every stage's files.")


def _broken(path: Path, reason: str) -> NocturneError:
    return NocturneError(f"{path} cannot be read: {reason}.", f"Delete {path} and run `nocturne nightly` again.")
