"""What a training may begin with: taken from the live release before the night, handed on by the snapshot."""

from types import SimpleNamespace

import pytest
from conftest import ROOT, make_repository

from pipelines.config.load import load_params
from pipelines.dag.stage import load
from pipelines.night import warm_start
from pipelines.project import Project
from pipelines.records import read_json, tree_sha256, write_json
from pipelines.registry.releases import CHAMPION, Releases

SHIPPED = load_params(ROOT)


def values(source, wanted):
    training = SHIPPED.training.model_copy(update={"warm_start": wanted, "base_model": "none"})
    projects = {"moon": next(iter(SHIPPED.projects.values())).model_copy(update={"source": str(source)})}
    return SHIPPED.model_copy(update={"training": training, "projects": projects})


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose release 4 is live."""
    adapter = tmp_path / "mlflow" / "adapter"
    write_json(adapter / "adapter_config.json", {"r": 4})
    write_json(adapter / "training.json", {"paths": ["a.py"]})
    manifest = SimpleNamespace(base_identity="i", training="t4")
    live = SimpleNamespace(version=5, adapter_version=4, adapter=adapter, manifest=manifest)
    monkeypatch.setattr(Releases, "at", lambda self, alias: live)
    return Project("moon", make_repository(tmp_path / "source", {"a.py": "a = 1\n"}), tmp_path)


def test_the_snapshot_hands_on_what_the_live_release_learned(project):
    params = values(project.source, wanted=True)
    assert warm_start.write_warm_start(project, params, Releases(project).at(CHAMPION))
    load("snapshot").run(project, params)
    taken = project.path("snapshot", "champion")
    said = {"release": 4, "training": "t4", "base_identity": "i", "paths": ["a.py"]}
    assert read_json(taken / "champion.json") == said
    assert [file.name for file in (taken / "learned").iterdir()] == ["adapter_config.json"]
    before = tree_sha256(project.path("snapshot"))
    assert not warm_start.write_warm_start(project, params, Releases(project).at(CHAMPION))
    load("snapshot").run(project, params)
    assert tree_sha256(project.path("snapshot")) == before


def test_another_adapter_of_the_same_number_is_taken_too(project, monkeypatch, tmp_path):
    """A workspace that takes another registry meets its numbers again."""
    params = values(project.source, wanted=True)
    assert warm_start.write_warm_start(project, params, Releases(project).at(CHAMPION))
    other = tmp_path / "other" / "adapter"
    write_json(other / "adapter_config.json", {"r": 8})
    write_json(other / "training.json", {"paths": ["b.py"]})
    manifest = SimpleNamespace(base_identity="i", training="t9")
    live = SimpleNamespace(version=4, adapter_version=4, adapter=other, manifest=manifest)
    monkeypatch.setattr(Releases, "at", lambda self, alias: live)
    assert warm_start.write_warm_start(project, params, Releases(project).at(CHAMPION))
    assert read_json(project.path("champion", "learned", "adapter_config.json")) == {"r": 8}
    assert not warm_start.write_warm_start(project, params, Releases(project).at(CHAMPION))


def test_without_a_warm_start_nothing_is_taken_and_nothing_of_it_reaches_a_training(project):
    warm_start.write_warm_start(project, values(project.source, wanted=True), Releases(project).at(CHAMPION))
    off = values(project.source, wanted=False)
    assert not warm_start.write_warm_start(project, off, Releases(project).at(CHAMPION))
    load("snapshot").run(project, off)
    taken = project.path("snapshot", "champion")
    assert [file.name for file in taken.iterdir()] == ["champion.json"]
    assert read_json(taken / "champion.json") == {}
