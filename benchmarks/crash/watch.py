"""The watch over a source that is edited all the time, as a subject of `benchmarks.crash.kills`: `--what watch`.

A trial runs the watch, with its service, while a process of its own works on the source (`benchmarks.crash.edits`); a
kill takes the watch and leaves the person who edits. Every answer, of the watch or of the release when the watch is
gone, must consist of passages that stand so in their file: in the released text, or in a state that the file had before
the answer, and of one state a file; the watch may have none for a moment, when it takes the passages of many changed
files away before it has the new ones. After a kill the release must answer whole. The next watch must come to show the
files as they are; then a night with the caches that the killed ones left is the next release, and every fourth must
make what one without caches makes.
"""

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.crash.edits import FILES, Editor, alone
from benchmarks.crash.release import NAME, ROOT, make_workspace, opened
from pipelines.project import Project
from pipelines.records import file_sha256, read_json, read_jsonl, write_json

if TYPE_CHECKING:
    from pipelines.index import Hit

STAGES = ("snapshot", "extraction", "embedding")
VECTORS = "vectors.npy"
LIMIT = 40  # passages a question
EARLY = 3  # every third trial the person is there before the watch answers
COMPARED = 4  # every fourth night is made again without caches
WAIT_S = 120  # for the watch to show what the files hold


@dataclass(frozen=True)
class Live:
    """What is released, as the watch and the search ask for it."""

    version: int
    index_version: str
    encoder: str
    base_model: str = ""
    adapter: Path = Path()


class WatchSubject:
    """One project, released anew at the end of each trial."""

    preloaded: Sequence[str] = (
        "numpy", "scipy.sparse", "qdrant_edge", "tokenizers", "watchfiles", "pipelines.watch.watch",
        "pipelines.assistant.search", "pipelines.extraction.stage", "pipelines.embedding.stage",
    )  # fmt: skip

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """A repository and its first release."""
        make_workspace(self.folder, {"embedding": {"variant": "static"}})
        Editor(self.folder, 0).begin()
        self._release()

    def begin(self, trial: int) -> None:
        """The files stay as the trial before has left them."""

    def work(self, trial: int, begun: Callable[[str], None]) -> bool:
        """Watch until the person has done, and the files are shown as they are then."""
        from pipelines.watch.watch import STATE, Watch

        project, params = opened(self.folder)
        _watched(begun)
        resumed = (project.live / "copies" / "watch").exists() or (project.watch / STATE).exists()
        command = [sys.executable, "-m", "benchmarks.crash.edits", str(self.folder), str(trial)]
        stop, serves, failed = threading.Event(), threading.Event(), []

        def watch() -> None:
            try:
                Watch(project, lambda: params, self._live, lambda event: serves.set()).run(stop)
            except BaseException as error:
                failed.append(error)
                serves.set()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            if trial % EARLY:  # else the watch begins while files change
                assert serves.wait(WAIT_S), "the watch does not begin to answer"
            editor = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
            assert editor.wait() == 0, "the editor has failed"
            self._until_true(failed)
            write_json(self._shown, read_json(project.watch / STATE)["passages"])
        finally:
            stop.set()
            thread.join()
        assert not failed, f"the watch has ended: {failed}"
        return resumed

    def state(self, trial: int) -> str:
        """Nobody watches, and the release answers whole."""
        from pipelines.index.store.embedded_store import EdgeStore
        from pipelines.watch.watch import read_state

        project, params = opened(self.folder)
        with alone(self.folder):
            pass
        assert read_state(project) is None, "a watch that was killed is said to run"
        wrong = EdgeStore(project.live, NAME, params.index.memory_mb).faults(self._live().index_version)
        assert not wrong, f"the release is torn: {wrong[0]}"
        self.asking()()
        return "old"

    def check(self, trial: int) -> None:
        """Nothing of the watch is left, and the next night makes what one without any cache makes."""
        from pipelines.watch.watch import STATE

        project, params = opened(self.folder)
        assert not (project.live / "copies" / "watch").exists(), "the watch has left its copy"
        assert not (project.watch / STATE).exists(), "the watch has left its state"
        self._release()
        passages = sum(1 for _ in read_jsonl(project.path("extraction", "chunks.jsonl")))
        shown = read_json(self._shown)
        assert shown == passages, f"the watch has shown {shown} passages, the files have {passages}"
        if trial % COMPARED:
            return
        clean = Project("clean", project.source, self.folder / "clean")
        _night(clean, params)
        for part in (("extraction", "chunks.jsonl"), ("embedding", VECTORS)):
            same = file_sha256(project.path(*part)) == file_sha256(clean.path(*part))
            assert same, f"the night makes another {part[1]} than one without caches"
        shutil.rmtree(clean.workspace)

    def asking(self) -> Callable[[], None]:
        """Asks as `nocturne search` does."""
        import pipelines.assistant.search as assistant

        project, params = opened(self.folder)
        states, draw = _States(self.folder / "states.jsonl"), random.Random(17)
        ask_server, from_watch = assistant.ask_watch, [False]

        def asked(project: Project, version: str, text: str, limit: int) -> "list[Hit] | None":
            found = ask_server(project, version, text, limit)
            from_watch[0] = found is not None
            return found

        assistant.ask_watch = asked

        def ask() -> None:
            live = self._live()
            hits = assistant.search(project, params, live, f"step value part{draw.randrange(FILES)}", LIMIT)
            released = None if from_watch[0] else read_json(self._released(live.index_version))
            states.check(hits, released)

        return ask

    @property
    def _note(self) -> Path:
        """What is released: what MLflow says otherwise."""
        return self.folder / "live.json"

    @property
    def _shown(self) -> Path:
        """How many passages the watch had at the end."""
        return self.folder / "shown.json"

    def _released(self, version: str) -> Path:
        """Path → blob of the files of a release."""
        return self.folder / "released" / f"{version}.json"

    def _live(self) -> Live:
        return Live(**read_json(self._note))

    def _release(self) -> None:
        """A night; the releases before the former one go."""
        from pipelines.index import publish
        from pipelines.index.store.embedded_store import EdgeStore

        project, params = opened(self.folder)
        _night(project, params)
        made = publish(project, params)
        chunks = read_jsonl(project.path("extraction", "chunks.jsonl"))
        write_json(self._released(made.version), {chunk["path"]: chunk["blob"] for chunk in chunks})
        former = self._live() if self._note.exists() else Live(0, made.version, made.encoder)
        new = Live(former.version + 1, made.version, made.encoder)
        write_json(self._note, {"version": new.version, "index_version": new.index_version, "encoder": new.encoder})
        store = EdgeStore(project.live, NAME, params.index.memory_mb)
        for other in set(store.held()) - {made.version, former.index_version}:
            store.remove(other)

    def _until_true(self, failed: list[BaseException]) -> None:
        """Wait until every file is shown as it stands on disk, and no other."""
        limit = time.monotonic() + WAIT_S
        while (wrong := self._untrue()) and not failed:
            assert time.monotonic() < limit, f"the watch does not come to show {wrong}"
            time.sleep(0.1)

    def _untrue(self) -> str:
        """A file that is shown otherwise than it stands on disk; "" when there is none, and the watch answers."""
        from pipelines.assistant.watch_client import ask_watch

        project, _ = opened(self.folder)
        version = self._live().index_version
        states = _States(self.folder / "states.jsonl")
        there = set(Editor(self.folder, 0).paths())
        for path in sorted(there | states.paths):
            hits = ask_watch(project, version, f'path:"{path}" value', LIMIT)
            if hits is None:
                return "anything"
            file = project.source / path
            lines = file.read_text().split("\n") if path in there else []
            shown = {number for hit in hits for number in range(hit.start_line, hit.end_line + 1)}
            lacks = {number for number, line in enumerate(lines, start=1) if line.strip()} - shown
            if lacks or any(hit.text.split("\n") != lines[hit.start_line - 1 : hit.end_line] for hit in hits):
                return path
        return ""


class _States:
    """Every text that a file has had: path → git's name for the bytes → lines."""

    def __init__(self, file: Path) -> None:
        self._file, self._at = file, 0
        self._known: dict[tuple[str, str], list[str]] = {}

    @property
    def paths(self) -> set[str]:
        """Every path that ever was."""
        self._read()
        return {path for path, _ in self._known}

    def check(self, hits: Sequence[Any], released: dict[str, str] | None) -> None:
        """Raise AssertionError unless each passage stood so in its file, and all of a file in one state of it."""
        self._read()
        assert hits or released is None, "the release answers without a passage"
        blobs: dict[str, str] = {}
        for hit in hits:
            where = f"{hit.path}:{hit.start_line}"
            lines = self._known.get((hit.path, hit.blob))
            assert lines is not None, f"{where} is of bytes that the file never had"
            assert hit.text.split("\n") == lines[hit.start_line - 1 : hit.end_line], f"{where} holds another text"
            assert blobs.setdefault(hit.path, hit.blob) == hit.blob, f"{where} is of another state than its neighbour"
            assert released is None or released.get(hit.path) == hit.blob, f"{where} was not released so"

    def _read(self) -> None:
        with open(self._file, "rb") as file:
            file.seek(self._at)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.splitlines():
            state = json.loads(line)
            self._known[state["path"], state["blob"]] = state["text"].split("\n")


def _night(project: Project, params: Any) -> None:
    from pipelines.dag.stage import load

    for stage in STAGES:
        load(stage).run(project, params)


def _watched(begun: Callable[[str], None]) -> None:
    """Let `begun` hear of every write, of many of one kind in a row once: they are as many as there is to do. Each
    process that is watched ends with its work."""
    from pipelines.encoder.vector_cache import VectorCache
    from pipelines.extraction.cache import Cache
    from pipelines.index.store.embedded_engine import EdgeEngine
    from pipelines.index.store.embedded_store import EdgeStore
    from pipelines.watch.watch import Watch

    owners: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (EdgeStore, ("copy", "drop")),
        (EdgeEngine, ("upsert", "amend", "delete")),
        (VectorCache, ("put",)),
        (Cache, ("write",)),
        (Watch, ("_say",)),
    )
    last = [""]

    def changed(kind: str) -> None:
        if kind != last[0]:
            last[0] = kind
            begun(kind)

    for owner, names in owners:
        for name in names:
            setattr(owner, name, _telling(getattr(owner, name), f"{owner.__name__.split('.')[-1]}.{name}", changed))


def _telling(write: Callable[..., Any], name: str, begun: Callable[[str], None]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        begun(name)
        return write(*arguments, **named)

    return call
