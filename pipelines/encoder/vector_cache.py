"""Vectors that were computed before, by content and encoder: what a killed or an earlier night leaves for the next."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (encoder TEXT, content TEXT, vector BLOB, PRIMARY KEY (encoder, content))"
HASHES_A_QUERY = 500


class VectorCache:
    """One SQLite file. `put` is durable when it returns, so a kill loses at most what was not put yet."""

    def __init__(self, file: Path, encoder: str, dimension: int) -> None:
        """Open the cache for one encoder; a file that is not a readable cache is replaced by an empty one."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._encoder = encoder
        self._bytes = 4 * dimension
        try:
            self._database = _open(file)
        except sqlite3.DatabaseError:
            # It holds nothing that cannot be computed again.
            for part in file.parent.glob(f"{file.name}*"):
                part.unlink()
            self._database = _open(file)

    def get(self, contents: Iterable[str]) -> "dict[str, np.ndarray]":
        """The vectors (float32) of those contents, by their hashes, that are in the cache."""
        import numpy as np

        wanted, found = sorted(set(contents)), {}
        for start in range(0, len(wanted), HASHES_A_QUERY):
            part = wanted[start : start + HASHES_A_QUERY]
            marks = ",".join("?" * len(part))
            query = f"SELECT content, vector FROM vectors WHERE encoder = ? AND content IN ({marks})"  # noqa: S608
            with closing(self._database.execute(query, [self._encoder, *part])) as rows:
                found.update({c: np.frombuffer(v, dtype="<f4") for c, v in rows if len(v) == self._bytes})
        return found

    def put(self, contents: Iterable[str], vectors: "np.ndarray") -> None:
        """Keep the vector of each content hash, in one transaction."""
        rows = [(self._encoder, c, v.astype("<f4").tobytes()) for c, v in zip(contents, vectors, strict=True)]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def keep_only(self, contents: Iterable[str]) -> int:
        """Forget every other content, and other encoders; returns how many vectors are left."""
        with self._database:
            self._database.execute("CREATE TEMP TABLE kept (content TEXT PRIMARY KEY)")
            self._database.executemany("INSERT OR IGNORE INTO kept VALUES (?)", ((c,) for c in contents))
            self._database.execute(
                "DELETE FROM vectors WHERE encoder != ? OR content NOT IN (SELECT content FROM kept)", [self._encoder]
            )
            self._database.execute("DROP TABLE kept")
        count: int = self._database.execute("SELECT count(*) FROM vectors").fetchone()[0]
        return count

    def __enter__(self) -> "VectorCache":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()


def _open(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=60)
    try:
        with database:
            database.execute(SCHEMA)
        state = database.execute("PRAGMA quick_check").fetchone()[0]
        if state != "ok":
            raise sqlite3.DatabaseError(state)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database
