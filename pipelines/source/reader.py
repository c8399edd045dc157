"""The bytes of recorded files, exactly those that were recorded."""

import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from pipelines.source import git, safe_open
from pipelines.source.safe_open import PIECE

CHANGED = "changed while it was read; the next night will take it"


class Unreadable(Exception):
    """A recorded file that cannot be had; says why."""


class Reader:
    """Reads blobs through one git process, and uncommitted files from disk; a context manager.

    Bytes are asked for by git's name for them, so that whatever happens to the repository meanwhile, what is read is
    what the snapshot recorded, or nothing.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._format = git.object_format(root)

    def __enter__(self) -> "Reader":
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _begin(self) -> None:
        self._process = subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=self._root,
            env=git.git_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _end(self) -> None:
        self._process.kill()
        with suppress(BrokenPipeError):  # of a question that it did not live to hear
            self._process.communicate()

    def read(self, path: str, blob: str, size: int) -> bytes:
        """The bytes of a file.

        Args:
            path: relative to the source.
            blob: git's name for the bytes.
            size: their number; never more are held in memory.

        Raises:
            Unreadable: they are neither in the object store nor in the working tree.
        """
        stored = self._stored(blob)
        return self._on_disk(path, blob, size) if stored is None else stored[1]

    def stored(self, blob: str, most: int) -> tuple[int, bytes]:
        """The size of an object that git stores, and its bytes, or their beginning when there are more than `most`.

        Args:
            blob: git's name for it, or `<commit>:<path>`.

        Raises:
            Unreadable: it is not in the object store.
        """
        found = self._stored(blob, most)
        if found is None:
            raise Unreadable("not in the object store")
        return found

    def _stored(self, blob: str, most: int | None = None) -> tuple[int, bytes] | None:
        header = self._asked(blob)
        if not header:  # it was killed; another one answers, now and from now on
            self._end()
            self._begin()
            header = self._asked(blob)
        if not header:
            raise Unreadable("git stopped answering")
        answer = _pipe(self._process.stdout)
        if header[-1] == b"missing":
            return None
        size = int(header[2])
        content = answer.read(size if most is None else min(size, most))
        left = size - len(content) + 1  # and a line feed
        while left and (piece := answer.read(min(PIECE, left))):
            left -= len(piece)
        return size, content

    def _asked(self, blob: str) -> list[bytes]:
        """What git says of an object before its bytes; nothing when it is gone."""
        ask = _pipe(self._process.stdin)
        try:
            ask.write(blob.encode() + b"\n")
            ask.flush()
        except BrokenPipeError:
            return []
        return _pipe(self._process.stdout).readline().split()

    def _on_disk(self, path: str, blob: str, size: int) -> bytes:
        try:
            with safe_open.open_file(self._root, path) as file:
                content = file.read(size + 1)
        except (FileNotFoundError, NotADirectoryError):
            raise Unreadable(CHANGED) from None
        except safe_open.Unsafe as unsafe:
            raise Unreadable(str(unsafe)) from None
        if safe_open.blob_name(content, self._format) != blob:
            raise Unreadable(CHANGED)
        return content


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
