"""What a night is compared with: real DVC stages and MLflow releases, without training."""

import shutil

import numpy as np
import pytest
from conftest import commit_all, make_repository, make_workspace, with_database

from pipelines.config.load import load_params
from pipelines.dag import dvc
from pipelines.night import drift_baseline
from pipelines.records import file_sha256, read_json, tree_sha256, write_json, write_jsonl
from pipelines.registry.manifest import Manifest
from pipelines.registry.releases import CHAMPION, Releases

FUNCTION = """def {name}(value):
    '''Return the {name} of a value that is given.'''
    return value * {number} + {number}
"""


def source_file(name):
    return "\n\n".join(FUNCTION.format(name=f"{name}_{number}", number=number) for number in range(2, 9))


@pytest.fixture
def project(tmp_path, mlflow_database):
    source = make_repository(
        tmp_path / "source", {f"src/m{number}.py": source_file(f"m{number}") for number in range(8)}
    )
    changes = {"dataset": {"holdout": 0.2, "recipes": {"retrieval": 0.0}}, "validation": {"max_contamination": 1.0}}
    place = with_database(make_workspace(tmp_path / "workspace", {"moon": source}, **changes), mlflow_database)
    return load_params(place).project("moon", place)


def validated(project):
    """What a night builds up to the verdict, by DVC; vectors are drawn, for the encoder has no part in this."""
    for stage in ("snapshot", "extraction", "history"):
        dvc.reproduce(project, stage)
    count = len(project.path("extraction", "chunks.jsonl").read_text().splitlines())
    file = project.path("embedding", "vectors.npy")
    file.parent.mkdir(exist_ok=True)
    np.save(file, np.random.default_rng(3).normal(size=(count, 16)).astype(np.float32))
    facts = {"model": "m", "dimension": 16, "count": count, "vectors_sha256": file_sha256(file)}
    write_json(project.path("embedding", "embedding.json"), facts)
    dvc.reproduce(project, "dataset")
    dvc.reproduce(project, "validation")


def release(project, folder):
    manifest = Manifest(
        night="n1", training="n1", commit="c" * 40, base_model="b", base_identity="b", chat_template_sha256="h",
        dataset_sha256=file_sha256(project.path("dataset", "train.jsonl")),
        dataset_dvc=dvc.output_hash(project, "dataset"), index_version="i", encoder="m", dimension=16, gates=[],
    )  # fmt: skip
    adapter = folder / "adapter"
    adapter.mkdir()
    write_jsonl(folder / "training.json", [])
    run = Releases(project).record(manifest, adapter, folder / "training.json", [], {}, True)
    return Releases(project).register(manifest, run, True, "test")


def settled(project):
    """Whether `dvc repro` up to the verdict has nothing to do."""
    return not {"snapshot", "dataset", "validation"} & set(dvc.find_stale(project))


def test_a_dataset_is_compared_with_the_live_one_and_only_a_new_night_changes_that(project, tmp_path):
    assert not drift_baseline.write_drift_baseline(project, Releases(project).at(CHAMPION))
    validated(project)
    assert read_json(project.path("validation", "drift.json"))["release"] is None
    live = release(project, tmp_path)
    dvc.reproduce(project, "snapshot")
    assert settled(project)

    (project.source / "src" / "more.py").write_text(source_file("more").replace("value", "item"))
    commit_all(project.source)
    assert drift_baseline.write_drift_baseline(project, Releases(project).at(CHAMPION))
    verdict = file_sha256(project.path("validation", "validation.json"))
    validated(project)
    drift = read_json(project.path("validation", "drift.json"))
    assert drift["release"] == live.version
    assert 0 < drift["distances"]["length"] < 1
    assert drift["distances"]["language"] == 0
    assert verdict != file_sha256(project.path("validation", "validation.json"))
    assert not drift_baseline.write_drift_baseline(project, Releases(project).at(CHAMPION))
    dvc.reproduce(project, "snapshot")
    assert settled(project)

    before = tree_sha256(project.path("validation"))
    shutil.rmtree(project.path("validation"))
    shutil.rmtree(project.path("snapshot"))
    shutil.rmtree(project.workspace / ".dvc" / "cache" / "runs", ignore_errors=True)
    dvc.reproduce(project, "snapshot")
    dvc.reproduce(project, "validation", force=True)
    assert tree_sha256(project.path("validation")) == before


def test_a_live_dataset_that_dvc_has_lost_leaves_what_was_compared_with_last(project, tmp_path):
    validated(project)
    release(project, tmp_path)
    assert drift_baseline.write_drift_baseline(project, Releases(project).at(CHAMPION))
    kept = file_sha256(project.path("baseline.json"))
    shutil.rmtree(project.workspace / ".dvc" / "cache")
    assert not drift_baseline.write_drift_baseline(project, Releases(project).at(CHAMPION))
    assert file_sha256(project.path("baseline.json")) == kept
