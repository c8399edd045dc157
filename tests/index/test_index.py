"""The contract of the index, on both engines: an Edge shard, and the client's in-memory mode for the server."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from pipelines.errors import NocturneError
from pipelines.index import (
    Hit,
    Scope,
    open_index,
    present,
    publish,
    remove,
    server,
    temporary_index,
    unnamed,
    version_of,
    without,
)
from pipelines.index.keywords import words
from pipelines.index.ranking import Ranking
from pipelines.params import load_params
from pipelines.project import Project
from pipelines.records import file_sha256, write_json, write_jsonl

DIMENSION = 16
SOURCES = {
    "src/release.py": ["def roll_back(project): return champion(project).previous", "def promote(version): pass"],
    "src/http_server.py": ["class HttpServer: port = 8080", "def serveForever(self): self.loop()"],
    "lib/retry.go": ["func RetryWithBackoff(n int) error { return nil }", "func parseURL(raw string) string"],
}


def some_chunks() -> list[dict]:
    """Two chunks a file, with everything that extraction writes."""
    made = []
    for path, texts in SOURCES.items():
        language = "go" if path.endswith("go") else "python"
        for number, text in enumerate(texts):
            where = {"path": path, "start_line": 10 * number + 1, "end_line": 10 * number + 1, "start_byte": 0}
            symbol = text.split("(")[0].split()[-1]
            known = {"chunk_id": f"{path}#{number}", "content_hash": f"{path}{number}", "symbol": symbol, "text": text}
            origin = {"end_byte": len(text), "blob": "b" * 40, "commit": "c" * 40}
            made.append({**where, **known, **origin, "language": language, "kind": "function"})
    return made


def unit_vectors(count: int) -> np.ndarray:
    vectors = np.random.default_rng(5).normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def made_project(folder: Path, chunks: list[dict], vectors: np.ndarray) -> Project:
    """A project as extraction and embedding leave it."""
    project = Project("demo", folder / "source", folder)
    write_jsonl(project.path("extraction", "chunks.jsonl"), chunks)
    file = project.path("embedding", "vectors.npy")
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, vectors)
    facts = {"model": "m", "dimension": vectors.shape[1], "count": len(chunks), "vectors_sha256": file_sha256(file)}
    write_json(project.path("embedding", "embedding.json"), facts)
    return project


@pytest.fixture
def project(tmp_path):
    chunks = some_chunks()
    return made_project(tmp_path, chunks, unit_vectors(len(chunks)))


@pytest.fixture(params=["edge", "server"])
def params(request, monkeypatch):
    return engine_params(request.param, monkeypatch)


@pytest.fixture
def edge(monkeypatch):
    return engine_params("edge", monkeypatch)


def engine_params(engine, monkeypatch):
    params = load_params(ROOT)
    if engine == "edge":
        return params
    from qdrant_client import QdrantClient

    client = QdrantClient(":memory:")
    monkeypatch.setattr(client, "close", lambda: None)
    monkeypatch.setattr(server, "connect", lambda url: client)
    return params.model_copy(update={"index": params.index.model_copy(update={"url": "http://127.0.0.1:6333"})})


def row_of(text: str) -> int:
    return [chunk["text"] for chunk in some_chunks()].index(text)


def test_a_published_version_holds_every_chunk_with_its_fields(project, params):
    version = publish(project, params).version
    with open_index(project, params.index, version) as index:
        assert index.count() == 6
        best = index.search("RetryWithBackoff", unit_vectors(6)[4], 1)[0]
    assert isinstance(best, Hit)
    chunk = some_chunks()[4]
    assert {key: getattr(best, key) for key in chunk if hasattr(best, key)} == {
        key: value for key, value in chunk.items() if hasattr(best, key)
    }
    assert best.score > 0.99
    assert best.similarity == pytest.approx(1, abs=1e-4)


def test_a_version_without_some_chunks_finds_all_the_others_as_before(project, params):
    old = publish(project, params).version
    new, went = without(project, params, old, lambda chunk: chunk["path"] == "lib/retry.go")
    assert new != old
    assert [chunk["path"] for chunk in went] == ["lib/retry.go"] * 2
    with open_index(project, params.index, old) as before, open_index(project, params.index, new) as after:
        assert (before.count(), after.count()) == (6, 4)
        for row in range(4):
            wanted, found = (index.search("", unit_vectors(6)[row], 1)[0] for index in (before, after))
            assert found == wanted
        assert all(hit.path != "lib/retry.go" for hit in after.search("RetryWithBackoff", unit_vectors(6)[4], 6))
    remove(project, params.index, old)
    with pytest.raises(NocturneError, match="is missing"):
        open_index(project, params.index, old)
    assert without(project, params, new, lambda chunk: False) == (new, [])


def test_keywords_alone_find_a_chunk_whose_vector_is_far(project, params):
    version = publish(project, params).version
    with open_index(project, params.index, version) as index:
        hits = index.search("serve forever", -unit_vectors(6)[3], 6)
    assert next(hit for hit in hits if hit.keywords > 0).symbol == "serveForever"


def test_the_vector_alone_finds_a_chunk_when_no_word_is_shared(project, params):
    version = publish(project, params).version
    with open_index(project, params.index, version) as index:
        assert index.search("zzz", unit_vectors(6)[2], 1)[0].symbol == some_chunks()[2]["symbol"]
        assert index.search("", unit_vectors(6)[2], 1)[0].keywords == 0


def test_both_engines_rank_and_score_alike(project, edge, monkeypatch):
    def ranked(params):
        with open_index(project, params.index, publish(project, params).version) as index:
            return [index.search("roll back the http server", unit_vectors(6)[row], 6) for row in range(6)]

    for ours, theirs in zip(ranked(edge), ranked(engine_params("server", monkeypatch)), strict=True):
        assert [hit.chunk_id for hit in ours] == [hit.chunk_id for hit in theirs]
        assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], abs=1e-3)


def summarised(tmp_path):
    """Each file with its summary: that of retry.go is where the question points."""
    chunks, vectors = some_chunks(), unit_vectors(9)
    for number, path in enumerate(SOURCES):
        of_file = {"kind": "file", "symbol": "", "start_line": 1, "end_line": 1, "end_byte": 0, "text": f"{path} wait"}
        known = {"chunk_id": f"{path}#file", "content_hash": f"{path}#file"}
        chunks.append({**chunks[2 * number], **of_file, **known})
    return made_project(tmp_path, chunks, vectors), vectors


def test_a_summary_lifts_its_file_and_is_never_a_hit(tmp_path, params):
    project, vectors = summarised(tmp_path)
    lifted = Ranking(meaning=0, keywords=0, path=0, file=0, summary=1, symbol=0, name=0)
    with open_index(project, params.index, publish(project, params).version) as index:
        assert index.count() == 9
        hits = index.search("wait", vectors[8], 9)
        assert {hit.kind for hit in hits} == {"function"}
        assert index.search("wait", vectors[8], 1, ranking=lifted)[0].path == "lib/retry.go"
        assert index.search("wait", vectors[6], 1, ranking=lifted)[0].path == "src/release.py"
        assert index.search("wait", vectors[8], 9, Scope(only={"kinds": ["file"]})) == []
        elsewhere = index.search("wait", vectors[8], 9, Scope(never={"kinds": ["method"], "path": ["lib/retry.go"]}))
        assert {hit.path for hit in elsewhere} == {"src/release.py", "src/http_server.py"}


def test_one_file_can_be_left_out(project, params):
    version = publish(project, params).version
    with open_index(project, params.index, version) as index:
        hits = index.search("roll back", unit_vectors(6)[0], 6, Scope(never={"path": ["src/release.py"]}))
    assert {hit.path for hit in hits} == set(SOURCES) - {"src/release.py"}


def test_scores_fall_from_one_towards_zero_and_the_limit_holds(project, params):
    version = publish(project, params).version
    with open_index(project, params.index, version) as index:
        scores = [hit.score for hit in index.search("promote", unit_vectors(6)[1], 4)]
        assert index.search("promote", unit_vectors(6)[1], 0) == []
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_a_vector_of_another_encoder_is_refused(project, params):
    opened = open_index(project, params.index, publish(project, params).version)
    with opened as index, pytest.raises(NocturneError, match="vectors of 16 numbers"):
        index.search("promote", np.ones(384, np.float32), 3)


def test_publishing_the_same_content_again_changes_nothing(project, params):
    first = publish(project, params)
    before = {file: file.stat().st_mtime_ns for file in project.live.rglob("*") if file.is_file()}
    assert publish(project, params) == first
    assert {file: file.stat().st_mtime_ns for file in project.live.rglob("*") if file.is_file()} == before


def test_a_change_of_content_is_another_version_and_the_old_one_stays(project, params, tmp_path):
    old = publish(project, params).version
    made_project(tmp_path, some_chunks()[:4], unit_vectors(4))
    new = publish(project, params).version
    assert new == version_of(project) != old
    for version, count in ((old, 6), (new, 4)):
        with open_index(project, params.index, version) as index:
            assert index.count() == count


def test_an_empty_project_has_an_index_that_finds_nothing(tmp_path, params):
    project = made_project(tmp_path, [], np.zeros((0, DIMENSION), np.float32))
    with open_index(project, params.index, publish(project, params).version) as index:
        assert index.search("anything", unit_vectors(1)[0], 5) == []


def test_a_failed_canary_publishes_nothing(project, params, monkeypatch):
    monkeypatch.setattr("pipelines.index.building._finds", lambda *_: False)
    with pytest.raises(NocturneError, match="does not find"):
        publish(project, params)
    monkeypatch.undo()
    with pytest.raises(NocturneError, match="missing or damaged"):
        open_index(project, load_params(ROOT).index, version_of(project))


def test_chunks_of_the_same_words_answer_for_each_other(tmp_path, params):
    """As in a table of data, or a comment that goes on for pages: more of them than a search shows."""
    page = some_chunks()[0]
    chunks = [{**page, "chunk_id": f"c{n}", "path": f"p{n}.py", "text": "plain word\n" * (n + 1)} for n in range(60)]
    project = made_project(tmp_path, chunks, np.repeat(unit_vectors(1), 60, axis=0))
    with open_index(project, params.index, publish(project, params).version) as index:
        assert index.count() == 60


def test_chunks_that_share_an_id_are_an_error(tmp_path, params):
    chunks = [{**chunk, "chunk_id": "same"} for chunk in some_chunks()]
    project = made_project(tmp_path, chunks, unit_vectors(6))
    with pytest.raises(NocturneError, match="share an id"):
        publish(project, params)


def test_a_missing_version_names_the_night_to_run(project, params):
    with pytest.raises(NocturneError, match="missing") as caught:
        open_index(project, params.index, "0123456789ab")
    assert "nocturne nightly demo --force" in caught.value.next_step


def test_vectors_that_are_not_the_recorded_ones_are_refused(project, params):
    np.save(project.path("embedding", "vectors.npy"), unit_vectors(6)[::-1])
    with pytest.raises(NocturneError, match=r"vectors\.npy"):
        publish(project, params)


def test_a_version_without_its_manifest_is_refused_and_built_again(project, edge):
    version = publish(project, edge).version
    (project.live / version / "manifest.json").unlink()
    with pytest.raises(NocturneError, match="missing or damaged"):
        open_index(project, edge.index, version)
    publish(project, edge)
    with open_index(project, edge.index, version) as index:
        assert index.count() == 6
    assert [path.name for path in project.live.iterdir()] == [version]


def test_a_build_that_was_killed_leaves_nothing_visible_and_the_next_completes(project, edge):
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom pipelines.index import building, publish\n"
        "from pipelines.params import load_params\nfrom pipelines.project import Project\n"
        "building.shortcoming = lambda *a: os.kill(os.getpid(), 9)\n"
        f"publish(Project('demo', Path(sys.argv[1]), Path(sys.argv[1])), load_params(Path({str(ROOT)!r})))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(project.workspace)], cwd=ROOT, capture_output=True)
    assert killed.returncode == -9
    assert [path.name[0] for path in project.live.iterdir()] == ["."]
    with open_index(project, edge.index, publish(project, edge).version) as index:
        assert index.count() == 6
    assert [path.name for path in project.live.iterdir()] == [version_of(project)]


@pytest.mark.parametrize("key", ["count", "dimension", "mean_words", "encoder"])
def test_an_edited_manifest_is_refused(project, edge, key):
    version = publish(project, edge).version
    manifest = project.live / version / "manifest.json"
    values = json.loads(manifest.read_text())
    write_json(manifest, {**values, key: 7})
    with pytest.raises(NocturneError, match="missing or damaged"):
        open_index(project, edge.index, version)


def test_a_truncated_file_is_refused_and_a_flipped_byte_is_built_again(project, edge):
    version = publish(project, edge).version
    config = project.live / version / "shard" / "edge_config.json"
    config.write_bytes(config.read_bytes().replace(b"Cosine", b"Euclid"))
    publish(project, edge)
    assert b"Cosine" in config.read_bytes()
    config.write_bytes(config.read_bytes()[:-1])
    with pytest.raises(NocturneError, match="missing or damaged"):
        open_index(project, edge.index, version)


READER = """
import sys
from pathlib import Path
import numpy as np
from pipelines.index import open_index
from pipelines.params import load_params
from pipelines.project import Project
root, folder, version = sys.argv[1:]
project, index = Project("demo", Path(folder), Path(folder)), load_params(Path(root)).index
vector = np.load(project.path("query.npy"))
for opened in range(25):
    with open_index(project, index, version) as found:
        assert found.count() == 6
        assert [len(found.search("roll back", vector, 6)) for _ in range(5)] == [6] * 5
print("answered")
"""


def test_two_processes_read_while_a_third_publishes(project, edge, tmp_path):
    version = publish(project, edge).version
    np.save(project.path("query.npy"), unit_vectors(6)[0])
    command = [sys.executable, "-c", READER, str(ROOT), str(tmp_path), version]
    readers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    for count in (5, 4, 3):
        made_project(tmp_path, some_chunks()[:count], unit_vectors(count))
        publish(project, edge)
    answers = [reader.communicate(timeout=120)[0].decode().strip() for reader in readers]
    assert answers == ["answered", "answered"]


def test_what_no_release_names_is_found_and_on_a_server_only_what_was_removed(project, params, tmp_path):
    first = publish(project, params).version
    made_project(tmp_path, some_chunks()[:5], unit_vectors(5))
    second = publish(project, params).version
    embedded = not params.index.url
    found = unnamed(project, params.index, {second}, set())
    assert set(found) == ({first} if embedded else set())
    assert set(unnamed(project, params.index, {second}, {first})) == {first}
    assert unnamed(project, params.index, {first, second}, {first}) == {}
    if embedded:
        assert found[first] == sum(
            512 * file.stat().st_blocks for file in (project.live / first).rglob("*") if file.is_file()
        )
    assert present(project, params.index, first)
    remove(project, params.index, first)
    assert not present(project, params.index, first)


def test_a_temporary_index_searches_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with temporary_index(some_chunks(), unit_vectors(6)) as index:
        assert index.search("RetryWithBackoff", unit_vectors(6)[4], 1)[0].path == "lib/retry.go"
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_server_is_one_clear_error(project):
    params = load_params(ROOT)
    url = params.index.model_copy(update={"url": "http://127.0.0.1:9"})
    with pytest.raises(NocturneError, match=r"127\.0\.0\.1:9 failed") as caught:
        open_index(project, url, "0123456789ab")
    assert "index.url" in caught.value.next_step


def test_identifiers_are_found_by_their_parts_and_as_a_whole():
    assert words("parseURL2 snake_case_name") == [
        "parse", "url", "2", "parseurl2", "snake", "case", "name", "snakecasename",
    ]  # fmt: skip
    assert words("HTTPServer größe __init__") == ["http", "server", "httpserver", "größe", "init"]
    assert words("x" * 200 + " ok") == ["ok"]
