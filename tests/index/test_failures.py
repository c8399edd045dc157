"""What the index does when the disk or the server fails: a clear error, a bounded time, and what is live stays."""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import disk_usage

import pytest
from conftest import ROOT, unprivileged
from qdrant_client.http.exceptions import ResponseHandlingException
from test_index import edge, engine_params, made_project, project, some_chunks, unit_vectors

from pipelines.config.load import load_params
from pipelines.errors import NocturneError, TornIndex, UsageError
from pipelines.index import is_present, open_index, publish, version_of
from pipelines.index.store import embedded_engine as index_edge
from pipelines.index.store import embedded_store, server_store
from pipelines.index.versions import backup as backups
from pipelines.index.versions import maintain
from pipelines.index.versions.backup import backup


@pytest.fixture
def fake():
    """A server whose answers a test decides; `asked` counts the requests."""

    class Answers(BaseHTTPRequestHandler):
        asked = 0
        status = (503,)
        body = b"{}"
        wait = 0.0

        def do_GET(self):
            kind = type(self)
            kind.asked += 1
            threading.Event().wait(kind.wait)
            status = kind.status[min(kind.asked, len(kind.status)) - 1]
            if status == 0:
                self.connection.close()  # lost midway
                return
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(kind.body)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # the client did not wait
                self.wfile.write(kind.body)

        do_PUT = do_POST = do_DELETE = do_PATCH = do_GET

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    Answers.url = f"http://127.0.0.1:{listening.server_address[1]}"
    yield Answers
    listening.shutdown()
    listening.server_close()


def at(url):
    params = load_params(ROOT)
    return params.model_copy(update={"index": params.index.model_copy(update={"url": url})})


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(server_store, "TIMEOUT_S", 1)
    monkeypatch.setattr(server_store, "WAITS_S", (0, 0))


@pytest.mark.parametrize("status", [0, 503, 429])
def test_a_server_that_is_lost_or_busy_is_asked_three_times_and_then_named(fake, project, quick, status):
    fake.status = (status,)
    with pytest.raises(NocturneError, match="failed") as caught:
        open_index(project, at(fake.url).index, "0123456789ab")
    assert fake.asked == 3
    assert "index.url" in caught.value.next_step


def test_a_server_that_refuses_is_not_asked_again(fake, project, quick):
    fake.status = (403,)
    with pytest.raises(NocturneError, match="403"):
        open_index(project, at(fake.url).index, "0123456789ab")
    assert fake.asked == 1


def test_a_server_that_comes_back_is_not_noticed(fake, project, quick):
    fake.status, fake.body = (0, 503, 200), b'{"result": {"exists": false}, "status": "ok", "time": 0.0}'
    with pytest.raises(NocturneError, match="missing or damaged"):
        open_index(project, at(fake.url).index, "0123456789ab")
    assert fake.asked == 3


def test_a_server_that_does_not_answer_costs_a_bounded_time(fake, project, quick):
    fake.wait = 1.5
    with pytest.raises(NocturneError, match=r"timed out"):
        open_index(project, at(fake.url).index, "0123456789ab")
    assert fake.asked == 3


def test_a_server_that_is_lost_midway_leaves_what_was_there_and_the_next_build_completes(
    project, tmp_path, quick, monkeypatch
):
    params = engine_params("server", monkeypatch)
    version = publish(project, params).version
    made_project(tmp_path, some_chunks()[:3], unit_vectors(3))
    client = server_store.connect("")
    with monkeypatch.context() as lost:
        for call in ("upsert", "collection_exists", "delete_collection"):
            lost.setattr(client, call, _lost if call == "upsert" else _once(getattr(client, call)))
        with pytest.raises(NocturneError, match="failed: gone"):
            publish(project, params)
    with open_index(project, params.index, version) as index:
        assert index.count() == 6
    assert not is_present(project, params.index, version_of(project))
    assert publish(project, params).count == 3


def _lost(*_, **__):
    raise ResponseHandlingException(OSError("gone"))


def _once(call):
    """The call works while the build begins; by its end the server is gone."""
    left = [2]

    def once(*arguments):
        left[0] -= 1
        return call(*arguments) if left[0] >= 0 else _lost()

    return once


def test_a_full_disk_is_one_clear_error_and_what_is_there_stays(project, edge):
    """A limit on the size of files stands in for it: the engine cannot make its first page."""
    version = publish(project, edge).version
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom pipelines.errors import NocturneError\n"
        "from pipelines.index import publish\nfrom pipelines.config.load import load_params\n"
        "from pipelines.project import Project\n"
        "from pipelines.index import Inputs\nInputs.version = lambda self: 'f' * 12\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "try:\n    publish(Project('demo', Path(sys.argv[1]), Path(sys.argv[1])), load_params(Path(sys.argv[2])))\n"
        "except NocturneError as error:\n    print(error.fact, error.next_step)\n"
    )
    command = [sys.executable, "-c", code, str(project.workspace), str(ROOT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "failed to begin" in done.stdout, done.stdout + done.stderr
    assert "free disk space" in done.stdout
    assert [path.name for path in project.live.iterdir()] == [version]
    with open_index(project, edge.index, version) as index:
        assert index.count() == 6


def test_a_folder_that_cannot_be_written_is_searched_in_a_copy(project, edge, monkeypatch, tmp_path):
    version = publish(project, edge).version
    shard = project.live / version / "shard"
    before = {file: file.stat().st_ino for file in shard.rglob("*") if file.is_file()}
    asked = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: False if path == shard else asked(path, mode))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    (tmp_path / "copies").mkdir()
    shard.chmod(0o555)
    with open_index(project, edge.index, version) as index:
        assert index.search("RetryWithBackoff", unit_vectors(6)[4], 1)[0].path == "lib/retry.go"
    shard.chmod(0o755)
    assert {file: file.stat().st_ino for file in shard.rglob("*") if file.is_file()} == before
    assert list((tmp_path / "copies").iterdir()) == []


def test_on_a_full_disk_what_is_live_answers_from_a_copy_elsewhere(project, edge, monkeypatch, tmp_path):
    """The engine writes two small files anew when it opens; a disk without a byte for them has a live index too."""
    version = publish(project, edge).version
    shard = project.live / version / "shard"
    before = {file: file.stat().st_ino for file in shard.rglob("*") if file.is_file()}
    full = disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(index_edge, "disk_usage", lambda path: full)
    with open_index(project, edge.index, version) as index:
        assert index.search("RetryWithBackoff", unit_vectors(6)[4], 1)[0].path == "lib/retry.go"
    assert {file: file.stat().st_ino for file in shard.rglob("*") if file.is_file()} == before
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(NocturneError, match="cannot be opened as a copy either") as caught:
        open_index(project, edge.index, version)
    assert not isinstance(caught.value, TornIndex)  # or the release before would be asked
    assert "Free disk space" in caught.value.next_step
    monkeypatch.undo()
    with open_index(project, edge.index, version) as index:
        assert index.count() == 6


DOING = {
    "build": "Inputs.version = lambda self: 'f' * 12; publish(project, params)",
    "copy": "OverlayIndex.of(project, params.index, sys.argv[3])",
    "back up": "backup(project, params, [sys.argv[3]], project.live / 'index.tar.gz')",
    "restore": "restore(project, params, Path(sys.argv[1]) / 'kept.tar.gz')",
}


def attempted(project, what, version, before="", **how):
    """What a process of its own says when it tries something where it must fail: the fact and the next step."""
    code = (
        "import resource, sys, tempfile\nfrom pathlib import Path\n"
        "from pipelines.errors import NocturneError\nfrom pipelines.index import OverlayIndex, Inputs, publish\n"
        "from pipelines.index.versions.backup import backup, restore\nfrom pipelines.config.load import load_params\n"
        "from pipelines.project import Project\n"
        "project, params = Project('demo', Path(sys.argv[1]), Path(sys.argv[1])), load_params(Path(sys.argv[2]))\n"
        f"{before}\ntry:\n    {DOING[what]}\nexcept NocturneError as error:\n"
        "    print(type(error).__name__, error.fact, '->', error.next_step)\n"
    )
    command = [sys.executable, "-c", code, str(project.workspace), str(ROOT), version]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **how)
    assert done.stdout.startswith("NocturneError"), done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def kept(project, edge, tmp_path):
    """The published version of a project, beside a backup of another one that is not there."""
    other = made_project(tmp_path / "other", some_chunks()[:3], unit_vectors(3))
    backup(other, edge, [publish(other, edge).version], tmp_path / "kept.tar.gz")
    return publish(project, edge).version


@pytest.mark.parametrize("what", DOING)
def test_a_folder_that_cannot_be_written_is_named_and_what_is_live_stays(project, edge, kept, what):
    project.live.chmod(0o555)
    said = attempted(project, what, kept, preexec_fn=unprivileged)
    project.live.chmod(0o755)
    assert "cannot be written" in said
    assert "permissions" in said or "another place" in said
    assert [path.name for path in project.live.iterdir()] == [kept]
    assert maintain.verify(project, edge, kept) == []


@pytest.mark.parametrize("what", DOING)
def test_a_disk_that_fills_while_something_is_written_is_named_and_leaves_nothing(project, edge, kept, what):
    """A limit on the size of files stands in for it."""
    size = 1 << 20 if what in ("build", "restore") else 1 << 10
    said = attempted(project, what, kept, f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))")
    assert "ree disk space" in said or "free space" in said
    assert [path.name for path in project.live.iterdir() if path.name != "copies"] == [kept]
    assert not list(project.live.glob("copies/*"))
    assert maintain.verify(project, edge, kept) == []


def test_a_disk_without_room_to_unpack_a_backup_is_not_a_damaged_backup(project, kept):
    said = attempted(project, "restore", kept, "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))")
    assert "cannot be unpacked" in said
    assert "Free disk space" in said


def test_wherever_a_bit_of_a_backup_flips_or_it_ends_it_is_refused_or_whole(project, edge, kept, tmp_path):
    file = tmp_path / "whole.tar.gz"
    backup(project, edge, [kept], file)
    whole, said = file.read_bytes(), []
    for place in range(0, len(whole), 7):
        for broken in (whole[:place], whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :]):
            file.write_bytes(broken)
            try:
                backups._unpack(file, Path(tempfile.mkdtemp(dir=tmp_path)))
            except UsageError as error:
                said.append(error.fact)
    assert len(said) > len(whole) // 7
    assert set(said) == {f"{file} is not a whole backup of an index."}


def test_what_a_search_writes_for_a_moment_does_not_hinder_who_lists_the_versions(project, edge, kept, monkeypatch):
    files = embedded_store._files
    monkeypatch.setattr(embedded_store, "_files", lambda folder: [*files(folder), folder / "shard" / ".atomicwrite"])
    (held,) = maintain.list_versions(project, edge.index)
    assert held.whole
    assert held.bytes > 0


def test_a_folder_that_a_search_makes_for_a_moment_may_go_while_it_is_listed(project, edge, kept, monkeypatch):
    moment = project.live / kept / "shard" / ".atomicwrite"
    moment.mkdir()
    scan = os.scandir

    def gone(path="."):
        if Path(path) == moment:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", gone)
    (held,) = maintain.list_versions(project, edge.index)
    assert held.whole
