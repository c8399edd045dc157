"""What an embedded version takes: of the budget, on disk, and in memory at this moment."""

import ctypes
import mmap
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.index.store.manifest import IndexVersion
from pipelines.index.store.quantization import BASE, FULL, MB, WARN, is_graph_walked

HEAP = 180  # bytes a point of the process that searches; measured, as BASE


@dataclass(frozen=True)
class MemoryUsage:
    """Bytes.

    Attributes:
        needed: the files that a search walks, as they are on disk, and an estimate of the searching process's heap.
            Texts, and whole vectors beside quantised ones, are read for hits only and do not count.
        cached: of all its files, what the system has in memory now; it gives that back when others need it.
        budget: `index.memory_mb`.
    """

    needed: int
    cached: int
    budget: int

    @property
    def state(self) -> str:
        """`ok`, `warning` from 80% of the budget, `full` from 95%."""
        share = self.needed / self.budget
        return "full" if share >= FULL else "warning" if share >= WARN else "ok"

    def facts(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "state": self.state}


def measure_memory(folder: Path, manifest: IndexVersion, memory_mb: int) -> MemoryUsage:
    """What a version's files and its heap take.

    Args:
        folder: of the version.
    """
    files = {name: folder / name for name in manifest.files}
    walks = sum(path.stat().st_blocks * 512 for name, path in files.items() if is_graph_walked(name, list(files)))
    return MemoryUsage(BASE + HEAP * manifest.count + walks, _cached(files), memory_mb * MB)


def _cached(files: Mapping[str, Path]) -> int:
    return sum(_resident(path) for path in files.values() if path.stat().st_size)


def _resident(file: Path) -> int:
    """Bytes of a file in the page cache, by mincore(2); 0 where a system does not tell."""
    page = mmap.PAGESIZE
    with open(file, "rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        with mmap.mmap(opened.fileno(), size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE) as mapped:
            start = ctypes.c_char.from_buffer(mapped)
            pages = (ctypes.c_ubyte * -(-size // page))()
            try:
                found = ctypes.CDLL(None).mincore(
                    ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(size), pages
                )
            finally:
                del start
    return page * sum(one & 1 for one in pages) if found == 0 else 0
