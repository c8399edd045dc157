"""The copy that a watch changes: files are replaced whole, within the memory that the index may take."""

import pytest
from test_index import edge, project, some_chunks, unit_vectors

from pipelines.errors import NocturneError
from pipelines.index import ChangingIndex, publish
from pipelines.index.engine import Scope
from pipelines.index.stores import store_of


@pytest.fixture
def changing(project, edge):
    version = publish(project, edge).version
    with ChangingIndex.of(project, edge.index, version) as made:
        yield made


def of_path(chunks, path):
    return [{**chunk, "path": path, "blob": "d" * 40} for chunk in chunks]


def test_a_replaced_file_has_its_new_passages_and_no_others(changing, project):
    path, blob = next(iter(sorted(changing.blobs().items())))
    new = of_path(some_chunks()[:1], path)
    changing.replace([path], [{**new[0], "chunk_id": "new", "text": "quite another text"}], unit_vectors(1))
    assert changing.blobs()[path] == "d" * 40 != blob
    found = [hit.text for hit in changing.search("quite another", unit_vectors(1)[0], 50, Scope()) if hit.path == path]
    assert found == ["quite another text"]
    changing.remove([path])
    assert path not in changing.blobs()


def test_what_would_take_more_than_the_memory_is_refused_and_the_rest_answers(project, edge):
    manifest = publish(project, edge)
    with ChangingIndex(store_of(project, edge.index), manifest, 8) as small:
        before = small.count()
        with pytest.raises(NocturneError, match=r"index\.memory_mb"):
            small.replace(["new.py"], of_path(some_chunks()[:1], "new.py"), unit_vectors(1))
        assert small.count() == before
        assert small.search("text", unit_vectors(1)[0], 3, Scope())
