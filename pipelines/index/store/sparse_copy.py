"""Copying files that are mostly holes, as the engine's are: the holes stay holes."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

PIECE = 1 << 20


def copy_sparse(source: Path, target: Path, wanted: Callable[[Path], bool] = lambda _: True) -> None:
    """Copy a folder to one that is not there yet: its folders, and the files that are wanted, all of them writable."""
    for folder, _, names in os.walk(source):
        here = target / Path(folder).relative_to(source)
        here.mkdir(parents=True)
        for name in names:
            if wanted(Path(folder, name)):
                _copy_file(Path(folder, name), here / name)


def _copy_file(source: Path, target: Path) -> None:
    """Copy one file, only where it has data."""
    with open(source, "rb") as old, open(target, "wb") as new:
        size = os.fstat(old.fileno()).st_size
        new.truncate(size)
        start = 0
        while (start := _data_ranges(old.fileno(), start, size)) < size:
            end = os.lseek(old.fileno(), start, os.SEEK_HOLE)
            _piece(old.fileno(), new.fileno(), start, end)
            start = end


def _data_ranges(file: int, start: int, size: int) -> int:
    """Where the next data begins; the size when there is no more."""
    try:
        return os.lseek(file, start, os.SEEK_DATA) if start < size else size
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        raise


def _piece(old: int, new: int, start: int, end: int) -> None:
    for at in range(start, end, PIECE):
        os.pwrite(new, os.pread(old, min(PIECE, end - at), at), at)
