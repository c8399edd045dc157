"""DVC's own commands show a night's figures: each under its own name, in a workspace with the shipped dvc.yaml."""

import json
import subprocess
import sys

import pytest
from conftest import make_repository, make_workspace

from pipelines.evaluation import dvc_views
from pipelines.project import Project
from pipelines.records import write_json

ARMS = ("base", "adapter")


def figure(value):
    return {"value": value, "low": None, "high": None}


def group(start):
    """Figures of which no two are alike."""
    return {
        "examples": start + 1,
        "files": start + 2,
        "arms": {arm: {"bits_per_byte": figure(start + 3.0 + n), "chrf": figure(None)} for n, arm in enumerate(ARMS)},
        "gains": {"adapter_vs_base": figure((start + 5) / 1000)},
    }


EVALUATION = {
    **group(10),
    "by_task": {"explain": group(20), "tests": {**group(30), "gains": {"adapter_vs_base": figure(None)}}},
    "by_language": {"go": group(40)},
    "retrieval": {"questions": 3, "metrics": {"recall@10": figure(0.51), "mrr": figure(0.52), "ndcg@10": figure(0.53)}},
    "forgetting": {"examples": 4, "forgetting": figure(0.54)},
    "memorisation": {"extracted": {"strings": 2, "base": figure(0.55), "adapter": figure(0.56)}},
    "suites": {"cases": 2, "arms": {"base": figure(0.57), "adapter": figure(0.58)}},
}
METRICS = {
    "examples": 11,
    "bits_per_byte": {"base": 13.0, "adapter": 14.0},
    "gain": 0.015,
    "recall@10": 0.51,
    "mrr": 0.52,
    "ndcg@10": 0.53,
    "forgetting": 0.54,
    "memorisation": 0.56,
    "pattern_adherence": 0.58,
}
LOG = [{"step": 1, "loss": 2.5}, {"step": 2, "loss": None}, {"step": 3, "loss": 1.5}]


def test_each_figure_stands_under_its_own_name_and_what_was_not_measured_is_missing():
    assert dvc_views.write_metrics(EVALUATION) == METRICS
    assert dvc_views.write_loss(LOG) == [{"step": 1, "loss": 2.5}, {"step": 3, "loss": 1.5}]
    gains = {row["group"]: row["gain"] for row in dvc_views.write_gains(EVALUATION)}
    assert gains == {"all": 1.5, "recipe explain": 2.5, "language go": 4.5}


def test_a_night_that_trained_nothing_has_figures_without_an_adapter():
    base = {"arms": {"base": {"bits_per_byte": figure(3.0)}}, "gains": {}, "by_task": {}, "by_language": {}}
    assert dvc_views.write_metrics({"examples": 1, **base}) == {"examples": 1, "bits_per_byte": {"base": 3.0}}
    assert dvc_views.write_gains({"examples": 1, "files": 1, **base}) == []


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    source = make_repository(folder / "source", {"a.py": "x = 1\n"})
    workspace = make_workspace(folder / "workspace", {"moon": source})
    project = Project("moon", source, workspace)
    write_json(project.path(dvc_views.METRICS), dvc_views.write_metrics(EVALUATION))
    write_json(project.path(dvc_views.LOSS), dvc_views.write_loss(LOG))
    write_json(project.path(dvc_views.GAINS), dvc_views.write_gains(EVALUATION))
    return workspace


def dvc(workspace, *arguments) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=True)
    assert "failed" not in done.stderr
    return done.stdout


def test_dvc_shows_the_metrics_of_each_project(workspace):
    [revision] = json.loads(dvc(workspace, "metrics", "show", "--json")).values()
    assert revision["data"] == {"data/moon/metrics.json": {"data": METRICS}}


def test_a_night_without_steps_draws_no_loss_and_breaks_no_page(workspace, tmp_path):
    project = Project("moon", workspace, workspace)
    write_json(project.path(dvc_views.LOSS), [])
    dvc(workspace, "plots", "show", "--out", str(tmp_path))
    assert "recipe explain" in (tmp_path / "index.html").read_text()
    write_json(project.path(dvc_views.LOSS), dvc_views.write_loss(LOG))


def test_dvc_draws_the_loss_and_the_gains(workspace, tmp_path):
    dvc(workspace, "plots", "show", "--out", str(tmp_path))
    page = (tmp_path / "index.html").read_text()
    assert "Training loss of moon" in page
    assert '"step": 3' in page
    assert "Gain of moon over the base model" in page
    assert "recipe explain" in page
