"""A project with a published index that is watched while a test edits it."""

import queue
import threading
from dataclasses import dataclass

import pytest
from conftest import ROOT, make_repository

from pipelines.assistant.search import search
from pipelines.config.load import load_params
from pipelines.dag.stage import load
from pipelines.index import publish
from pipelines.project import Project
from pipelines.watch.watch import Watch

PARAMS = load_params(ROOT)
WAIT_S = 60
FILES = {
    "store/price.py": "def parse_price(text):\n    return int(text)\n",
    "store/retry.py": "def wait_and_retry(attempt):\n    return 2**attempt\n",
    "docs/guide.md": "# Guide\n\nHow to count sheep.\n",
    "deploy/prod.yaml": "replicas: 3\nimage: harbour\n",
    "logo.png": b"\x89PNG\0",
}
SHOWN = set(FILES) - {"logo.png"}


@dataclass(frozen=True)
class Release:
    version: int
    index_version: str
    encoder: str


class Watched:
    """A project with a published index, and the watch that runs on it."""

    def __init__(self, folder):
        self.source = make_repository(folder / "source", FILES)
        self.project = Project("demo", self.source, folder)
        self.release = self.published(1)
        self.events: queue.Queue = queue.Queue()
        self.stop = threading.Event()

    def published(self, number):
        for stage in ("snapshot", "extraction", "embedding"):
            load(stage).run(self.project, PARAMS)
        made = publish(self.project, PARAMS)
        return Release(number, made.version, made.encoder)

    def start(self):
        watch = Watch(self.project, lambda: PARAMS, lambda: self.release, self.events.put)
        self.thread = threading.Thread(target=watch.run, args=[self.stop], daemon=True)
        self.thread.start()
        return self.next()

    def next(self):
        event = self.events.get(timeout=WAIT_S)
        assert event.error == ""
        return event

    def until(self, path):
        """Events up to the one that tells of this path."""
        while path not in (event := self.next()).taken.changed + event.taken.gone:
            pass
        return event

    def save(self, path, text):
        """Replace a file at once, as editors do."""
        aside = self.source.parent / "saved"
        aside.write_text(text)
        aside.replace(self.source / path)

    def found(self, text, limit=20):
        return {(hit.path, hit.text) for hit in search(self.project, PARAMS, self.release, text, limit)}

    def true(self):
        """Every passage that a search gives stands in its file now, at its lines."""
        hits = search(self.project, PARAMS, self.release, "the store", 100)
        for hit in hits:
            lines = (self.source / hit.path).read_text().split("\n")
            assert hit.text == "\n".join(lines[hit.start_line - 1 : hit.end_line])
        return {hit.path for hit in hits}

    def end(self):
        """Stop the watch, if it was started."""
        self.stop.set()
        if hasattr(self, "thread"):
            self.thread.join(WAIT_S)
            assert not self.thread.is_alive()


@pytest.fixture
def watched(tmp_path):
    made = Watched(tmp_path)
    yield made
    made.end()
