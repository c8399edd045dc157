"""Versions, on both engines: named by their content, checked before they are shown, refused when they are torn."""

import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from test_index import edge, made_project, params, project, some_chunks, unit_vectors

from pipelines.config.load import load_params
from pipelines.errors import NocturneError
from pipelines.index import (
    delete_versions,
    find_unreferenced,
    is_present,
    open_index,
    publish,
    rewrite_without,
    version_of,
)
from pipelines.records import write_json


def test_a_version_without_some_chunks_finds_all_the_others_as_before(project, params):
    old = publish(project, params).version
    new, went = rewrite_without(project, params, old, lambda chunk: chunk["path"] == "lib/retry.go")
    assert new != old
    assert [chunk["path"] for chunk in went] == ["lib/retry.go"] * 2
    with open_index(project, params.index, old) as before, open_index(project, params.index, new) as after:
        assert (before.count(), after.count()) == (6, 4)
        for row in range(4):
            wanted, found = (index.search("", unit_vectors(6)[row], 1)[0] for index in (before, after))
            assert found == wanted
        hits = after.search("RetryWithBackoff", unit_vectors(6)[4], 6)
        assert {hit.path for hit in hits} == {"src/release.py", "src/http_server.py"}
    delete_versions(project, params.index, old)
    with pytest.raises(NocturneError, match="is missing"):
        open_index(project, params.index, old)
    assert rewrite_without(project, params, new, lambda chunk: False) == (new, [])


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


def test_a_failed_self_check_publishes_nothing(project, params, monkeypatch):
    monkeypatch.setattr("pipelines.index.versions.build._does_find", lambda *_: False)
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
        "import os, sys\nfrom pathlib import Path\nfrom pipelines.index import publish\n"
        "from pipelines.index.versions import build\n"
        "from pipelines.config.load import load_params\nfrom pipelines.project import Project\n"
        "build.find_shortcoming = lambda *a: os.kill(os.getpid(), 9)\n"
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
from pipelines.config.load import load_params
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
    found = find_unreferenced(project, params.index, {second}, set())
    assert set(found) == ({first} if embedded else set())
    assert set(find_unreferenced(project, params.index, {second}, {first})) == {first}
    assert find_unreferenced(project, params.index, {first, second}, {first}) == {}
    if embedded:
        assert found[first] == sum(
            512 * file.stat().st_blocks for file in (project.live / first).rglob("*") if file.is_file()
        )
    assert is_present(project, params.index, first)
    delete_versions(project, params.index, first)
    assert not is_present(project, params.index, first)
