"""Building, publishing and changing an index version, as a subject of `benchmarks.crash.kills`: `--what index`.

A trial publishes a version of its own chunks, makes a copy of it, changes that as `watch` does, and removes the version
before. After a kill the version before must answer with exactly its own texts unless the new one is there; what is
visible must be whole to the last byte.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.crash.release import CHUNKS, DIMENSION, _chunk, _night
from pipelines.config.load import load_params
from pipelines.errors import NocturneError
from pipelines.project import Project
from pipelines.records import read_json, write_json

ROOT = Path(__file__).resolve().parents[2]


class IndexSubject:
    """One project whose index is replaced again and again."""

    preloaded: Sequence[str] = ("benchmarks.crash.index", "pipelines.index", "numpy", "qdrant_edge")

    def __init__(self, folder: Path) -> None:
        self.project = Project("demo", folder, folder)
        self.params = load_params(ROOT)

    def prepare(self) -> None:
        """The first version, trial 0's."""
        self.begin(0)
        self._publish(0)

    def begin(self, trial: int) -> None:
        """The files that the trial's version is made of."""
        _night(self.project, trial)

    def work(self, trial: int, begun: Callable[[str], None]) -> bool:
        """Publish the trial's version, change a copy of it, take the ones before away."""
        from pipelines.index.store.embedded_engine import EdgeEngine
        from pipelines.index.store.embedded_store import EdgeStore

        stores = ("create", "seal", "publish", "copy", "remove")
        for owner, names in ((EdgeStore, stores), (EdgeEngine, ("upsert", "amend", "delete", "flush"))):
            for name in names:
                setattr(owner, name, _telling(getattr(owner, name), f"{owner.__name__}.{name}", begun))
        resumed = any(name.startswith(".") for name in EdgeStore(self.project.live, "demo", 500).held())
        version = self._publish(trial)
        self._change(version)
        self._only({version, read_json(self._note)["before"]})
        return resumed

    def state(self, trial: int) -> str:
        """The version that the note names answers with its own texts; so does the trial's, once it is visible."""
        noted = read_json(self._note)
        self._answers(noted["version"], noted["trial"])
        self._every_visible_one_is_whole()
        return "new" if noted["trial"] == trial else "old"

    def check(self, trial: int) -> None:
        """The trial's version answers, and nothing else is there but the one before."""
        noted = read_json(self._note)
        self._answers(noted["version"], trial)
        held = self._held()
        assert held == {noted["version"], noted["before"]}, f"{held} are there"

    def asking(self) -> Callable[[], None]:
        """Asks the version that the note names."""

        def ask() -> None:
            noted = read_json(self._note)
            self._answers(noted["version"], noted["trial"])

        return ask

    @property
    def _note(self) -> Path:
        """Which version is live: what MLflow says otherwise."""
        return self.project.workspace / "live.json"

    def _publish(self, trial: int) -> str:
        from pipelines.index import publish

        version = publish(self.project, self.params).version
        noted = read_json(self._note) if self._note.exists() else {"version": version}
        before = noted["before"] if noted["version"] == version and "before" in noted else noted["version"]
        write_json(self._note, {"version": version, "trial": trial, "before": before})
        return version

    def _change(self, version: str) -> None:
        from pipelines.index.store.bm25 import Keywords
        from pipelines.index.store.embedded_store import EdgeStore
        from pipelines.index.store.interface import make_points

        store = EdgeStore(self.project.live, "demo", 500)
        manifest = store.read(version)
        assert manifest is not None, "the version that was published is torn"
        copy = store.copy(manifest, "watch")
        chunk: Any = _chunk(0, 0) | {"chunk_id": "changed", "path": "src/changed.py"}
        for batch in make_points([chunk], _ones(1), Keywords(manifest.mean_words)):
            copy.upsert(batch)
        copy.delete(["src/changed.py"])
        copy.flush()
        assert copy.count() == CHUNKS, "a copy that is not the version's"
        copy.close()

    def _answers(self, version: str, trial: int) -> None:
        from pipelines.index import open_index

        with open_index(self.project, self.params.index, version) as index:
            hits = index.search(f"function_{trial}_7", _ones(1)[0], CHUNKS)
            assert index.count() == CHUNKS, "chunks are missing"
        texts = {_chunk(trial, number)["text"] for number in range(CHUNKS)}
        assert {hit.text for hit in hits} == texts, "another version's texts"

    def _held(self) -> set[str]:
        from pipelines.index.store.embedded_store import EdgeStore

        return set(EdgeStore(self.project.live, "demo", 500).held())

    def _only(self, kept: set[str]) -> None:
        """Take the others away: each look would read them all. The one before stays, for who began to ask it."""
        from pipelines.index.store.embedded_store import EdgeStore

        store = EdgeStore(self.project.live, "demo", 500)
        for other in self._held() - kept:
            store.remove(other)

    def _every_visible_one_is_whole(self) -> None:
        from pipelines.index.store.embedded_store import EdgeStore

        store = EdgeStore(self.project.live, "demo", 500)
        for version in store.held():
            if not version.startswith("."):
                wrong = store.faults(version)
                if wrong:
                    raise NocturneError(f"version {version} is visible and torn: {wrong[0]}", "")


def _ones(count: int) -> Any:
    import numpy as np

    return np.full((count, DIMENSION), DIMENSION**-0.5, np.float32)


def _telling(write: Callable[..., Any], name: str, begun: Callable[[str], None]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        begun(name)
        return write(*arguments, **named)

    return call
