"""Every figure of every page stands where its row and column say: in each page all figures differ, and each cell is
held against the JSON by its names. The JSON has its keys in another order than the pages have columns."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any

import page_tables
import pytest
from conftest import ROOT
from page_tables import the

from pipelines.cli.release_views import _gates as shown_gates
from pipelines.cli.release_views import format_line
from pipelines.config.load import load_params
from pipelines.encoder.known_item_queries import METRICS
from pipelines.evaluation.arms import ARMS
from pipelines.evaluation.charts import draw_arms_chart, draw_loss_chart
from pipelines.evaluation.metric_specs import MEASURES
from pipelines.evaluation.report import build_report
from pipelines.evaluation.summary import EXAMINED, GAINS
from pipelines.night.model_card import write_model_card as release_card
from pipelines.night.report import report_file, write_report
from pipelines.project import Project
from pipelines.records import read_json, write_atomic, write_json, write_jsonl
from pipelines.registry.manifest import Manifest
from pipelines.registry.release import Release

PARAMS = load_params(ROOT)
LANGUAGES = ("python", "go")
LOG = [{"step": step, "loss": 3 / step} for step in range(1, 9)]


def some_figures(numbers: Iterator[int]) -> Any:
    """Makes figures with intervals of which no two have a number in common."""
    return lambda: {"value": next(numbers) / 1000, "low": next(numbers) / 1000, "high": next(numbers) / 1000}


def some_evaluation() -> dict[str, Any]:
    """An evaluation with every part that the page has."""
    numbers = count(1)
    figure = some_figures(numbers)

    def compared() -> dict[str, Any]:
        return {
            "examples": next(numbers),
            "files": next(numbers),
            "arms": {arm: {metric: figure() for metric in EXAMINED} for arm in ARMS},
            "gains": {f"{one}_vs_{other}": figure() for one, other in GAINS},
        }

    def retrieved() -> dict[str, Any]:
        return {"questions": next(numbers), "files": 3, "metrics": {name: figure() for name in METRICS}}

    def general() -> dict[str, Any]:
        arms = {arm: figure() for arm in ("base", "adapter")}
        return {"examples": next(numbers), "files": 3, "bits_per_byte": arms, "forgetting": figure()}

    def strings() -> dict[str, Any]:
        sides = ("extracted", "guessed")
        return {side: {"strings": next(numbers), "base": figure(), "adapter": figure()} for side in sides}

    def cases() -> dict[str, Any]:
        return {"cases": next(numbers), "arms": {arm: figure() for arm in ARMS}}

    return {
        **compared(),
        **{"base_model": "b", "bytes": 9, "generated": 2, "confidence": 0.95, "note": ""},
        **{"context_passages": 2, "with_passages": 3},
        "by_task": {task: compared() for task in ("implement", "explain")},
        "by_language": {language: compared() for language in LANGUAGES},
        "retrieval": {**retrieved(), "by_language": {language: retrieved() for language in LANGUAGES}},
        "suites": {**cases(), "by_suite": {name: cases() for name in ("house.json", "other.json")}},
        "forgetting": {**general(), "by_language": {language: general() for language in LANGUAGES}},
        "memorisation": {**strings(), "by_language": {language: strings() for language in LANGUAGES}},
        "scale": {"examples": 24, "files": 3, "best": "1", "gains": {scale: figure() for scale in ("1", "0.5")}},
    }


@pytest.fixture(scope="module", params=["evaluation", "night"])
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def page(kind, tmp_path_factory) -> tuple[dict, dict]:
    """The tables of a page, and the JSON that it was made of, as it is read from its file."""
    folder = tmp_path_factory.mktemp("pages")
    project = Project("moon", folder, folder)
    write_json(project.path("evaluation", "evaluation.json"), some_evaluation())
    evaluation = read_json(project.path("evaluation", "evaluation.json"))
    if kind == "evaluation":
        return page_tables.of_html(build_report("moon", evaluation, [], [], {"arms": b"", "loss": b""})), evaluation
    return page_tables.of_html(_night(project, evaluation)), evaluation


RECIPES = {
    name: {"train": 7001 + n, "holdout": 7101 + n, "quarantined": 7201 + n}
    for n, name in enumerate(["tests", "commit_edits"])
}


def _night(project: Project, evaluation: dict) -> str:
    for name in ("scores", "retrieval"):
        write_jsonl(project.path("evaluation", f"{name}.jsonl"), [])
    write_atomic(project.path("evaluation", "arms.png"), draw_arms_chart(evaluation))
    write_atomic(project.path("evaluation", "loss.png"), draw_loss_chart(LOG))
    write_json(project.path("dataset", "summary.json"), {"recipes": RECIPES, "contamination": {"rate": 0.03}})
    write_json(project.path("validation", "validation.json"), {"expectations": []})
    write_json(project.path("validation", "drift.json"), {"release": None, "distances": {}, "expectations": []})
    training = {"base_model": "b", "steps": 8, "examples": 77, "log": LOG}
    now = SimpleNamespace(night="n1", commit="c0ffee", evaluation=evaluation, training=training)
    rows = [{**gate, "moved": []} for gate in GATES]
    verdict = SimpleNamespace(rows=lambda: rows, passed=False, failed=[])
    write_report(project, now, verdict)
    return report_file(project).read_text()


JUDGED = {
    "REFUSED": (False, "block", "no gain"),
    "passed": (True, "block", "a gain"),
    "warned": (False, "warn", "a loss"),
    "skipped": (True, "block", "skipped: there is no champion yet"),
}
GATES = [
    {
        **{"name": f"gate {n}", "reason": reason, "rule": f"rule {n}", "passed": passed, "severity": severity},
        **{"value": 0.1, "low": 0.05, "high": 0.15, "metric": "bits_per_byte", "against": "base", "margin": 0.01},
    }
    for n, (passed, severity, reason) in enumerate(JUDGED.values())
]


def shown(figure: dict, scale: float, form: str) -> str:
    value, low, high = (form.format(figure[key] * scale) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def percent(figure: dict) -> str:
    return shown(figure, 100, "{:.1f}")


def gain(figure: dict) -> str:
    value, low, high = (f"{figure[key] * 100:+.1f}" for key in ("value", "low", "high"))
    return f"{value} {low} to {high}"


def test_each_arm_has_its_own_figures(page):
    tables, evaluation = page
    table = the(tables, "Arm")
    assert set(table) == set(ARMS)
    for arm, row in table.items():
        for name in EXAMINED:
            measure = MEASURES[name]
            wanted = shown(evaluation["arms"][arm][name], measure.scale, measure.form)
            assert row[f"{measure.title} {measure.unit}"] == wanted


def test_a_column_is_there_only_where_an_arm_has_a_figure(tmp_path):
    evaluation = some_evaluation()
    for figures_of in evaluation["arms"].values():
        figures_of["chrf"] = {"value": None, "low": None, "high": None}
    evaluation["arms"]["base"]["exact_match"] = {"value": None, "low": None, "high": None}
    page = build_report("moon", evaluation, [], [], {"arms": b"", "loss": b""})
    row = the(page_tables.of_html(page), "Arm")["base"]
    titles = {MEASURES[name].title: f"{MEASURES[name].title} {MEASURES[name].unit}" for name in MEASURES}
    assert titles["chrF"] not in row
    assert row[titles["Exact match"]] == "–"
    assert not {titles[title] for title in ("Recall@1", "Recall@5", "Recall@10", "MRR", "NDCG@10")} & row.keys()


def test_columns_of_retrieval_stand_in_one_order(page):
    tables, _ = page
    [names] = [names.split("|") for names in tables if "Questions" in names.split("|")]
    assert names[2:] == ["recall@1", "recall@5", "recall@10", "mrr", "ndcg@10"]


def test_each_gain_is_of_the_arms_that_its_column_names(page):
    tables, evaluation = page
    table = the(tables, "% fewer bits per byte")
    groups = {"all": evaluation}
    groups |= {f"task {name}": group for name, group in evaluation["by_task"].items()}
    groups |= {f"language {name}": group for name, group in evaluation["by_language"].items()}
    assert set(table) == set(groups)
    for name, group in groups.items():
        wanted = {f"{one} over {other}": gain(group["gains"][f"{one}_vs_{other}"]) for one, other in GAINS}
        assert table[name] == {"Examples": str(group["examples"]), "Files": str(group["files"]), **wanted}


def with_languages(part: dict) -> dict[str, dict]:
    return {"all": part, **part["by_language"]}


def test_each_measure_of_retrieval_is_in_its_column(page):
    tables, evaluation = page
    table, groups = the(tables, "Questions"), with_languages(evaluation["retrieval"])
    assert set(table) == set(groups)
    for name, group in groups.items():
        wanted = {metric: percent(figure) for metric, figure in group["metrics"].items()}
        assert table[name] == {"Questions": str(group["questions"]), **wanted}


def test_base_and_adapter_are_not_swapped_in_code_in_general(page):
    tables, evaluation = page
    table, groups = the(tables, "Excerpts"), with_languages(evaluation["forgetting"])
    assert set(table) == set(groups)
    for name, group in groups.items():
        bits = group["bits_per_byte"]
        assert table[name] == {
            "Excerpts": str(group["examples"]),
            "base bits per byte": shown(bits["base"], 1, "{:.3f}"),
            "adapter bits per byte": shown(bits["adapter"], 1, "{:.3f}"),
            "Forgetting % more bits": shown(group["forgetting"], 100, "{:+.1f}"),
        }


def test_what_was_memorised_and_what_was_guessed_are_of_base_and_adapter(page):
    tables, evaluation = page
    table, groups = the(tables, "Strings of training files"), with_languages(evaluation["memorisation"])
    assert set(table) == set(groups)
    for name, group in groups.items():
        extracted, guessed = group["extracted"], group["guessed"]
        assert table[name] == {
            "Strings of training files": str(extracted["strings"]),
            "base 1": percent(extracted["base"]),
            "adapter 1": percent(extracted["adapter"]),
            "Strings of held-out files": str(guessed["strings"]),
            "base 2": percent(guessed["base"]),
            "adapter 2": percent(guessed["adapter"]),
        }


def test_each_arm_of_the_suites_is_in_its_column(page):
    tables, evaluation = page
    table = the(tables, "Cases")
    groups = {"all": evaluation["suites"], **evaluation["suites"]["by_suite"]}
    assert set(table) == set(groups)
    for name, group in groups.items():
        arms = {arm: percent(group["arms"][arm]) for arm in ARMS}
        assert table[name] == {"Cases": str(group["cases"]), **arms}


def test_each_scale_has_its_own_gain(page):
    tables, evaluation = page
    gains = {scale: shown(figure, 100, "{:+.1f}") for scale, figure in evaluation["scale"]["gains"].items()}
    [(first, row)] = the(tables, *gains).items()
    assert [first, *row.values()] == list(gains.values())


def test_the_nights_own_tables(page, kind):
    tables, _ = page
    if kind == "evaluation":
        assert not any("Gate" in names for names in tables)
        return
    assert set(the(tables, "Recipe")) == set(RECIPES)
    for name, row in the(tables, "Recipe").items():
        assert row == {
            "Training": str(RECIPES[name]["train"]),
            "Held out": str(RECIPES[name]["holdout"]),
            "Quarantine": str(RECIPES[name]["quarantined"]),
        }
    gates = the(tables, "Gate")
    assert len(gates) == len(GATES)
    for gate, verdict in zip(GATES, JUDGED, strict=True):
        row = gates[f"{gate['name']} {verdict}"]
        assert (row["What came of it"], row["Rule"]) == (gate["reason"], gate["rule"])


MANIFEST = Manifest(
    **{"night": "n", "training": "t", "commit": "c" * 40, "base_model": "b", "base_identity": "i"},
    **{"chat_template_sha256": "h", "dataset_sha256": "d", "dataset_dvc": "e.dir", "index_version": "i1"},
    **{"encoder": "m", "dimension": 8, "gates": GATES},
)


def test_the_card_of_a_release_has_each_figure_under_its_name():
    evaluation = some_evaluation()
    tables = page_tables.of_markdown(release_card("moon", MANIFEST, evaluation, {"train": 7, "holdout": 3}))
    arms = the(tables, "arm")
    assert set(arms) == set(ARMS)
    for arm, figures_of in evaluation["arms"].items():
        assert arms[arm] == {name: shown(figure, 1, "{:.3f}") for name, figure in figures_of.items()}
    for gate, verdict in zip(GATES, JUDGED, strict=True):
        row = the(tables, "gate")[gate["name"]]
        assert row == {"verdict": verdict, "reason": gate["reason"], "rule": gate["rule"]}


def test_a_release_is_shown_with_the_verdict_of_each_gate(capsys):
    shown_gates(GATES)
    printed = capsys.readouterr().out
    for gate, verdict in zip(GATES, JUDGED, strict=True):
        assert any({gate["name"], verdict} <= set(words_of(line)) for line in printed.splitlines()), verdict


def words_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("│")]


def test_the_gain_of_a_release_is_that_of_its_bits_whatever_its_first_gate_judges():
    other = {**GATES[0], "metric": "syntax_validity", "value": 0.9}
    made = Release("moon", 3, "today", SimpleNamespace(), replace(MANIFEST, gates=[other, *GATES]), ())
    assert "gain +10.0%" in format_line(made)
    assert "gain" not in format_line(replace(made, manifest=replace(MANIFEST, gates=[other])))
