"""Opening files of a working tree without ever leaving it."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pipelines.errors import NocturneError

PIECE = 1 << 20


class Unsafe(Exception):
    """A path that is not a plain file below the root; says what it is instead."""


@contextmanager
def open_file(root: Path, path: str) -> Iterator[BinaryIO]:
    """Open a file below a root for reading; no part of its path may be a symbolic link.

    Every folder is opened relative to the one before it, so that nothing can be exchanged in between.

    Raises:
        Unsafe: the path leads over a symbolic link or to something that is not a plain file.
        FileNotFoundError: there is none.
    """
    *folders, name = PurePosixPath(path).parts
    if ".." in folders or name == ".." or path.startswith("/"):
        raise Unsafe("path leaves the repository")
    held = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = _open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, held)
            os.close(held)
            held = inner
        # A named pipe would wait for its writer for ever without O_NONBLOCK.
        descriptor = _open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, held)
    finally:
        os.close(held)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unsafe("not a plain file")
        yield file


def blob_of(file: BinaryIO, object_format: str) -> tuple[str, int]:
    """Git's name for the bytes of an open file, taken as they are, and their number.

    Args:
        file: at its beginning.
        object_format: "sha1" or "sha256".
    """
    size = os.fstat(file.fileno()).st_size
    digest = hashlib.new(object_format, b"blob %d\0" % size, usedforsecurity=False)
    left = size
    while left and (piece := file.read(min(PIECE, left))):
        digest.update(piece)
        left -= len(piece)
    return digest.hexdigest(), size


def blob_name(content: bytes, object_format: str) -> str:
    """Git's name for some bytes."""
    return hashlib.new(object_format, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _open(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        raise
    except PermissionError:
        raise Unsafe("permission denied") from None
    except OSError:
        kind = os.lstat(name, dir_fd=folder).st_mode
        raise Unsafe("symbolic link on its path" if stat.S_ISLNK(kind) else "not a plain file") from None
    except ValueError as error:
        raise NocturneError(f"`{name}` is no file name: {error}.", "Rename it.") from None
