"""A copy of a version that may be changed, on both engines: what `watch` works on."""

import numpy as np
import pytest
from test_index import SOURCES, params, project, some_chunks, unit_vectors

from pipelines.index import open_index, publish
from pipelines.index.store.bm25 import Keywords
from pipelines.index.store.factory import open_store
from pipelines.index.store.interface import Point, Search, Store, point_id


def paths_of(engine) -> list[str]:
    return sorted(point.chunk["path"] for batch in engine.every() for point in batch)


def test_a_copy_changes_and_the_version_does_not(project, params):
    manifest = publish(project, params)
    store: Store = open_store(project, params.index)
    before = store.held()
    copy = store.copy(manifest, "watch")
    chunk = {**some_chunks()[0], "chunk_id": "new", "path": "new.py", "text": "def fresh(): pass"}
    copy.upsert([Point(point_id("new"), unit_vectors(7)[6].tolist(), Keywords(5.0).document(chunk), chunk)])
    copy.delete(["lib/retry.go", "src/release.py", "never/was.py"])
    copy.flush()
    assert paths_of(copy) == ["new.py", "src/http_server.py", "src/http_server.py"]
    assert copy.count() == 3
    assert copy.nearest(Search(unit_vectors(7)[6], 1))[0][0].id == point_id("new")
    assert store.held() == before
    copy.close()
    assert store.read(manifest.version) == manifest
    assert store.faults(manifest.version) == []
    with open_index(project, params.index, manifest.version) as index:
        assert index.count() == 6
        assert index.search("RetryWithBackoff", unit_vectors(6)[4], 1)[0].path == "lib/retry.go"


def test_a_copy_of_the_same_name_begins_again_and_goes_when_it_is_dropped(project, params):
    manifest = publish(project, params)
    store = open_store(project, params.index)
    first = store.copy(manifest, "watch")
    first.delete(list(SOURCES))
    assert first.count() == 0
    first.close()
    store = open_store(project, params.index)
    again = store.copy(manifest, "watch")
    assert again.count() == 6
    assert np.allclose(again.nearest(Search(unit_vectors(6)[2], 1))[0][0].score, 1, atol=1e-4)
    again.close()
    store = open_store(project, params.index)
    store.drop("watch")
    store.drop("watch")
    assert list(store.held()) == [manifest.version]


@pytest.mark.parametrize("name", ["abcdefabcdef", "../up", "", "a-b", "copy1"])
def test_a_copy_is_not_named_like_a_version_or_a_path(project, params, name):
    manifest = publish(project, params)
    with pytest.raises(ValueError, match="letters"):
        open_store(project, params.index).copy(manifest, name)
