"""The night's page, made when the gates have spoken: their verdict and what the stages have measured, in one file that
loads nothing; and the same figures as JSON. It extends the evaluation's own page, which `dvc repro` makes again."""

from pathlib import Path
from typing import Any

from pipelines.evaluation import report as evaluation_page
from pipelines.gates import Verdict, verdict_word
from pipelines.gates.chart import draw_gates_chart
from pipelines.night.candidate import CHARTS, Candidate
from pipelines.project import Project
from pipelines.records import Record, read_json, read_jsonl, write_atomic, write_json


def report_file(project: Project) -> Path:
    """Where the night's page is; `report.json` and `gates.png` lie beside it."""
    return project.path("report", "report.html")


def report_files_of(project: Project) -> list[Path]:
    """The page, its figures as JSON, and the gates' chart."""
    page = report_file(project)
    return [page, page.with_suffix(".json"), page.with_name("gates.png")]


def write_report(
    project: Project, now: Candidate, verdict: Verdict, index_release: int | None = None
) -> dict[str, bytes]:
    """Write the night's page, its JSON and the gates' chart; returns every chart by its name, as PNG.

    It is written when the gates have spoken, so that a release takes it along; and again once the index of a refused
    night has its release, which only then has a number.

    Args:
        index_release: the release of tonight's index without tonight's adapter.

    Raises:
        NocturneError: a stage has not run.
    """
    rows, records = verdict.rows(), list(read_jsonl(project.path("evaluation", "scores.jsonl")))
    charts = {Path(name).stem: project.path("evaluation", name).read_bytes() for name in CHARTS}
    charts["gates"] = draw_gates_chart(rows)
    facts = {
        "project": project.name,
        "night": now.night,
        "commit": now.commit,
        "passed": verdict.passed,
        "failed": [gate.name for gate in verdict.failed],
        "index_release": index_release,
        "gates": rows,
        "data": _data(project),
    }
    found = list(read_jsonl(project.path("evaluation", "retrieval.jsonl")))
    shown = evaluation_page.report_content(now.evaluation, records, found, charts)
    page = evaluation_page.render("night.html.jinja", [Path(__file__).parent], word=verdict_word, **facts, **shown)
    file = report_file(project)
    write_atomic(file.with_name("gates.png"), charts["gates"])
    training = {key: now.training[key] for key in ("base_model", "steps", "examples", "log")}
    own = {"evaluation": now.evaluation, "training": training, "examples": shown["examples"]}
    write_json(file.with_suffix(".json"), {**facts, **own})
    write_atomic(file, page.encode())
    return charts


def _data(project: Project) -> Record:
    """What the dataset consists of, whether it is as it should be, and how far from the one that is live."""
    summary = read_json(project.path("dataset", "summary.json"))
    checked = read_json(project.path("validation", "validation.json"))
    drift = read_json(project.path("validation", "drift.json"))
    recipes: dict[str, Any] = summary["recipes"]
    expected = [*checked["expectations"], *drift["expectations"]]
    return {
        **{side: sum(recipe[side] for recipe in recipes.values()) for side in ("train", "holdout", "quarantined")},
        "recipes": recipes,
        "contamination": summary["contamination"]["rate"],
        "expectations": len(expected),
        "unmet": [f"{one['expectation']} (found {one['observed']})" for one in expected if not one["met"]],
        "drift": {"release": drift["release"], "distances": drift["distances"]},
    }
