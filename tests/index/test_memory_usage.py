"""Within its means: the least lossy layout that fits, what it finds, what it takes, and a refusal when nothing fits."""

import shutil
from collections import namedtuple

import numpy as np
import pytest
from test_index import edge, made_project, project, some_chunks, unit_vectors

from pipelines.errors import NocturneError
from pipelines.index import Scope, open_index, publish
from pipelines.index.search.ranking import Ranking
from pipelines.index.store import quantization
from pipelines.index.store.memory_usage import MemoryUsage, measure_memory
from pipelines.index.versions import maintain

COUNT, DIMENSION = 1500, 32
BY_MEANING = Ranking(meaning=1, keywords=0, path=0, file=0, summary=0, symbol=0, name=0, aside=1, of_list=1)


def many_chunks() -> list[dict]:
    one = some_chunks()[0]
    return [{**one, "chunk_id": f"c{n}", "path": f"p{n // 9}.py", "text": f"word{n} other{n}"} for n in range(COUNT)]


def clustered() -> np.ndarray:
    draw = np.random.default_rng(7)
    vectors = draw.normal(size=(40, DIMENSION))[draw.integers(0, 40, COUNT)] + 0.5 * draw.normal(
        size=(COUNT, DIMENSION)
    )
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def with_budget(params, memory_mb):
    return params.model_copy(update={"index": params.index.model_copy(update={"memory_mb": memory_mb})})


def test_the_least_lossy_layout_that_fits_is_chosen_and_what_fits_in_none_is_refused():
    assert quantization.choose_layout(100_000, 384, 500).name == "float32"
    assert quantization.choose_layout(300_000, 384, 500).name == "int8"
    assert quantization.choose_layout(450_000, 384, 500).name == "turbo4"
    with pytest.raises(NocturneError, match=r"1,000,000 chunks .* index.memory_mb \(500\)") as caught:
        quantization.choose_layout(1_000_000, 384, 500)
    assert "index.url" in caught.value.next_step
    enough = int(caught.value.next_step.split()[3].strip(","))
    assert quantization.choose_layout(1_000_000, 384, enough).name == "turbo4"


@pytest.mark.parametrize("layout", [layout.name for layout in quantization.LAYOUTS])
def test_every_layout_finds_what_looking_at_every_vector_finds(tmp_path, edge, monkeypatch, layout):
    monkeypatch.setattr(quantization, "SCANNED", 100)
    monkeypatch.setattr(
        "pipelines.index.store.embedded_store.choose_layout", lambda *_: quantization.layout_named(layout)
    )
    vectors = clustered()
    project = made_project(tmp_path, many_chunks(), vectors)
    manifest = publish(project, edge)
    assert (manifest.layout, manifest.recall) == (layout, 1.0)
    quantised = list((project.live / manifest.version).rglob("quantized.data"))
    assert bool(quantised) is (layout != "float32")
    with open_index(project, edge.index, manifest.version) as index:
        for row in range(0, COUNT, 100):
            exact = {f"c{n}" for n in np.argsort(-(vectors @ vectors[row]))[:10]}
            hits = index.search("", vectors[row], 10, ranking=BY_MEANING)
            assert len(exact & {hit.chunk_id for hit in hits}) >= 9


def test_a_filter_that_cuts_the_graph_costs_no_recall(tmp_path, edge, monkeypatch):
    monkeypatch.setattr(quantization, "SCANNED", 100)
    vectors = clustered()
    kept = np.arange(COUNT) % 3 > 0
    chunks = [
        {**chunk, "path": "kept.py" if keep else "out.py"} for chunk, keep in zip(many_chunks(), kept, strict=True)
    ]
    project = made_project(tmp_path, chunks, vectors)
    found = wanted = 0
    with open_index(project, edge.index, publish(project, edge).version) as index:
        for row in range(0, COUNT, 25):
            nearest = [number for number in np.argsort(-(vectors @ vectors[row])) if kept[number]][:10]
            hits = index.search("", vectors[row], 10, Scope(must_not={"path": ["out.py"]}), BY_MEANING)
            wanted += len(nearest)
            found += len({f"c{number}" for number in nearest} & {hit.chunk_id for hit in hits})
    assert found >= 0.99 * wanted


def test_a_budget_that_is_spent_refuses_the_next_version_and_leaves_the_live_one(project, edge, tmp_path):
    version = publish(project, edge).version
    made_project(tmp_path, some_chunks()[:5], unit_vectors(5))
    with pytest.raises(NocturneError, match=r"index\.memory_mb"):
        publish(project, with_budget(edge, 1))
    assert [path.name for path in project.live.iterdir()] == [version]


def test_a_disk_without_the_room_refuses_before_it_builds(project, edge, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 10**6))
    with pytest.raises(NocturneError, match="MB of disk"):
        publish(project, edge)
    assert list(project.live.iterdir()) == []


def test_what_a_version_takes_is_told_with_the_budget_and_its_state(project, edge):
    manifest = publish(project, edge)
    (found,) = maintain.list_versions(project, edge.index)
    assert quantization.BASE < found.memory.needed < 100 * quantization.MB
    assert found.memory.cached > 0
    assert found.facts()["memory"]["state"] == "ok"
    folder = project.live / manifest.version
    walked = sum(512 * p.stat().st_blocks for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json")
    assert found.memory.needed <= quantization.BASE + 180 * 6 + walked
    assert measure_memory(folder, manifest, 1).state == "full"
    assert MemoryUsage(85, 0, 100).state == "warning"


def test_texts_and_vectors_that_only_hits_need_are_not_counted_as_walked():
    files = ["shard/segments/a/vector_storage-dense/matrix.dat", "shard/segments/a/vector_storage-dense/quantized.data"]
    assert quantization.is_graph_walked(files[0], files[:1])
    assert not quantization.is_graph_walked(files[0], files)
    assert quantization.is_graph_walked(files[1], files)
    assert not quantization.is_graph_walked("shard/segments/a/payload_storage/page_0.dat", files)
    assert not quantization.is_graph_walked("shard/segments/a/vector_storage-bm25/store/page_0.dat", files)
