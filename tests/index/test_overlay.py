"""The copy that a watch changes: files are replaced whole, within the memory that the index may take."""

import numpy as np
import pytest
from test_index import edge, params, project, some_chunks, unit_vectors

from pipelines.errors import NocturneError
from pipelines.index import OverlayIndex, publish
from pipelines.index.store.factory import open_store
from pipelines.index.store.interface import Scope


@pytest.fixture
def changing(project, params):
    version = publish(project, params).version
    with OverlayIndex.of(project, params.index, version) as made:
        yield made


def of_path(chunks, path):
    return [{**chunk, "path": path, "blob": "d" * 40} for chunk in chunks]


def held(changing):
    """Every point as it lies there, by its chunk."""
    return {point.chunk["chunk_id"]: point for batch in changing._engine.every() for point in batch}


def test_a_replaced_file_has_its_new_passages_and_no_others(changing, project):
    path, blob = next(iter(sorted(changing.blobs().items())))
    new = of_path(some_chunks()[:1], path)
    changing.replace([path], [{**new[0], "chunk_id": "new", "text": "quite another text"}], unit_vectors(1))
    assert changing.blobs()[path] == "d" * 40 != blob
    found = [hit.text for hit in changing.search("quite another", unit_vectors(1)[0], 50, Scope()) if hit.path == path]
    assert found == ["quite another text"]
    changing.remove([path])
    assert path not in changing.blobs()


def test_a_file_of_old_and_new_passages_is_as_if_it_were_put_in_anew(changing, monkeypatch):
    """One stays where it is, in a file of other bytes, at another line; the other one is gone, and a new one comes."""
    path = "src/release.py"
    stays, gone = (chunk for chunk in some_chunks() if chunk["path"] == path)
    now = [
        {**stays, "blob": "d" * 40, "commit": "e" * 40, "start_line": 7, "end_line": 9},
        {**gone, "chunk_id": "new", "blob": "d" * 40, "text": "def promote(release): return True"},
    ]
    vectors = np.stack([unit_vectors(6)[0], unit_vectors(9)[8]])
    before, written = held(changing), []
    upsert = changing._engine.upsert
    monkeypatch.setattr(changing._engine, "upsert", lambda points: (written.extend(points), upsert(points)))
    changing.replace([path], now, vectors)
    assert [point.chunk["chunk_id"] for point in written] == ["new"]
    made = held(changing)
    assert made.keys() == before.keys() - {gone["chunk_id"]} | {"new"}
    changing.remove([path])
    changing.replace([path], now, vectors)
    assert len(written) == 3
    assert held(changing).keys() == made.keys()
    for id, point in held(changing).items():
        assert point.chunk == made[id].chunk
        assert point.sparse == made[id].sparse
        assert np.allclose(point.dense, made[id].dense, atol=1e-6)
    assert made[stays["chunk_id"]].chunk["start_line"] == 7


def test_a_file_without_passages_is_gone_and_the_same_file_again_writes_nothing(changing, monkeypatch):
    own = [chunk for chunk in some_chunks() if chunk["path"] == "lib/retry.go"]
    before = held(changing)
    monkeypatch.setattr(changing._engine, "upsert", lambda points: pytest.fail("what is there is written again"))
    changing.replace(["lib/retry.go"], own, unit_vectors(6)[4:])
    assert held(changing) == before
    changing.replace(["lib/retry.go"], [], unit_vectors(0))
    assert {point.chunk["path"] for point in held(changing).values()} == {"src/release.py", "src/http_server.py"}


def test_what_was_found_before_is_shown_as_it_is_now(changing):
    path = "src/release.py"
    own = [chunk for chunk in some_chunks() if chunk["path"] == path]
    ask = lambda: [hit.start_line for hit in changing.search("release", unit_vectors(6)[0], 50, Scope.files([path]))]  # noqa: E731
    assert sorted(ask()) == sorted(chunk["start_line"] for chunk in own)
    moved = [{**chunk, "start_line": chunk["start_line"] + 100} for chunk in own]
    changing.replace([path], moved, unit_vectors(6)[:2])
    assert sorted(ask()) == sorted(chunk["start_line"] for chunk in moved)
    changing.remove([path])
    assert ask() == []


def test_another_summary_of_a_file_takes_the_place_of_the_former(changing):
    path = "src/release.py"
    own = [chunk for chunk in some_chunks() if chunk["path"] == path]
    first, second = (
        {**own[0], "kind": "file", "symbol": "", "text": f"{path}\n{name}", "chunk_id": name, "content_hash": name}
        for name in ("promote", "withdraw")
    )
    changing.replace([path], [*own, first], unit_vectors(6)[:3])
    vectors = np.stack([*unit_vectors(6)[:2], unit_vectors(9)[8]])
    changing.replace([path], [*own, second], vectors)
    summaries = [point for point in held(changing).values() if point.chunk["kind"] == "file"]
    assert [point.chunk["text"] for point in summaries] == [f"{path}\nwithdraw"]
    assert np.allclose(summaries[0].dense, vectors[2], atol=1e-6)


def test_what_would_take_more_than_the_memory_is_refused_and_the_rest_answers(project, edge):
    manifest = publish(project, edge)
    with OverlayIndex(open_store(project, edge.index), manifest, 8) as small:
        before = small.count()
        with pytest.raises(NocturneError, match=r"index\.memory_mb"):
            small.replace(["new.py"], of_path(some_chunks()[:1], "new.py"), unit_vectors(1))
        assert small.count() == before
        assert small.search("text", unit_vectors(1)[0], 3, Scope())
