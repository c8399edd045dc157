"""`nightly`, `status`, `up`: starting nights, and seeing how they stand."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.context import Json, ProjectArgument, ProjectName, choose_name, open_project, print_json
from pipelines.cli.indexes import describe_index
from pipelines.cli.schedule_view import describe_schedule
from pipelines.config.workspaces import find_workspace
from pipelines.errors import GatesFailed, NocturneError
from pipelines.project import Project, current_folder
from pipelines.wording import format_count

if TYPE_CHECKING:
    from pipelines.night.context import NightContext


def _repair_live_index(night: "NightContext") -> None:
    """Build the live index again where it is damaged: a night with nothing to do runs no flow that would."""
    from pipelines.release import index_versions

    try:
        index_versions.repair_live(night.releases, night.params)
    except NocturneError as error:
        typer.echo(f"{error.fact}\n→ {error.next_step}", err=True)


def nightly(
    name: ProjectArgument = None,
    force: Annotated[
        bool, typer.Option("--force", help="Run every stage again, and train even if nothing changed.")
    ] = False,
    named: ProjectName = None,
    json: Json = False,
) -> None:
    """Learn a project: run one night now.

    It builds what changed, measures the result, and releases it if it is better. Exit codes: 0 done, 1 failed, 2 wrong
    use, 3 the adapter failed its gates, 130 interrupted.
    """
    from pipelines.cli.interrupt import end_within_seconds
    from pipelines.night import last_night
    from pipelines.night import outcome as nights
    from pipelines.night.context import NightContext
    from pipelines.night.lock import exclusive_lock

    project, params = open_project(choose_name(name, named))
    typer.echo(f"Reading {project.source}", err=True)
    with end_within_seconds(), exclusive_lock(project), last_night.record_night(project, "hand"):
        night = NightContext.begin(project, params)
        outcome = None if force else nights.find_unchanged(night)
        if outcome is None:
            outcome = _learn(project, force)
        else:
            _repair_live_index(night)
            nights.write_outcome(project, outcome)
    if json:
        print_json(outcome.facts())
    else:
        from pipelines.cli import progress_view

        progress_view.summarise(outcome)
        typer.echo(_verdict(outcome, params.default_project(current_folder(), project.workspace)))
    if outcome.passed is False:
        raise typer.Exit(GatesFailed.exit_code)


def _learn(project: Project, force: bool) -> Any:
    """Run the flow while its stages are drawn; returns the outcome."""
    from pipelines.cli import progress_view
    from pipelines.dag import dvc, journal

    log = project.night / journal.LOG
    typer.echo(f"Learning {project.name}; details go to {log}", err=True)
    with (
        journal.redirect_output(log) as terminal,
        open(terminal, "w", closefd=False) as output,
        progress_view.follow(project, dvc.stage_order(project), output),
    ):
        return _flow(project, force)


def _flow(project: Project, force: bool) -> Any:
    """Run the flow, and read how it ended; its servers and tasks print to the log, also when they end with us."""
    import logging

    from flows.running import use_prefect
    from pipelines.night import outcome as nights

    use_prefect(project.workspace)
    from flows.nightly import nightly as flow

    try:
        with suppress(GatesFailed):  # what failed is in the outcome
            flow(project.name, force)
    finally:
        logging.getLogger("prefect").setLevel(logging.CRITICAL)
    return nights.read_last_outcome(project)


def _verdict(outcome: Any, default: str | None) -> str:
    """How a night ended, and the next step; `default` is the project that commands mean unnamed."""
    named = "" if outcome.project == default else f"--project {outcome.project} "
    live = f"release {outcome.release} is live" if outcome.release else "nothing is live yet"
    refused = [gate for gate in outcome.gates if not gate["passed"] and gate["severity"] == "block"]
    failed = "; ".join(f"{gate['name']}: {gate['reason']}" for gate in refused)
    review = f"Release {{0}} waits for review: nocturne promote {named}{{0}}".format
    if outcome.state == "released":
        return f'Release {outcome.release} is live. Ask about the code: nocturne ask {named}"QUESTION"'
    if outcome.state == "waiting":
        return review(outcome.release)
    index = (
        f" Release {outcome.index_release} is the new index with the adapter that was live."
        if outcome.index_release
        else ""
    )
    if outcome.state == "rejected":
        return f"Not released: {failed}; {live}.{index} The candidate is kept in MLflow; its report: {outcome.report}"
    if outcome.state == "skipped":
        return f"Skipped: {outcome.reason}; {live}.{index} `nocturne nightly --force` trains all the same."
    last = f" The last candidate failed its gates: {failed}." if failed else ""
    waiting = f" {review(outcome.waiting)}" if outcome.waiting else ""
    return f"Unchanged since the last night: {live}.{last}{waiting}"


def status(name: ProjectArgument = None, project: ProjectName = None, json: Json = False) -> None:
    """Show what is live and how nights went.

    Also how far a running night is, when the next one begins, and how far the index is behind the source.
    """
    from pipelines.dag import journal
    from pipelines.night import last_night
    from pipelines.night import outcome as nights
    from pipelines.night.night_words import describe_night
    from pipelines.registry.releases import CHALLENGER, CHAMPION, Releases
    from pipelines.release import index_versions
    from pipelines.watch.watch import read_state

    place, params = open_project(choose_name(name, project))
    releases = Releases(place)
    releases.notice()
    live, waiting = releases.at(CHAMPION), releases.at(CHALLENGER)
    last, night = nights.read_last_outcome(place), last_night.read_last_night(place)
    at_work = night is not None and night.state == last_night.RUNNING
    running = journal.running_step(place, night.began) if night is not None and at_work else None
    index = live and {
        **index_versions.describe_live(place, params, live),
        "behind": index_versions.count_lag(place, live),
    }
    step = {"stage": running.stage, **(running.step or {})} if running else None
    serves, planned = describe_schedule(place)
    facts = {
        "project": place.name,
        "source": str(place.source),
        "champion": live.facts() if live else None,
        "challenger": waiting.facts() if waiting else None,
        "last_night": last.facts() if last else None,
        "night": night.facts() if night else None,
        "running": step,
        "watching": (seen := read_state(place)),
        "index": index,
        "schedule": params.schedule.cron,
        "planned": {"well": serves, "words": planned},
    }
    if json:
        print_json(facts)
        return
    typer.echo(f"project    {place.name}  ({place.source})")
    typer.echo(f"live       {_release(live)}")
    typer.echo(f"waiting    {_release(waiting)}")
    if index:
        typer.echo(f"index      {describe_index(index)}")
    typer.echo(f"last night {describe_night(night, last)}")
    typer.echo(f"running    {_step(step) if step or not at_work else 'between two stages'}")
    typer.echo(f"schedule   {planned}")
    typer.echo(f"watching   {_watch(seen)}")


def _release(release: Any) -> str:
    if release is None:
        return "none"
    manifest = release.manifest
    return f"release {release.version}, commit {manifest.commit[:7]}, index {manifest.index_version}, {release.created}"


def _watch(seen: dict[str, Any] | None) -> str:
    if seen is None:
        return "no"
    files, passages = format_count(seen["files"], "file"), format_count(seen["passages"], "passage")
    return f"{files}, {passages} on top of release {seen['release']}"


def _step(running: dict[str, Any] | None) -> str:
    if running is None:
        return "no"
    return f"{running['stage']} {running.get('done', 0)}/{running.get('total', '?')} {running.get('unit', '')}"


def up(
    prefect_port: Annotated[
        int, typer.Option(min=1, max=65535, metavar="PORT", help="Port of the Prefect server, on 127.0.0.1.")
    ] = 4200,
    mlflow_port: Annotated[
        int, typer.Option(min=1, max=65535, metavar="PORT", help="Port of MLflow's page, on 127.0.0.1.")
    ] = 5000,
) -> None:
    """Run Prefect, MLflow and the schedule.

    Nights begin as the section schedule of params.yaml says, and a change of it counts at once. Ctrl-C ends all three.
    """
    from flows.up import up as start
    from pipelines.cli.setup import enter

    project, params = open_project(None)
    enter(project.workspace)
    start(project.workspace, params, prefect_port, mlflow_port)


def crash_log() -> Path:
    """Where an unexpected error's traceback goes."""
    try:
        folder = find_workspace() / "data"
        folder.mkdir(exist_ok=True)
    except (NocturneError, OSError):
        folder = Path(tempfile.gettempdir())
    return folder / f"nocturne-{os.getuid() if hasattr(os, 'getuid') else 0}.log"
