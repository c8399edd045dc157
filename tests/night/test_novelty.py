"""Nights with too little to learn: counted against the live dataset, skipped with the figures."""

from types import SimpleNamespace

import pytest
from conftest import ROOT

from pipelines.config.load import load_params
from pipelines.dag import dvc
from pipelines.night.novelty import count_new_tokens, find_too_little_new
from pipelines.project import Project
from pipelines.records import write_jsonl
from pipelines.registry.releases import CHAMPION, Releases

PARAMS = load_params(ROOT)


def rows(*numbers):
    return [{"prompt": f"p{n}", "completion": f"c{n}", "tokens": 100 + n, "path": f"{n}.py"} for n in numbers]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Release 3 has learned examples 1 to 4; tonight there are 2 to 6."""
    made = Project("moon", tmp_path, tmp_path)
    write_jsonl(made.path("dataset", "train.jsonl"), rows(2, 3, 4, 5, 6))
    write_jsonl(tmp_path / "live.jsonl", rows(1, 2, 3, 4))
    live = SimpleNamespace(version=3, manifest=SimpleNamespace(dataset_dvc="d"))
    monkeypatch.setattr(Releases, "at", lambda self, alias: live)
    monkeypatch.setattr(dvc, "read_stored", lambda project, name: {"train.jsonl": tmp_path / "live.jsonl"})
    monkeypatch.setattr(dvc, "find_stale", lambda project: ["training", "evaluation"])
    return made


def values(least):
    return PARAMS.model_copy(update={"training": PARAMS.training.model_copy(update={"min_new_tokens": least})})


def test_an_example_is_new_by_what_it_says_not_by_where_it_stands():
    moved = [{**row, "path": "elsewhere.py"} for row in rows(1, 2)]
    assert count_new_tokens([*moved, *rows(7)], rows(1, 2)) == 107


def test_a_night_with_fewer_new_tokens_than_asked_is_skipped_and_says_so(project):
    skipped = find_too_little_new(project, values(212), Releases(project).at(CHAMPION))
    assert (skipped.state, skipped.passed, skipped.release) == ("skipped", None, 3)
    assert "211 tokens are new since release 3, fewer than training.min_new_tokens (212)" in skipped.reason


@pytest.mark.parametrize("least", [0, 100, 211])
def test_a_night_with_enough_trains(project, least):
    assert find_too_little_new(project, values(least), Releases(project).at(CHAMPION)) is None


def test_a_night_that_has_trained_already_goes_on(project, monkeypatch):
    monkeypatch.setattr(dvc, "find_stale", lambda project: ["evaluation"])
    assert find_too_little_new(project, values(10**9), Releases(project).at(CHAMPION)) is None


def test_a_live_dataset_that_is_gone_skips_nothing(project, monkeypatch):
    monkeypatch.setattr(dvc, "read_stored", lambda project, name: None)
    assert find_too_little_new(project, values(10**9), Releases(project).at(CHAMPION)) is None
