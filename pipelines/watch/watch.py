"""Watching a project's source: what is saved can be found a moment later, on top of the live release."""

import gc
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson
from filelock import FileLock, Timeout

from pipelines.assistant.search import search_index
from pipelines.assistant.watch_client import STATE
from pipelines.config.schema import Params
from pipelines.encoder.encoder import Encoder, load_encoder
from pipelines.encoder.vector_cache import VectorCache
from pipelines.errors import NocturneError, UsageError
from pipelines.index import Hit, OverlayIndex
from pipelines.index.search.query import parse_query
from pipelines.locks import is_locked
from pipelines.project import Project
from pipelines.records import Record, read_json
from pipelines.source.reader import Reader
from pipelines.watch.file_events import watch_changes
from pipelines.watch.overlay_sync import OverlaySync, Taken
from pipelines.watch.reindex import Reindexer
from pipelines.watch.server import serve
from pipelines.watch.working_tree import WorkingTree

LOOK_S = 2.0  # how often `champion` is looked up: a night, a command or a person in MLflow's UI may have moved it
AT_A_TIME = 4  # texts embedded between two chances for a question


class Live(Protocol):
    """The live release: its number, its index and the encoder that made it. The registry's `champion` is such a one."""

    @property
    def version(self) -> int: ...
    @property
    def index_version(self) -> str: ...
    @property
    def encoder(self) -> str: ...


@dataclass(frozen=True)
class Event:
    """What has become searchable, or why it has not.

    Attributes:
        release: on top of which.
        taken: the files and their passages.
        seconds: from the moment the change was noticed.
        error: what failed, and what a person can do; it is tried again.
    """

    release: int | None
    taken: Taken
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class _Served:
    """The release that is watched on top of, and what answers for it."""

    release: Live
    fresh: OverlaySync
    encoder: Encoder
    reader: Reader
    resources: ExitStack


class Watch:
    """One watched project."""

    def __init__(
        self,
        project: Project,
        params: Callable[[], Params],
        live: Callable[[], Live],
        told: Callable[[Event], None],
    ) -> None:
        """Read what is tracked.

        Args:
            project: whose source it is.
            params: reads params.yaml, which `nocturne forget` changes.
            live: gives what `champion` points to now; raises NocturneError when that is nothing.
            told: hears of everything that has been taken.

        Raises:
            NocturneError: the source is no git repository, or nothing of it is taken.
        """
        self._project, self._params, self._live, self._told = project, params, live, told
        self._tree = WorkingTree(project, params())
        self._next: _Served | None = None  # opened; served once it is up to date
        self._served: _Served | None = None
        self._serving = threading.Lock()
        self._looked = self._again = 0.0  # when `champion` was looked up, and when a failure is tried again
        self._missing = math.inf  # when files are tried again that could not be read, though nothing of them changes
        self._failed = ""
        self._touched: set[Path] = set()  # to be looked at
        self._behind = True

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set.

        Raises:
            UsageError: the project is watched already.
            NocturneError: nothing is live, or the system cannot watch the source.
        """
        self._live()
        with _hold_lock(self._project), serve(self.search) as address:
            self._address = address
            try:
                for change in watch_changes(self._tree.root, self._tree.index, self._tree.concerns, stop):
                    self._touched |= change.paths or set(self._tree.patrol())
                    self._touched |= set(self._tree.emptied())
                    self._follow(change.at)
            finally:
                self._leave()

    def search(self, version: str, text: str, limit: int) -> list[Hit] | None:
        """The best passages for a text; None when another index version than this is served. Safe in any thread.

        Raises:
            UsageError: the text is empty, or holds a filter that does not exist.
        """
        asked = parse_query(text)
        with self._serving:
            served = self._served
            if served is None or served.release.index_version != version:
                self._looked = 0.0
                return None
            return search_index(served.fresh.index, served.encoder, asked, limit)

    def _follow(self, since: float) -> None:
        try:
            moved = self._moved()
            if moved is not None:
                self._leave()
                self._tree, self._behind = WorkingTree(self._project, self._params()), True
                self._next = self._opened(moved)
            now = time.monotonic()
            if now < self._again:
                return
            self._behind |= bool(self._touched) and self._tree.look(self._touched)
            self._touched, changed = set(), self._behind
            if (changed or now >= self._missing) and self._next is not None:
                taken = self._next.fresh.take(self._tree.items, self._next.reader)
                self._behind, self._failed = False, ""
                whole = self._next.fresh.holds(self._tree.items)
                self._missing = math.inf if whole else time.monotonic() + LOOK_S
                with self._serving:
                    self._served = self._next
                if changed or taken.changed or taken.gone:
                    self._say(Event(self._next.release.version, taken, time.monotonic() - since))
                self._next.fresh.keep()
        except (NocturneError, OSError, sqlite3.Error) as error:
            self._again = time.monotonic() + LOOK_S
            step = f" → {error.next_step}" if isinstance(error, NocturneError) else ""
            words = " ".join(f"{error}{step}".split())
            if words != self._failed:
                self._failed = words
                self._told(Event(None, Taken(), 0.0, words))

    def _moved(self) -> Live | None:
        """The live release, when it is another than the one that is served."""
        if time.monotonic() - self._looked < LOOK_S:
            return None
        self._looked = time.monotonic()
        release, known = self._live(), self._next.release if self._next else None
        same = known and (known.version, known.index_version) == (release.version, release.index_version)
        return None if same else release

    def _opened(self, release: Live) -> _Served:
        params = self._params()
        with ExitStack() as resources:
            index = resources.enter_context(OverlayIndex.of(self._project, params.index, release.index_version))
            encoder = load_encoder(release.encoder, trust_remote_code=params.embedding.trust_remote_code)
            kept = self._project.cache / "embedding" / "vectors.sqlite"
            vectors = resources.enter_context(VectorCache(kept, encoder.identity, encoder.dimension))
            reader = resources.enter_context(Reader(self._project.source))
            batch = min(AT_A_TIME, params.embedding.batch_size)
            fresh = OverlaySync(index, encoder, vectors, batch, Reindexer(self._project, params))
            fresh.warm(self._tree.items.values())
            _settle()
            return _Served(release, fresh, encoder, reader, resources.pop_all())

    def _leave(self) -> None:
        """Stop answering. The release's own index answers from now on."""
        with self._serving:
            self._served = None
        if self._next is not None:
            self._next.resources.close()
            self._next = None

    def _say(self, event: Event) -> None:
        served = self._next
        assert served is not None
        state = {
            "pid": os.getpid(),
            "port": self._address.port,
            "token": self._address.token,
            "release": served.release.version,
            "version": served.release.index_version,
            "files": len(self._tree.items),
            "passages": served.fresh.index.count(),
            "seconds": round(event.seconds, 3),
        }
        aside = self._project.watch / f".{STATE}.tmp"  # not synced to disk: it says nothing once this process is gone
        aside.write_bytes(orjson.dumps(state))
        aside.replace(self._project.watch / STATE)
        self._told(event)


def read_state(project: Project) -> Record | None:
    """What a running watch last said of itself; None when nobody watches, or another user does, unseen."""
    if not is_locked(project.watch / "lock") or not (project.watch / STATE).is_file():
        return None
    state: Record = read_json(project.watch / STATE)
    return {key: value for key, value in state.items() if key != "token"}


@contextmanager
def _hold_lock(project: Project) -> Iterator[None]:
    try:
        project.watch.mkdir(mode=0o700, parents=True, exist_ok=True)
        (project.watch / "lock").touch(mode=0o600)
    except OSError as error:
        raise NocturneError(
            f"{project.watch} cannot be written: {error.strerror}.", "Free disk space, or look at its permissions."
        ) from error
    try:
        with _lock(project):
            try:
                yield
            finally:
                (project.watch / STATE).unlink(missing_ok=True)
    except Timeout:
        raise UsageError(
            f"`{project.name}` is watched already.", "One process watches a project; end the other one first."
        ) from None


def _settle() -> None:
    """Let Python's collector leave alone what is there by now and stays: of a project with 24,000 passages it looked
    through that for 60 ms every few saves (benchmarks/index/fresh.py), and somebody waited for it."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _lock(project: Project) -> FileLock:
    return FileLock(project.watch / "lock", timeout=0)
