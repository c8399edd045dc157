"""Looking after versions: what is wrong is named, what is torn comes back, and engines hand versions to each other."""

import gzip
import io
import tarfile

import pytest
from test_index import edge, engine_params, made_project, params, project, some_chunks, unit_vectors

from pipelines.errors import NocturneError, TornIndex, UsageError
from pipelines.index import open_index, publish
from pipelines.index.store.manifest import IndexVersion
from pipelines.index.versions import maintain
from pipelines.index.versions.backup import backup, restore


def answers(project, params, version) -> list[tuple]:
    with open_index(project, params.index, version) as index:
        hits = [index.search("roll back", vector, 6) for vector in unit_vectors(6)]
    return [(hit.chunk_id, round(hit.score, 3)) for found in hits for hit in found]


def test_what_is_there_is_listed_with_what_it_holds(project, params):
    version = publish(project, params).version
    (found,) = maintain.list_versions(project, params.index)
    assert (found.version, found.whole, found.manifest.count) == (version, True, 6)
    assert (found.bytes > 0) is (not params.index.url)
    assert maintain.inspect(project, params.index, version) == found
    assert "files" not in found.facts()
    assert maintain.verify(project, params, version) == []


def test_verify_says_exactly_what_is_wrong(project, edge):
    version = publish(project, edge).version
    shard = project.live / version / "shard"
    config = shard / "edge_config.json"
    whole = config.read_bytes()
    config.write_bytes(whole[:-1])
    assert maintain.verify(project, edge, version) == [
        f"shard/edge_config.json has {len(whole) - 1} bytes, not {len(whole)}"
    ]
    config.write_bytes(whole[:-2] + b"? ")
    assert maintain.verify(project, edge, version) == ["shard/edge_config.json has changed: its hash is another"]
    config.unlink()
    assert maintain.verify(project, edge, version) == [
        "shard/edge_config.json cannot be read: No such file or directory"
    ]
    assert "no folder" in maintain.verify(project, edge, "0123456789ab")[0]


def test_a_byte_that_somebody_flipped_is_seen_when_the_version_is_opened(project, edge):
    version = publish(project, edge).version
    config = project.live / version / "shard" / "edge_config.json"
    config.write_bytes(config.read_bytes().replace(b"Cosine", b"Euclid"))
    with pytest.raises(TornIndex, match="damaged") as caught:
        open_index(project, edge.index, version)
    assert f"nocturne index rebuild {version}" in caught.value.next_step


def test_verify_counts_and_searches(project, params, monkeypatch):
    version = publish(project, params).version
    monkeypatch.setattr("pipelines.index.versions.build._does_find", lambda *_: False)
    assert "by its own text" in maintain.verify(project, params, version)[0]


def test_a_torn_version_comes_back_with_the_same_answers(project, edge):
    version = publish(project, edge).version
    before = answers(project, edge, version)
    next((project.live / version).rglob("*.dat")).unlink()
    assert maintain.rebuild(project, edge, version).version == version
    assert maintain.verify(project, edge, version) == []
    assert answers(project, edge, version) == before


def test_a_version_whose_vectors_are_gone_is_not_made_up(project, params, tmp_path):
    version = publish(project, params).version
    made_project(tmp_path, some_chunks()[:3], unit_vectors(3))
    assert maintain.rebuild(project, params, version).version == version
    with pytest.raises(NocturneError, match="no chunks and vectors that are kept make it") as caught:
        maintain.rebuild(project, params, "0123456789ab")
    assert "nocturne index restore" in caught.value.next_step


def test_a_version_moves_to_a_server_and_back_and_answers_alike(project, edge, monkeypatch, tmp_path):
    version = publish(project, edge).version
    before = answers(project, edge, version)
    there = engine_params("server", monkeypatch)
    assert maintain.move(project, edge, there.index, version).count == 6
    assert [chunk for chunk, _ in answers(project, there, version)] == [chunk for chunk, _ in before]
    made_project(tmp_path, some_chunks()[:3], unit_vectors(3))
    (project.live / version / "manifest.json").unlink()
    maintain.move(project, there, edge.index, version)
    assert answers(project, edge, version) == before
    with pytest.raises(UsageError, match="already"):
        maintain.move(project, edge, edge.index, version)


def test_a_version_that_a_server_lost_is_built_of_the_embedded_one(project, edge, monkeypatch, tmp_path):
    version = publish(project, edge).version
    made_project(tmp_path, some_chunks()[:3], unit_vectors(3))
    there = engine_params("server", monkeypatch)
    maintain.rebuild(project, there, version)
    assert maintain.verify(project, there, version) == []


def test_a_backup_brings_versions_back_on_either_engine(project, params, tmp_path, monkeypatch):
    old = publish(project, params).version
    before = answers(project, params, old)
    made_project(tmp_path, [], unit_vectors(0))
    empty = publish(project, params).version
    file = tmp_path / "index.tar.gz"
    backup(project, params, [old, empty], file)
    with pytest.raises(UsageError, match="exists"):
        backup(project, params, [old], file)
    elsewhere = made_project(tmp_path / "elsewhere", [], unit_vectors(0))
    for engine in ("edge", "server"):
        chosen = engine_params(engine, monkeypatch)
        assert restore(elsewhere, chosen, file) == sorted([old, empty])
        assert [chunk for chunk, _ in answers(elsewhere, chosen, old)] == [chunk for chunk, _ in before]
        assert maintain.verify(elsewhere, chosen, empty) == []
    assert [path.name for path in tmp_path.glob("*.tmp")] == []


def archive(file, members: dict[str, bytes]) -> None:
    with tarfile.open(file, "w:gz") as made:
        for name, content in members.items():
            head = tarfile.TarInfo(name)
            head.size = len(content)
            made.addfile(head, io.BytesIO(content))


@pytest.mark.parametrize("name", ["../../evil", "/evil", "0123456789ab/../../evil", "0123456789ab/vectors.pkl"])
def test_a_backup_cannot_write_outside(project, edge, tmp_path, name):
    file = tmp_path / "evil.tar.gz"
    archive(file, {name: b"x", "contents.json": b"{}"})
    with pytest.raises(UsageError, match="not a whole backup"):
        restore(project, edge, file)
    assert not list(tmp_path.rglob("evil"))


def test_a_damaged_backup_builds_nothing(project, edge, tmp_path):
    version = publish(project, edge).version
    file = tmp_path / "index.tar.gz"
    backup(project, edge, [version], file)
    whole = gzip.decompress(file.read_bytes())
    elsewhere = made_project(tmp_path / "elsewhere", [], unit_vectors(0))
    for broken in (
        whole[: whole.index(b"contents.json")],
        whole.replace(b"RetryWithBackoff", b"RetryWithBackofF"),
        b"",
        b"no tar",
    ):
        file.write_bytes(gzip.compress(broken))
        with pytest.raises(UsageError, match="not a whole backup"):
            restore(elsewhere, edge, file)
    assert maintain.list_versions(elsewhere, edge.index) == []


def test_a_manifest_is_read_only_as_it_was_sealed():
    version = IndexVersion("0123456789ab", 3, "m", 16, 5.0)
    assert IndexVersion.unsealed(version.sealed(), "0123456789ab") == version
    assert IndexVersion.unsealed({**version.sealed(), "count": 4}, "0123456789ab") is None
    assert IndexVersion.unsealed(version.sealed(), "ba9876543210") is None
