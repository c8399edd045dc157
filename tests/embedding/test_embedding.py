"""Embedding with the real MiniLM: only what is new is computed, and the bytes are always the same."""

import hashlib
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

from pipelines.config.load import load_params
from pipelines.embedding.stage import run
from pipelines.embedding.vectors import compute_vectors
from pipelines.encoder.encoder import embedding_text, load_encoder
from pipelines.encoder.vector_cache import VectorCache
from pipelines.errors import NocturneError
from pipelines.progress import show_progress
from pipelines.project import Project
from pipelines.records import file_sha256, read_json, write_jsonl


def chunk(path: str, text: str, symbol: str = "f") -> dict:
    content = hashlib.sha256(f"{symbol}\n{text}".encode()).hexdigest()
    return {"chunk_id": f"{path}:{symbol}", "content_hash": content, "path": path, "symbol": symbol, "text": text}


CHUNKS = [chunk(f"src/m{n}.py", f"def f(x):\n    return x * {n}\n" + "# more\n" * n * 3) for n in range(9)]


@pytest.fixture(scope="module")
def params():
    params = load_params(ROOT)
    small = params.embedding.model_copy(update={"batch_size": 2, "variant": "int8"})
    return params.model_copy(update={"embedding": small})


@pytest.fixture
def project(tmp_path):
    project = Project("demo", tmp_path / "source", tmp_path)
    write_jsonl(project.path("extraction", "chunks.jsonl"), CHUNKS)
    return project


def vectors_file(project):
    return project.path("embedding", "vectors.npy")


@pytest.fixture(scope="module")
def cold(tmp_path_factory, params):
    """The bytes of a night without a cache."""
    folder = tmp_path_factory.mktemp("cold")
    project = Project("demo", folder, folder)
    write_jsonl(project.path("extraction", "chunks.jsonl"), CHUNKS)
    run(project, params)
    return vectors_file(project).read_bytes()


def test_row_i_is_line_i_and_the_facts_describe_the_file(project, params):
    assert run(project, params) == {"chunks": 9, "embedded": 9, "reused": 0}
    vectors = np.load(vectors_file(project), allow_pickle=False)
    assert (vectors.shape, vectors.dtype) == ((9, 384), np.float32)
    assert read_json(project.path("embedding", "embedding.json")) == {
        "model": load_encoder(f"{params.embedding.model}@int8").name,
        "dimension": 384,
        "count": 9,
        "vectors_sha256": file_sha256(vectors_file(project)),
    }


def test_content_hash_is_of_exactly_what_is_embedded():
    assert all(hashlib.sha256(embedding_text(c).encode()).hexdigest() == c["content_hash"] for c in CHUNKS)


def test_a_warm_and_a_partly_warm_cache_give_the_bytes_of_a_cold_one(project, params, cold):
    write_jsonl(project.path("extraction", "chunks.jsonl"), [CHUNKS[5], CHUNKS[1], CHUNKS[7]])
    run(project, params)
    write_jsonl(project.path("extraction", "chunks.jsonl"), CHUNKS)
    assert run(project, params) == {"chunks": 9, "embedded": 6, "reused": 3}
    assert vectors_file(project).read_bytes() == cold
    vectors_file(project).unlink()
    assert run(project, params)["embedded"] == 0
    assert vectors_file(project).read_bytes() == cold


def test_the_batch_size_does_not_change_the_bytes(project, params, cold):
    larger = params.embedding.model_copy(update={"batch_size": 64})
    run(project, params.model_copy(update={"embedding": larger}))
    assert vectors_file(project).read_bytes() == cold


def test_a_rename_embeds_nothing(project, params):
    run(project, params)
    renamed = [{**c, "path": f"moved/{c['path']}", "chunk_id": f"moved/{c['chunk_id']}"} for c in reversed(CHUNKS)]
    write_jsonl(project.path("extraction", "chunks.jsonl"), renamed)
    assert run(project, params) == {"chunks": 9, "embedded": 0, "reused": 9}


def test_an_edit_embeds_only_its_chunk(project, params):
    run(project, params)
    edited = chunk("src/m4.py", "def f(x):\n    return 'edited'\n")
    write_jsonl(project.path("extraction", "chunks.jsonl"), [*CHUNKS[:4], edited, *CHUNKS[5:]])
    assert run(project, params) == {"chunks": 9, "embedded": 1, "reused": 8}


def test_the_same_content_in_two_files_is_computed_once(project, params):
    write_jsonl(
        project.path("extraction", "chunks.jsonl"), [CHUNKS[0], {**CHUNKS[0], "path": "copy.py", "chunk_id": "x"}]
    )
    assert run(project, params) == {"chunks": 2, "embedded": 1, "reused": 1}


def test_a_killed_stage_resumes_after_its_last_whole_batch(project, params, cold):
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom pipelines.embedding.stage import run\n"
        "from pipelines.config.load import load_params\nfrom pipelines.progress import show_progress\n"
        "from pipelines.project import Project\n"
        f"params = load_params(Path({str(ROOT)!r}))\n"
        "small = params.embedding.model_copy(update={'batch_size': 2, 'variant': 'int8'})\n"
        "with show_progress(lambda step: os.kill(os.getpid(), 9) if step.done == 6 else None):\n"
        "    folder = Path(sys.argv[1])\n"
        "    run(Project('demo', folder, folder), params.model_copy(update={'embedding': small}))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(project.workspace)], cwd=ROOT, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    assert not vectors_file(project).exists()
    assert run(project, params) == {"chunks": 9, "embedded": 3, "reused": 6}
    assert vectors_file(project).read_bytes() == cold


class Counting:
    """An encoder that notes what it is asked for."""

    dimension = 4

    def __init__(self):
        self.asked = []

    def encode(self, texts, batch_size):
        self.asked += texts
        return np.array([[len(text), 1, 2, 3] for text in texts], dtype=np.float32)


def test_progress_counts_what_the_cache_already_had(tmp_path):
    steps, encoder = [], Counting()
    with VectorCache(tmp_path / "c.sqlite", "e", 4) as cache, show_progress(steps.append):
        compute_vectors(CHUNKS[:4], encoder, cache, 2)
        compute_vectors(CHUNKS, encoder, cache, 2)
    assert [(step.done, step.total) for step in steps] == [(0, 4), (2, 4), (4, 4), (4, 9), (6, 9), (8, 9), (9, 9)]
    assert len(encoder.asked) == 9


def test_another_encoder_shares_no_vector_and_replaces_the_old_ones(tmp_path):
    for identity in ("first", "second"):
        with VectorCache(tmp_path / "c.sqlite", identity, 4) as cache:
            _, embedded = compute_vectors(CHUNKS, Counting(), cache, 4)
            assert embedded == 9
            assert cache.keep_only(c["content_hash"] for c in CHUNKS) == 9


def test_the_cache_forgets_chunks_that_are_gone(tmp_path):
    with VectorCache(tmp_path / "c.sqlite", "e", 4) as cache:
        compute_vectors(CHUNKS, Counting(), cache, 4)
        assert cache.keep_only([CHUNKS[2]["content_hash"]]) == 1
        assert list(cache.get(c["content_hash"] for c in CHUNKS)) == [CHUNKS[2]["content_hash"]]


def test_a_damaged_cache_is_started_over(project, params, cold):
    run(project, params)
    file = next((project.cache / "embedding").iterdir())
    file.write_bytes(b"not a database, but long enough to be read as one" * 100)
    assert run(project, params)["embedded"] == 9
    assert vectors_file(project).read_bytes() == cold


def test_no_chunks_make_an_empty_array(project, params):
    write_jsonl(project.path("extraction", "chunks.jsonl"), [])
    assert run(project, params) == {"chunks": 0, "embedded": 0, "reused": 0}
    assert np.load(vectors_file(project)).shape == (0, 384)


def test_a_missing_extraction_says_to_run_the_night(tmp_path, params):
    with pytest.raises(NocturneError, match=r"chunks\.jsonl"):
        run(Project("demo", tmp_path, tmp_path), params)
