"""The night's page: the verdict and what was measured in one file that loads nothing, and the same figures as JSON."""

from types import SimpleNamespace

import pytest
from conftest import ROOT

from pipelines.config.load import load_params
from pipelines.evaluation.arms import ARMS
from pipelines.evaluation.charts import draw_arms_chart, draw_loss_chart
from pipelines.evaluation.summary import summarise
from pipelines.gates import decide
from pipelines.gates.chart import draw_gates_chart
from pipelines.night.report import report_file, write_report
from pipelines.project import Project
from pipelines.records import read_json, write_atomic, write_json, write_jsonl

PARAMS = load_params(ROOT)
RETRIEVAL = {"questions": 1, "files": 1, "metrics": {"mrr": {"value": 0.0, "low": 0.0, "high": 0.8}}, "by_language": {}}
LOG = [{"step": step, "loss": 3 / step} for step in range(1, 9)]


def score(number):
    texts = {arm: "return 1\nreturn <b>" if arm == "adapter" else "pass" for arm in ARMS}
    return {
        "example_id": f"e{number}",
        "path": f"{number % 9}.py",
        "start_line": number,
        "end_line": number + 3,
        "task": "implement",
        "language": "python",
        "bytes": 50,
        "bits": {arm: (80.0 if arm.startswith("adapter") else 100.0) + number % 7 for arm in ARMS},
        "expected": "return 1\nreturn 2",
        "generated": texts,
        "metrics": {arm: {"exact_match": 0.0, "edit_similarity": 0.5} for arm in ARMS},
    }


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A project whose stages have run, its page written; with the verdict and the charts."""
    folder = tmp_path_factory.mktemp("night")
    project = Project("moon", folder, folder)
    scores = [score(number) for number in range(36)]
    evaluation = {
        "base_model": "b",
        "context_passages": 2,
        "with_passages": 3,
        "retrieval": RETRIEVAL,
        **summarise(scores, PARAMS.evaluation),
    }
    write_jsonl(project.path("evaluation", "scores.jsonl"), scores)
    found = {"path": "a.py", "start_line": 3, "question": "Which one is lost?", "ranks": []}
    write_jsonl(project.path("evaluation", "retrieval.jsonl"), [found])
    write_atomic(project.path("evaluation", "arms.png"), draw_arms_chart(evaluation))
    write_atomic(project.path("evaluation", "loss.png"), draw_loss_chart(LOG))
    recipes = {
        "implement": {"train": 70, "holdout": 36, "quarantined": 4},
        "explain": {"train": 7, "holdout": 0, "quarantined": 1},
    }
    write_json(project.path("dataset", "summary.json"), {"recipes": recipes, "contamination": {"rate": 0.03}})
    unmet = {"expectation": "Rows: at least 100", "observed": "77", "met": False}
    write_json(project.path("validation", "validation.json"), {"expectations": [unmet]})
    write_json(
        project.path("validation", "drift.json"),
        {"release": 4, "distances": {"languages": 0.125}, "expectations": [{**unmet, "met": True}]},
    )
    training = {"base_model": "b", "steps": 8, "examples": 77, "log": LOG}
    now = SimpleNamespace(night="n1", commit="c0ffee", evaluation=evaluation, training=training)
    much = PARAMS.gates[0].model_copy(update={"name": "much better", "margin": 0.9})
    verdict = decide(scores, None, [*PARAMS.gates, much], PARAMS.evaluation)
    charts = write_report(project, now, verdict, 7)
    released = report_file(project).read_text(), read_json(report_file(project).with_suffix(".json"))
    assert write_report(project, now, verdict) == charts
    return project, verdict, charts, released


def test_the_page_says_the_decision_each_gate_and_what_the_data_is(night):
    project, verdict, *_ = night
    page = report_file(project).read_text()
    assert "The adapter is not released: much better." in page
    assert "The index of this commit" not in page
    assert verdict.gates
    for gate in verdict.gates:
        assert gate.rule in page
    assert "0.py:" in page
    assert "Not among the first ten: a.py:3 “Which one is lost?”" in page
    assert "77 training examples, 36 held out, 5 in quarantine" in page
    assert "1 of 2 expectations is not met: Rows: at least 100 (found 77)" in page
    assert "Distance from the dataset of release 4: languages 0.125" in page


def test_the_page_of_a_refused_night_names_the_release_of_its_index(night):
    page, facts = night[3]
    assert "The index of this commit is release 7, without tonight's adapter." in page.replace("&#39;", "'")
    assert facts["index_release"] == 7


def test_the_page_loads_nothing_and_escapes_what_models_write(night):
    project, _, charts, _ = night
    page = report_file(project).read_text()
    assert page.count("data:image/png;base64,") == len(charts) == 3
    assert "http" not in page
    assert "<b>return" not in page
    assert "return &lt;b&gt;" in page


def test_a_text_is_shown_by_how_it_differs_from_the_repository(night):
    page = report_file(night[0]).read_text()
    assert '<span class="gone">- return 2</span>' in page
    assert '<span class="added">+ return &lt;b&gt;</span>' in page
    assert '<span class="">  return 1</span>' in page


def test_the_json_has_the_same_figures(night):
    project, verdict, *_ = night
    facts = read_json(report_file(project).with_suffix(".json"))
    assert facts["gates"] == verdict.rows()
    assert (facts["passed"], facts["failed"]) == (False, ["much better"])
    assert facts["evaluation"]["gains"]["adapter_vs_base"]["value"] == pytest.approx(verdict.gates[0].value)
    assert facts["training"]["log"] == LOG
    assert facts["data"]["drift"]["release"] == 4
    assert len(facts["examples"]) == 6


def test_the_gates_chart_is_the_same_bytes_again_also_of_nothing(night):
    rows = night[1].rows()
    assert draw_gates_chart(rows) == draw_gates_chart(rows) == report_file(night[0]).with_name("gates.png").read_bytes()
    assert draw_gates_chart([]).startswith(b"\x89PNG")
