"""A version that an earlier Nocturne made is not searched as if it were today's, and not lost: it is made anew of what
it holds, on both engines."""

from contextlib import closing
from functools import partial
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import pytest
from test_index import edge, engine_params, made_project, params, project, some_chunks, unit_vectors

from pipelines.errors import NocturneError, TornIndex
from pipelines.index import is_present, open_index, publish, rewrite_without
from pipelines.index.store.factory import open_store
from pipelines.index.store.manifest import SCHEMA, IndexVersion
from pipelines.index.versions import maintain
from pipelines.index.versions.backup import PARTS, _restore, backup, restore
from pipelines.index.versions.inputs import Inputs
from pipelines.records import write_json, write_jsonl


@pytest.fixture
def earlier(project, params, monkeypatch, tmp_path) -> str:
    """As points and names were made before points were numbered; and the stages have made something else since."""
    with monkeypatch.context() as then:
        then.setattr("pipelines.index.store.interface.point_id", lambda chunk_id: str(uuid5(NAMESPACE_OID, chunk_id)))
        then.setattr("pipelines.index.versions.publish.IndexVersion", partial(IndexVersion, schema=SCHEMA - 1))
        named = Inputs.of(project).former_versions()[-1]
        version = publish(project, params, version=named).version
    made_project(tmp_path, some_chunks()[:3], unit_vectors(3))
    return version


def found(project, params, version) -> list[tuple]:
    with open_index(project, params.index, version) as index:
        hits = [index.search("roll back", vector, 6) for vector in unit_vectors(6)]
    return [(hit.chunk_id, round(hit.score, 3)) for one in hits for hit in one]


def test_it_is_refused_by_its_name_and_made_anew_under_it(project, params, earlier, tmp_path):
    assert not is_present(project, params.index, earlier)
    with pytest.raises(TornIndex, match="made by an earlier version of Nocturne") as caught:
        open_index(project, params.index, earlier)
    assert f"nocturne index rebuild {earlier}" in caught.value.next_step
    assert maintain.verify(project, params, earlier) == ["it was made by an earlier version of Nocturne"]
    assert maintain.rebuild(project, params, earlier).version == earlier
    assert maintain.verify(project, params, earlier) == []
    now = made_project(tmp_path / "now", some_chunks(), unit_vectors(6))
    assert found(project, params, earlier) == found(now, params, publish(now, params).version)


def test_it_stays_until_what_is_made_of_it_is_whole(project, params, earlier, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("pipelines.index.versions.build._does_find", lambda *_: False)
        with pytest.raises(NocturneError, match="does not find"):
            maintain.rebuild(project, params, earlier)
    assert maintain.inspect(project, params.index, earlier).earlier
    assert maintain.rebuild(project, params, earlier).version == earlier
    assert is_present(project, params.index, earlier)


def test_a_lost_one_is_built_of_chunks_and_vectors_under_the_name_that_it_had(project, params, earlier, tmp_path):
    with closing(open_store(project, params.index)) as store:
        store.remove(earlier)
    assert maintain.list_versions(project, params.index) == []
    made_project(tmp_path, some_chunks(), unit_vectors(6))
    assert maintain.rebuild(project, params, earlier).version == earlier
    assert maintain.verify(project, params, earlier) == []


def test_it_is_in_a_backup(project, params, earlier, tmp_path):
    backup(project, params, [earlier], tmp_path / "index.tar.gz")
    elsewhere = made_project(tmp_path / "elsewhere", [], unit_vectors(0))
    assert restore(elsewhere, params, tmp_path / "index.tar.gz") == [earlier]
    assert len(found(elsewhere, params, earlier)) == 36


def test_what_is_forgotten_leaves_it_too(project, params, earlier):
    new, went = rewrite_without(project, params, earlier, lambda chunk: chunk["path"] == "lib/retry.go")
    assert len(went) == 2
    with open_index(project, params.index, new) as index:
        assert index.count() == 4
        assert {hit.path for hit in index.search("retry", unit_vectors(6)[4], 6)}.isdisjoint({"lib/retry.go"})


def test_it_moves_to_a_server_as_it_is_made_now(project, edge, monkeypatch, tmp_path):
    monkeypatch.setattr("pipelines.index.versions.publish.IndexVersion", partial(IndexVersion, schema=SCHEMA - 1))
    version = publish(project, edge).version
    there = engine_params("server", monkeypatch)
    maintain.move(project, edge, there.index, version)
    assert maintain.verify(project, there, version) == []


def test_a_damaged_one_is_not_made_anew_of_what_is_left(project, edge, monkeypatch, tmp_path):
    monkeypatch.setattr("pipelines.index.versions.publish.IndexVersion", partial(IndexVersion, schema=SCHEMA - 1))
    version = publish(project, edge).version
    made_project(tmp_path, some_chunks()[:3], unit_vectors(3))
    config = project.live / version / "shard" / "edge_config.json"
    config.write_bytes(config.read_bytes().replace(b"Cosine", b"Euclid"))
    with pytest.raises(TornIndex, match="missing or damaged"):
        open_index(project, edge.index, version)
    assert "hash" in maintain.verify(project, edge, version)[0]
    with pytest.raises(NocturneError, match="cannot be built again"):
        maintain.rebuild(project, edge, version)


def test_a_backup_of_then_is_read(project, edge, tmp_path):
    """Its points had their ids and keywords beside their chunks."""
    folder = tmp_path / "backup"
    folder.mkdir()
    chunks = some_chunks()
    write_json(folder / PARTS[0], IndexVersion("0123456789ab", 6, "m", 16, 9.0, schema=SCHEMA - 1).sealed())
    write_jsonl(folder / PARTS[1], ({"id": "x", "sparse": {}, "chunk": chunk} for chunk in chunks))
    np.save(folder / PARTS[2], unit_vectors(6))
    _restore(project, edge, "0123456789ab", folder)
    assert is_present(project, edge.index, "0123456789ab")


def test_one_of_a_schema_to_come_is_not_read(project, edge, monkeypatch):
    monkeypatch.setattr("pipelines.index.versions.publish.IndexVersion", partial(IndexVersion, schema=SCHEMA + 1))
    version = publish(project, edge).version
    with pytest.raises(TornIndex, match="missing or damaged"):
        open_index(project, edge.index, version)
