"""The contract of the index, on both engines: an Edge shard, and the client's in-memory mode for the server."""

from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from pipelines.config.load import load_params
from pipelines.errors import NocturneError
from pipelines.index import Hit, Scope, open_index, publish, temporary_index
from pipelines.index.search.ranking import Ranking
from pipelines.index.store import server_store
from pipelines.index.store.bm25 import split_words
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
    monkeypatch.setattr(server_store, "connect", lambda url: client)
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
        assert len(ours) == 6
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
        assert index.search("wait", vectors[8], 9, Scope(must={"kinds": ["file"]})) == []
        elsewhere = index.search("wait", vectors[8], 9, Scope(must_not={"kinds": ["method"], "path": ["lib/retry.go"]}))
        assert {hit.path for hit in elsewhere} == {"src/release.py", "src/http_server.py"}


def test_an_identifier_is_found_where_it_stands_however_alike_other_names_are(tmp_path, params):
    page = some_chunks()[0]
    told = [("lock/deadlock.py", "Deadlock", "deadlock"), ("adapters/mysql.py", "codes", "raise_if ER_LOCK_DEADLOCK")]
    chunks = [{**page, "chunk_id": path, "path": path, "symbol": name, "text": text} for path, name, text in told]
    project, asked = made_project(tmp_path, chunks, unit_vectors(2)), unit_vectors(3)
    near_the_first = (3 * asked[0] + asked[2]) / np.linalg.norm(3 * asked[0] + asked[2])
    with open_index(project, params.index, publish(project, params).version) as index:
        for question, first in (("ER_LOCK_DEADLOCK", "adapters/mysql.py"), ("lock deadlock", "lock/deadlock.py")):
            assert index.search(question, near_the_first, 2)[0].path == first


def test_one_file_can_be_left_out(project, params):
    version = publish(project, params).version
    with open_index(project, params.index, version) as index:
        hits = index.search("roll back", unit_vectors(6)[0], 6, Scope(must_not={"path": ["src/release.py"]}))
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


def test_an_empty_project_has_an_index_that_finds_nothing(tmp_path, params):
    project = made_project(tmp_path, [], np.zeros((0, DIMENSION), np.float32))
    with open_index(project, params.index, publish(project, params).version) as index:
        assert index.search("anything", unit_vectors(1)[0], 5) == []


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
    assert split_words("parseURL2 snake_case_name") == [
        "parse", "url", "2", "parseurl2", "snake", "case", "name", "snakecasename",
    ]  # fmt: skip
    assert split_words("HTTPServer größe __init__") == ["http", "server", "httpserver", "größe", "init"]
    assert split_words("x" * 200 + " ok") == ["ok"]
