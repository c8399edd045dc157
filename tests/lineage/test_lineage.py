"""Trace, forget and restore, on a workspace with two releases whose datasets DVC keeps."""

import os
import subprocess
import sys

import numpy as np
import pytest
import yaml
from conftest import ROOT, git, make_repository, make_workspace, taken_in, with_database

from pipelines.config.load import load_params
from pipelines.dag import dvc
from pipelines.dag.stage import load
from pipelines.errors import NocturneError, UsageError
from pipelines.index import open_index, publish
from pipelines.lineage.datasets import restore
from pipelines.lineage.forget import forget
from pipelines.lineage.trace import parse_location, trace
from pipelines.records import file_sha256, read_json, read_jsonl, tree_sha256, write_json
from pipelines.registry.manifest import Manifest
from pipelines.registry.releases import CHAMPION, Releases
from pipelines.snapshot.stage import STAGE as SNAPSHOT

FUNCTION = """def {name}(value):
    '''Return the {name} of a value that is given.'''
    return value * {number} + {number}
"""
SECRET, PLAIN = "src/secret_plan.py", "src/plain.py"


def source_file(name):
    return "\n\n".join(FUNCTION.format(name=f"{name}_{number}", number=number) for number in range(2, 9))


@pytest.fixture
def place(tmp_path, mlflow_database):
    files = {SECRET: source_file("secret"), PLAIN: source_file("plain")}
    files |= {f"src/m{number}.py": source_file(f"m{number}") for number in range(6)}
    source = make_repository(tmp_path / "source", files)
    changes = {"holdout": 0.2, "recipes": {"retrieval": 0.0}}
    return with_database(make_workspace(tmp_path / "workspace", {"moon": source}, dataset=changes), mlflow_database)


@pytest.fixture
def project(place):
    return load_params(place).project("moon", place)


@pytest.fixture
def params(place):
    return load_params(place)


def built(project):
    """What a night builds up to the dataset, which DVC keeps; vectors are drawn: the encoder has no part in this."""
    for stage in ("snapshot", "extraction", "history"):
        load(stage).run(project, load_params(project.workspace))
    chunks = list(read_jsonl(project.path("extraction", "chunks.jsonl")))
    vectors = np.random.default_rng(3).normal(size=(len(chunks), 16)).astype(np.float32)
    file = project.path("embedding", "vectors.npy")
    file.parent.mkdir(exist_ok=True)
    np.save(file, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    facts = {"model": "m", "dimension": 16, "count": len(chunks), "vectors_sha256": file_sha256(file)}
    write_json(project.path("embedding", "embedding.json"), facts)
    taken_in(project, "dataset")


@pytest.fixture
def released(project, params, tmp_path):
    """Makes a release of the project as it stands."""

    def release(night, began_with=None):
        built(project)
        Releases(project).connect()
        manifest = Manifest(
            night=night, training=night, commit="c" * 40, base_model="b", base_identity="b", chat_template_sha256="h",
            dataset_sha256=file_sha256(project.path("dataset", "train.jsonl")),
            dataset_dvc=dvc.output_hash(project, "dataset"),
            index_version=publish(project, params).version, encoder="m", dimension=16, gates=[],
        )  # fmt: skip
        adapter = tmp_path / "adapter"
        adapter.mkdir(exist_ok=True)
        write_json(tmp_path / "training.json", {"paths": [], "warm_start": {"release": began_with}})
        run = Releases(project).record(manifest, adapter, tmp_path / "training.json", [], {}, True)
        return Releases(project).register(manifest, run, True, "test")

    return release


def paths_in_index(project, params, version):
    with open_index(project, params.index, version) as index:
        return {hit.path for hit in index.search("return value", np.ones(16, np.float32) / 4, 1000)}


def test_trace_names_the_examples_datasets_and_releases(project, released):
    first = released("n1")
    rows = [*read_jsonl(project.path("dataset", "train.jsonl")), *read_jsonl(project.path("dataset", "holdout.jsonl"))]
    wanted = {row["example_id"] for row in rows if row["path"] == SECRET}
    (seen,) = trace(project, parse_location(SECRET, None))
    assert seen.releases == [first.version]
    assert seen.aliases == [CHAMPION]
    assert {row["example_id"] for split in seen.examples.values() for row in split} == wanted != set()
    (line,) = trace(project, parse_location(SECRET, 1))
    on_line = {row["example_id"] for split in line.examples.values() for row in split}
    assert on_line == {r["example_id"] for r in rows if r["path"] == SECRET and r["start_line"] <= 1 <= r["end_line"]}
    assert on_line < wanted
    assert trace(project, parse_location("src/nowhere.py", None)) == []


def test_a_dataset_that_dvc_has_lost_counts_as_having_seen_everything(project, released):
    import shutil

    released("n1")
    shutil.rmtree(project.workspace / ".dvc" / "cache")
    (seen,) = trace(project, parse_location("src/nowhere.py", None))
    assert seen.examples is None
    assert seen.trained


def test_forgotten_code_leaves_every_index_at_once_and_never_comes_back(project, params, released):
    first = released("n1")
    (project.source / PLAIN).write_text(source_file("other"))
    second = released("n2")
    assert first.index_version != second.index_version
    done = forget(project, params, SECRET)
    assert set(done.chunks) == {first.version, second.version}
    assert done.trained == [first.version, second.version]
    for number in (first.version, second.version):
        index = Releases(project).version(number).index_version
        assert SECRET not in paths_in_index(project, params, index)
        assert PLAIN in paths_in_index(project, params, index)
    assert [file for file in project.cache.rglob("*") if file.is_file() and b"secret_2" in file.read_bytes()] == []
    kept = {folder.name for folder in project.live.iterdir()}
    assert kept == {Releases(project).version(number).index_version for number in (first.version, second.version)}
    built(project)
    for file in ("extraction/files.jsonl", "extraction/chunks.jsonl", "dataset/train.jsonl", "dataset/holdout.jsonl"):
        assert SECRET not in project.path(file).read_text()
    assert "forgotten" in next(r["reason"] for r in skipped(project) if r["path"] == SECRET)


def skipped(project):
    return read_jsonl(project.path("extraction", "skipped.jsonl"))


def test_what_began_with_an_adapter_has_learned_what_that_had_learned(project, params, released):
    first = released("n1")
    (project.source / SECRET).unlink()
    git(project.source, "commit", "-q", "-am", "the plan is gone")
    warm = released("n2", began_with=first.version)
    (project.source / PLAIN).write_text(source_file("other"))
    warmer = released("n3", began_with=warm.version)
    (project.source / PLAIN).write_text(source_file("more"))
    cold = released("n4")
    (seen,) = trace(project, parse_location(SECRET, None))
    assert seen.releases == [first.version]
    assert seen.inherited == [warmer.version, warm.version]
    Releases(project).remove(warm.version)
    done = forget(project, params, SECRET)
    assert {first.version, warmer.version} <= set(done.trained)
    assert not {warm.version, cold.version} & set(done.trained)


def test_a_blob_is_forgotten_under_every_name(project, params, released):
    copy = project.source / "src" / "copy.py"
    copy.write_bytes((project.source / SECRET).read_bytes())
    git(project.source, "add", "-A")
    first = released("n1")
    blob = git(project.source, "hash-object", SECRET).strip()
    done = forget(project, params, blob)
    assert first.version in done.chunks
    assert not {SECRET, "src/copy.py"} & paths_in_index(project, params, Releases(project).champion().index_version)
    SNAPSHOT.run(project, load_params(project.workspace))
    taken = {file["path"] for file in read_json(project.path("snapshot", "snapshot.json"))["files"]}
    assert not {SECRET, "src/copy.py"} & taken
    assert PLAIN in taken


def test_what_nobody_has_seen_is_kept_out_all_the_same(project, params, released):
    first = released("n1")
    done = forget(project, params, "later/*.py")
    assert (done.chunks, done.trained) == ({}, [])
    assert Releases(project).champion().index_version == first.index_version
    forget(project, params, "later/*.py")
    assert yaml.safe_load((project.workspace / "params.local.yaml").read_text())["projects"]["moon"]["forget"] == [
        "later/*.py"
    ]


def test_an_empty_entry_is_refused(project, params):
    with pytest.raises(UsageError, match="nothing to forget"):
        forget(project, params, " ")


def test_a_dataset_comes_back_bit_for_bit(project, released, tmp_path):
    first = released("n1")
    before = tree_sha256(project.path("dataset"))
    (project.source / PLAIN).write_text(source_file("other"))
    released("n2")
    assert tree_sha256(project.path("dataset")) != before
    files = restore(project, first.version, tmp_path / "back")
    assert tree_sha256(tmp_path / "back") == before
    assert len(files) == len(list(project.path("dataset").iterdir()))
    with pytest.raises(NocturneError, match="is not empty"):
        restore(project, first.version, tmp_path / "back")
    with pytest.raises(UsageError, match="no release 9"):
        restore(project, 9, tmp_path / "other")


def test_a_damaged_cache_is_not_passed_off_as_the_dataset(project, released, tmp_path):
    first = released("n1")
    kept = dvc.read_stored(project, first.manifest.dataset_dvc)["train.jsonl"]
    kept.chmod(0o644)
    kept.write_text("{}\n")
    with pytest.raises(NocturneError, match="not the dataset that release 1 names"):
        restore(project, first.version, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_the_commands_say_what_was_seen_and_done(project, released):
    released("n1")

    def nocturne(*arguments):
        code = "import sys; from pipelines.cli import main; sys.argv[0] = 'nocturne'; main()"
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=project.workspace, env=environ, capture_output=True, text=True
        )

    traced = nocturne("trace", f"{SECRET}:1")
    assert traced.returncode == 0, traced.stderr
    assert "release 1" in traced.stdout
    assert f"{SECRET}:1-" in traced.stdout
    done = nocturne("forget", SECRET)
    assert done.returncode == 0, done.stderr
    assert "taken out of its index" in done.stdout
    back = nocturne("data", "restore", "1")
    assert back.returncode == 0, back.stderr
    assert "the same bytes" in back.stdout
