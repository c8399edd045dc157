"""What Prefect's UI shows of a night: each stage's facts, the gates as a table, and a summary with links."""

import base64
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from prefect import get_run_logger
from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact

from flows.running import mlflow_address
from pipelines.dag.journal import Entry
from pipelines.evaluation.metric_specs import MEASURES
from pipelines.gates import Verdict, top_moves, verdict_word
from pipelines.night.outcome import Outcome
from pipelines.project import Project
from pipelines.registry import tracking

P = ParamSpec("P")


def _publish_view(show: Callable[P, None]) -> Callable[P, None]:
    """A view never decides how a night ends: when Prefect does not take it, the log says so."""

    @wraps(show)
    def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            show(*args, **kwargs)
        except Exception as error:
            get_run_logger().warning("Prefect did not take the artifact of %s: %s", show.__name__, error)

    return shown


@_publish_view
def facts(project: Project, stage: str, entry: Entry | None) -> None:
    """A table of one stage's facts; a stage that had nothing to do says so."""
    rows = [{"fact": key, "value": value} for key, value in entry.facts.items()] if entry else []
    seconds = f"{entry.seconds:.1f} s" if entry else "nothing to do"
    create_table_artifact(rows or [{"fact": "unchanged", "value": "yes"}], _key(project, stage), f"{stage}: {seconds}")


@_publish_view
def gates(verdict: Verdict, project: Project) -> None:
    """The gates, a row each: the verdict first, then gain, interval and what was needed, then all that is known."""
    rows = [gate_row(row) for row in verdict.rows()]
    create_table_artifact(rows, _key(project, "gates"), "Passed" if verdict.passed else "REFUSED")


def gate_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the gates' table. Gain and interval are per cent; of a gate against a number in the metric's own unit,
    where that is not a share."""
    first = {
        "verdict": verdict_word(row),
        "gate": row["name"],
        "gain": _figure(row, "value"),
        "interval": f"{_figure(row, 'low')} to {_figure(row, 'high')}" if row["low"] is not None else "",
        "needed": row["rule"],
    }
    rest = {key: value for key, value in row.items() if key not in ("name", "value", "low", "high", "rule", "passed")}
    return {**first, **rest, "moved": "; ".join(top_moves(row))}


def _figure(row: dict[str, Any], key: str) -> str:
    if row[key] is None:
        return ""
    if isinstance(row["against"], str):
        return f"{row[key]:+.2%}"
    return f"{row[key]:.2%}" if MEASURES[row["metric"]].scale == 100 else f"{row[key]:.3f}"


@_publish_view
def charts(pictures: dict[str, bytes], project: Project) -> None:
    """The report's charts, inside the artifacts: they show without MLflow and without a network."""
    for name, png in pictures.items():
        image = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        create_image_artifact(image, _key(project, f"{name}-chart"), f"{name} of {project.name}")


@_publish_view
def summary(outcome: Outcome, project: Project) -> None:
    """The outcome in one page, with links to the report and to MLflow's records."""
    stages = [
        f"| {s['stage']} | {s.get('seconds', 0):.1f} | {_write_words(s.get('facts', {}))} |" for s in outcome.stages
    ]
    lines = [
        f"# {project.name}: {outcome.state}",
        f"Release: {outcome.release or 'none'}",
        *([f"Skipped: {outcome.reason}"] if outcome.reason else []),
        *([f"Release {outcome.index_release}: this commit's index, former adapter"] if outcome.index_release else []),
        "",
        *(["| stage | seconds | facts |", "| --- | ---: | --- |", *stages, ""] if stages else []),
        *(["| verdict | gate | what came of it | rule |", "| --- | --- | --- | --- |"] if outcome.gates else []),
        *(f"| {verdict_word(g)} | {g['name']} | {g['reason']} | {g['rule']} |" for g in outcome.gates),
        "",
        f"- Report: `{outcome.report}`" if outcome.report else "",
        f"- {_metrics_of(outcome, project)}" if outcome.run else "",
    ]
    create_markdown_artifact("\n".join(lines), _key(project, "summary"), f"{project.name}: {outcome.state}")


def _metrics_of(outcome: Outcome, project: Project) -> str:
    """A link into MLflow's UI when one runs, which has the report, the charts and the adapter."""
    where = mlflow_address(project.workspace)
    if where is None:
        return f"MLflow run: `{outcome.run}`; `nocturne up` shows it"
    experiment = tracking.experiment_of(tracking.open_client(project.workspace), project)
    return f"[The candidate in MLflow]({where}/#/experiments/{experiment}/runs/{outcome.run})"


def _write_words(values: dict[str, int | float | str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items()) or "nothing to do"


def _key(project: Project, what: str) -> str:
    return f"{project.name}-{what}".replace("_", "-")
