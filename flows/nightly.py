"""The nightly flow: the DAG as DVC has it, then the decisions: gates, index, release."""

from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import shown
from pipelines import dag, environment, journal
from pipelines.errors import GatesFailed, NocturneError
from pipelines.gates.verdict import Verdict, decide
from pipelines.index import publish
from pipelines.params import Params, load_params
from pipelines.project import Project, workspace
from pipelines.registry.releases import CHAMPION, Releases
from pipelines.release import baseline, champion
from pipelines.release import night as nights
from pipelines.release.candidate import Candidate, candidate
from pipelines.release.night import Outcome, State


@flow(name="nightly", flow_run_name="{name}", persist_result=False, log_prints=False)
def nightly(name: str, force: bool = False) -> dict[str, Any]:
    """Learn one project: run what is out of date, judge the result, release it or say why not.

    Args:
        name: a project of params.yaml.
        force: run every stage again, and decide again.

    Returns:
        The outcome's facts.

    Raises:
        GatesFailed: the candidate did not pass; what was live stays live, and the candidate is kept in MLflow.
        NocturneError: a stage failed, another night is running, or the source cannot be read.
    """
    place = workspace()
    environment.prepare(place)
    params = load_params(place)
    project = params.project(name, place)
    with nights.alone(project):
        outcome = None if force else nights.unchanged(project, params)
        outcome = nights.remember(project, outcome or _learn(project, params, force))
    shown.summary(outcome, project)
    if not outcome.passed:
        raise _rejection(outcome)
    return outcome.facts()


def _learn(project: Project, params: Params, force: bool) -> Outcome:
    if dag.stale(project) and baseline.renew(project):
        dag.reproduce(project, "snapshot")
    ran = []
    for stage in dag.order(project):
        if stage == "snapshot" and not force:
            entry = journal.read(project, stage)  # it has just run, to see whether anything changed
        else:
            entry = build.with_options(name=stage)(project, stage, force)
        ran.append({"stage": stage, "seconds": entry.seconds, "facts": entry.facts} if entry else {"stage": stage})
    outcome = None if force else nights.settled(project, params)
    if outcome is None:
        now = candidate(project, params)
        outcome = release(project, params, now, judge(project, params, now))
    return Outcome(**{**outcome.facts(), "stages": ran})


@task(cache_policy=NO_CACHE, persist_result=False)
def build(project: Project, stage: str, force: bool) -> journal.Entry | None:
    """Run one DVC stage, and show its facts."""
    entry = dag.reproduce(project, stage, force)
    shown.facts(project, stage, entry)
    return entry


@task(name="gates", cache_policy=NO_CACHE, persist_result=False)
def judge(project: Project, params: Params, now: Candidate) -> Verdict:
    """Hold the candidate against the base model and against the champion, on held-out examples."""
    with journal.kept(project, "gates") as entry:
        rival = champion.measured(project, params, now)
        verdict = decide(now.evaluation, rival.scores, rival.bits, params.gates, params.evaluation, rival.skipped)
        entry.facts = {"passed": len(verdict.gates) - len(verdict.failed), "failed": len(verdict.failed)}
    shown.gates(verdict, project)
    return verdict


@task(name="release", cache_policy=NO_CACHE, persist_result=False)
def release(project: Project, params: Params, now: Candidate, verdict: Verdict) -> Outcome:
    """Record the candidate; when it passed, publish its index, register it, and with `auto` move `champion`."""
    releases = Releases(project)
    rows = verdict.rows()
    manifest = now.manifest(rows)
    with journal.kept(project, "release") as entry:
        report = str(project.path("evaluation", "report.html"))
        if verdict.passed:
            publish(project, params)
        run = releases.record(manifest, now.adapter, now.training_file, now.reports, now.metrics(), verdict.passed)
        if not verdict.passed:
            entry.facts = {"release": "none", "candidate": run}
            live = releases.at(CHAMPION)
            number = live.version if live else None
            return Outcome(project.name, "rejected", False, number, gates=rows, report=report, run=run)
        auto = params.release.promotion == "auto"
        made = releases.register(manifest, run, promote=auto, by="nightly")
        entry.facts = {"release": made.version, "index": now.index_version}
    state: State = "released" if auto else "waiting"
    return Outcome(project.name, state, True, made.version, gates=rows, report=report, run=run)


def _rejection(outcome: Outcome) -> NocturneError:
    failed = [gate for gate in outcome.gates if not gate["passed"]]
    reasons = "; ".join(f"{gate['name']}: {gate['reason']}" for gate in failed)
    live = f"Release {outcome.release} stays live" if outcome.release else "Nothing is live yet"
    return GatesFailed(
        f"The candidate failed its gates: {reasons}.",
        f"{live}. Read {outcome.report}; after a change of `gates` in params.yaml the next night only judges again.",
    )
