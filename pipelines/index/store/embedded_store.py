"""The versions of one project as folders, `data/live/<project>/<version>`: a shard, and a manifest written last."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.errors import NocturneError, TornIndex
from pipelines.index.store.embedded_engine import EdgeEngine
from pipelines.index.store.interface import Engine, name_copy
from pipelines.index.store.manifest import IndexVersion, repair_step
from pipelines.index.store.memory_usage import MemoryUsage, measure_memory
from pipelines.index.store.quantization import MB, choose_layout
from pipelines.index.store.sparse_copy import copy_sparse
from pipelines.records import file_sha256, read_json, write_json
from pipelines.wording import format_count

MANIFEST, SHARD, COPIES = "manifest.json", "shard", "copies"
DISK = 150 * MB  # the engine's first pages; it ends the process when they cannot be filled
DISK_POINT = 4000  # bytes a point, twice: what is written first, and the same in order
SPARE = 32 * MB  # on top of what a change of a copy takes: others write to the disk as well


class EdgeStore:
    """The versions of one project, one folder each."""

    def __init__(self, live: Path, project: str, memory_mb: int) -> None:
        self._live = live
        self._project = project
        self._memory_mb = memory_mb

    def planned(self, manifest: IndexVersion) -> IndexVersion:
        """With the layout that fits the memory.

        Raises:
            NocturneError: none does, or the disk has not the room to build it.
        """
        layout = choose_layout(manifest.count, manifest.dimension, self._memory_mb)
        self._live.mkdir(parents=True, exist_ok=True)
        takes = DISK + _disk_need(manifest.count, manifest.dimension)
        chunks = format_count(manifest.count, "chunk")
        self._has(takes, f"An index of {chunks} needs about {takes / MB:,.0f} MB of disk while it is built")
        return replace(manifest, layout=layout.name)

    def room(self, count: int, dimension: int) -> None:
        """See whether a copy can be changed, by so many points more.

        Raises:
            NocturneError: the disk may be full before that is done, and Edge would end the process.
        """
        takes = SPARE + _disk_need(count, dimension)
        self._has(takes, f"Bringing {format_count(count, 'chunk')} in needs up to {takes / MB:,.0f} MB of disk")

    def _has(self, takes: int, what: str) -> None:
        free = shutil.disk_usage(self._live).free
        if free < takes:
            raise NocturneError(
                f"{what}; {free / MB:,.0f} MB are free.",
                "Free disk space, for example with `nocturne gc`. What was live stays live.",
            )

    def memory(self, manifest: IndexVersion) -> MemoryUsage:
        """What a whole version takes."""
        return measure_memory(self._live / manifest.version, manifest, self._memory_mb)

    def create(self, manifest: IndexVersion) -> EdgeEngine:
        """Start over in `.<version>.tmp`."""
        self.discard(manifest.version)
        return EdgeEngine.create(self._aside(manifest.version) / SHARD, manifest.dimension, manifest.layout)

    def seal(self, version: str, engine: Engine) -> EdgeEngine:
        """Write to disk, then open from disk, as every reader will."""
        assert isinstance(engine, EdgeEngine)
        engine.finish()
        return EdgeEngine.load(self._aside(version) / SHARD)

    def publish(self, manifest: IndexVersion, engine: Engine) -> IndexVersion:
        """Sync, list and hash the files, write the manifest, and rename into place."""
        engine.close()
        aside, final = self._aside(manifest.version), self._live / manifest.version
        for path in [*_files(aside), *(p for p in aside.rglob("*") if p.is_dir()), aside]:
            _sync(path)
        whole = manifest.with_files({_name(file, aside): _facts(file) for file in _files(aside)})
        write_json(aside / MANIFEST, whole.sealed())
        _sync(aside)
        _swap(aside, final)
        return whole

    def discard(self, version: str) -> None:
        """Remove what was begun."""
        shutil.rmtree(self._aside(version), ignore_errors=True)

    def read(self, version: str) -> IndexVersion | None:
        """The manifest, or None when there is no whole version of this name.

        Every file must be there in its size, and one that was written to since it was published with its hash: as git
        does it, the times are looked at and not the bytes, so that this costs a millisecond.
        """
        manifest, _ = self._manifest(version)
        if manifest is None or next(_faults(self._live / version, manifest, by_time=True), None):
            return None
        return manifest

    def faults(self, version: str) -> list[str]:
        """What is wrong with the manifest or with any byte of any file."""
        manifest, wrong = self._manifest(version)
        return [wrong] if manifest is None else list(_faults(self._live / version, manifest, by_time=False))

    def _manifest(self, version: str) -> tuple[IndexVersion | None, str]:
        folder = self._live / version
        if not folder.is_dir():
            return None, f"there is no folder {folder}"
        try:
            manifest = IndexVersion.unsealed(read_json(folder / MANIFEST), version)
        except (NocturneError, OSError):
            return None, f"{MANIFEST} is missing or is not JSON"
        return (
            manifest,
            "" if manifest else f"{MANIFEST} has another seal: it was edited, or another version of Nocturne made it",
        )

    def open(self, manifest: IndexVersion) -> EdgeEngine:
        """Open a whole version.

        Raises:
            NocturneError: Edge cannot read it.
        """
        return self._opened(self._live / manifest.version / SHARD, manifest.version)

    def held(self) -> dict[str, int]:
        """Every folder, whole, torn or begun, with the bytes that it takes on disk; Edge's files have holes."""
        folders = [path for path in sorted(self._live.glob("*")) if path.is_dir() and path.name != COPIES]
        return {folder.name: sum(_blocks(file) for file in _files(folder)) for folder in folders}

    def remove(self, version: str) -> None:
        """Take a version away: at once for readers, then from disk."""
        final = self._live / version
        if final.exists():
            torn = _raise_torn(final)
            final.replace(torn)
            shutil.rmtree(torn)

    def copy(self, manifest: IndexVersion, name: str) -> EdgeEngine:
        """Copy the shard's own files to `copies/<name>`, and open that.

        Raises:
            NocturneError: Edge cannot read the version, or the copy cannot be written.
        """
        self.drop(name)
        folder = self._live / manifest.version
        takes = SPARE + sum(_blocks(folder / name) for name in manifest.files)
        self._has(takes, f"A copy of index version {manifest.version} needs {takes / MB:,.0f} MB of disk")
        own = {folder / name for name in manifest.files}  # a reader's load has others there for a moment
        try:
            copy_sparse(folder / SHARD, self._copy(name), wanted=own.__contains__)
        except OSError as error:
            self.drop(name)
            raise NocturneError(
                f"A copy of index version {manifest.version} cannot be written to {self._copy(name)}: "
                f"{error.strerror}.",
                "Free disk space, or look at the folder's permissions. What is live has not changed.",
            ) from error
        return self._opened(self._copy(name), manifest.version)

    def drop(self, name: str) -> None:
        """Remove a copy."""
        shutil.rmtree(self._copy(name), ignore_errors=True)

    def close(self) -> None:
        """Nothing is held between calls."""

    def _copy(self, name: str) -> Path:
        return self._live / COPIES / name_copy(name)

    def _opened(self, folder: Path, version: str) -> EdgeEngine:
        try:
            return EdgeEngine.load(folder)
        except TornIndex as error:
            raise TornIndex(
                f"Index version {version} of {self._project} cannot be opened. {error.fact}",
                repair_step(self._project, version),
            ) from error

    def _aside(self, version: str) -> Path:
        return self._live / f".{version}.tmp"


def _disk_need(count: int, dimension: int) -> int:
    """Bytes of disk, at most."""
    return count * (DISK_POINT + 10 * dimension)


def _raise_torn(final: Path) -> Path:
    torn = final.with_name(f".{final.name}.torn")
    shutil.rmtree(torn, ignore_errors=True)
    return torn


def _swap(aside: Path, final: Path) -> None:
    torn = _raise_torn(final)
    if final.exists():
        final.replace(torn)
    aside.replace(final)
    _sync(final.parent)
    shutil.rmtree(torn, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    """Every file below it. A folder that goes meanwhile, as a reader makes them for a moment, is passed over."""
    return sorted(Path(here, name) for here, _, names in os.walk(folder) for name in names)


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _facts(file: Path) -> list[Any]:
    stat = file.stat()
    return [stat.st_size, file_sha256(file), stat.st_mtime_ns]


def _faults(folder: Path, manifest: IndexVersion, by_time: bool) -> Iterator[str]:
    """What is wrong with the files; `by_time` does not read one that nobody has written to."""
    for name, (size, sha, *changed) in manifest.files.items():
        file = folder / name
        try:
            stat = file.stat()
            if stat.st_size != size:
                yield f"{name} has {stat.st_size} bytes, not {size}"
            elif not (by_time and changed == [stat.st_mtime_ns]) and file_sha256(file) != sha:
                yield f"{name} has changed: its hash is another"
        except OSError as error:
            yield f"{name} cannot be read: {error.strerror}"


def _blocks(file: Path) -> int:
    """Bytes on disk; none of one that has gone since it was listed, as those go that a reader writes when it opens."""
    try:
        return file.stat().st_blocks * 512
    except FileNotFoundError:
        return 0


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
