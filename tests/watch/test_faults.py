"""What a watch does when index, disk, git or server fail: it says so, answers no worse, and goes on by itself."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest
from conftest import ROOT, unprivileged
from watched_project import PARAMS, WAIT_S, Release, Watched

from pipelines.assistant.search import search
from pipelines.dag.stage import load
from pipelines.extraction.cache import Cache
from pipelines.index import publish
from pipelines.index.store import embedded_store, server_store
from pipelines.index.versions import maintain
from pipelines.source.reader import CHANGED, Reader, Unreadable
from pipelines.watch.watch import Watch

STATIC = PARAMS.model_copy(update={"embedding": PARAMS.embedding.model_copy(update={"variant": "static"})})
NEW = "def parse_amount(text):\n    return float(text)\n"


class Faulty(Watched):
    """A watch that is told what goes wrong."""

    params = STATIC

    def published(self, number):
        for stage in ("snapshot", "extraction", "embedding"):
            load(stage).run(self.project, self.params)
        made = publish(self.project, self.params)
        return Release(number, made.version, made.encoder)

    def begin(self):
        watch = Watch(self.project, lambda: self.params, lambda: self.release, self.events.put)
        self.thread = threading.Thread(target=watch.run, args=[self.stop], daemon=True)
        self.thread.start()
        return watch

    def said(self):
        """The error that it tells next."""
        while not (event := self.events.get(timeout=WAIT_S)).error:
            pass
        return event.error

    def well(self):
        """Wait until it tells of no error; nothing but time is needed for that."""
        while self.events.get(timeout=WAIT_S).error:
            pass

    def save(self, text=NEW):
        (self.source / "store/price.py").write_text(text)

    def texts(self):
        """What a search as `nocturne search` finds of the file that is saved."""
        hits = search(self.project, self.params, self.release, "parse price amount", 20)
        return {hit.text + "\n" for hit in hits if hit.path == "store/price.py"}


@pytest.fixture
def faulty(tmp_path):
    made = Faulty(tmp_path)
    yield made
    made.end()


def the_largest(folder):
    return max((file for file in folder.rglob("*") if file.is_file()), key=lambda file: file.stat().st_blocks)


def shortened(file):
    os.truncate(file, file.stat().st_size - 1)


def flipped(file):
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [shortened, flipped])
def test_a_torn_release_is_named_and_watched_once_it_is_whole_again(faulty, damage):
    version = faulty.release.index_version
    damage(the_largest(faulty.project.live / version / "shard"))
    faulty.begin()
    said = faulty.said()
    assert version in said
    assert "missing or damaged" in said
    assert "nocturne index rebuild" in said
    faulty.save()
    maintain.rebuild(faulty.project, STATIC, version)
    faulty.well()
    assert faulty.texts() == {NEW}


def test_a_full_disk_takes_nothing_is_said_and_made_good_when_there_is_room(faulty, monkeypatch):
    faulty.begin()
    faulty.well()
    before = faulty.texts()
    full = shutil.disk_usage(faulty.source)._replace(free=1 << 20)
    with monkeypatch.context() as disk:
        disk.setattr(embedded_store.shutil, "disk_usage", lambda path: full)
        faulty.save()
        assert "Free disk space" in faulty.said()
        assert faulty.texts() == before
    faulty.well()
    assert faulty.texts() == {NEW}
    assert embedded_store.EdgeStore(faulty.project.live, "demo", 500).faults(faulty.release.index_version) == []


def test_a_disk_that_is_full_when_it_begins_leaves_the_release_to_answer(faulty, monkeypatch):
    full = shutil.disk_usage(faulty.source)._replace(free=16 << 20)
    with monkeypatch.context() as disk:
        disk.setattr(embedded_store.shutil, "disk_usage", lambda path: full)
        faulty.begin()
        said = faulty.said()
        assert "A copy of index version" in said
        assert "Free disk space" in said
        assert "parse_price" in str(faulty.texts())
    faulty.well()
    faulty.save()
    faulty.until("store/price.py")
    assert faulty.texts() == {NEW}


def test_git_that_is_killed_costs_no_passage(faulty):
    watch = faulty.begin()
    faulty.well()
    git = watch._next.reader._process
    git.send_signal(signal.SIGKILL)
    git.wait()
    faulty.save()
    faulty.until("store/price.py")
    assert faulty.texts() == {NEW}


def test_a_file_that_a_night_has_just_cleared_from_its_cache_is_taken_again(faulty, monkeypatch):
    faulty.begin()
    faulty.well()
    read, cleared = Cache.read, []

    def once(self, entry):
        return read(self, entry) if cleared else cleared.append(entry)

    monkeypatch.setattr(Cache, "read", once)
    faulty.save()
    faulty.until("store/price.py")
    assert cleared
    assert faulty.texts() == {NEW}


def test_a_file_that_is_saved_again_while_it_is_read_keeps_its_former_passages_until_it_is_taken(faulty, monkeypatch):
    faulty.begin()
    faulty.well()
    former, read = faulty.texts(), Reader.read
    asked, tried_twice, readable = itertools.count(1), threading.Event(), threading.Event()

    def changed(self, path, blob, size):
        if path == "store/price.py" and not readable.is_set():
            if next(asked) == 2:
                tried_twice.set()
            raise Unreadable(CHANGED)
        return read(self, path, blob, size)

    monkeypatch.setattr(Reader, "read", changed)
    faulty.save()
    assert tried_twice.wait(WAIT_S)
    assert faulty.texts() == former != {NEW}
    readable.set()
    faulty.until("store/price.py")
    assert faulty.texts() == {NEW}


class Lost:
    """A client whose calls fail as those to a server that is gone, while it is `away`."""

    def __init__(self, client):
        self._client, self.away, self.only, self.asked = client, False, "", 0

    def __getattr__(self, name):
        from qdrant_client.http.exceptions import ResponseHandlingException

        call = getattr(self._client, name)

        def asked(*given, **named):
            if self.away and name.startswith(self.only):
                self.asked += 1
                raise ResponseHandlingException(OSError("gone"))
            return call(*given, **named)

        return asked

    def close(self):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    from qdrant_client import QdrantClient

    lost = Lost(QdrantClient(":memory:"))
    monkeypatch.setattr(server_store, "connect", lambda url: lost)
    monkeypatch.setattr(server_store, "WAITS_S", (0, 0))
    index = STATIC.index.model_copy(update={"url": "http://127.0.0.1:6333"})
    monkeypatch.setattr(Faulty, "params", STATIC.model_copy(update={"index": index}))
    made = Faulty(tmp_path)
    made.lost = lost
    yield made
    made.stop.set()
    made.thread.join(WAIT_S)
    assert not made.thread.is_alive()


def test_a_server_that_is_down_when_it_begins_is_named_and_watched_when_it_is_back(served):
    served.lost.away = True
    served.begin()
    said = served.said()
    assert "The Qdrant server at http://127.0.0.1:6333 failed" in said
    assert "index.url" in said
    assert served.lost.asked == 3
    served.lost.away = False
    served.well()
    served.save()
    served.until("store/price.py")
    assert served.texts() == {NEW}


@pytest.mark.parametrize("call", ["batch_update_points", "upsert"])
def test_a_server_that_is_lost_while_a_file_is_replaced_has_it_in_the_end(served, call):
    served.begin()
    served.well()
    served.lost.only, served.lost.away = call, True
    served.save()
    assert "failed: gone" in served.said()
    assert served.texts() <= {"def parse_price(text):\n    return int(text)\n"}  # never the new half of anything
    served.lost.away = False
    served.well()
    assert served.texts() == {NEW}


def test_a_workspace_that_cannot_be_written_is_named_and_the_release_answers(faulty):
    """In a process of its own, without a superuser's right to write everywhere."""
    code = (
        "import sys, threading\nfrom pathlib import Path\nfrom types import SimpleNamespace\n"
        "from pipelines.config.load import load_params\nfrom pipelines.project import Project\n"
        "from pipelines.watch.watch import Watch\n"
        "place, home, version, encoder = sys.argv[1:]\n"
        "live = SimpleNamespace(version=1, index_version=version, encoder=encoder)\n"
        "stop, params = threading.Event(), load_params(Path(home))\n"
        "def told(event):\n    print(event.error)\n    stop.set()\n"
        "project = Project('demo', Path(place) / 'source', Path(place))\n"
        "Watch(project, lambda: params, lambda: live, told).run(stop)\n"
    )
    folder = faulty.project.live
    folder.chmod(0o555)
    command = [sys.executable, "-c", code, str(faulty.project.workspace), str(ROOT)]
    command += [faulty.release.index_version, faulty.release.encoder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=unprivileged)
    assert "cannot be written" in done.stdout, done.stdout + done.stderr
    assert "permissions" in done.stdout
    assert "parse_price" in str(faulty.texts())
    folder.chmod(0o755)
    faulty.begin()
    faulty.well()
    faulty.save()
    faulty.until("store/price.py")
    assert faulty.texts() == {NEW}
