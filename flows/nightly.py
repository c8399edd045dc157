"""The nightly flow: the DAG as DVC has it, then the decisions: gates, index, release."""

from dataclasses import replace
from typing import Any

from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed, State

from flows import shown
from pipelines import environment
from pipelines.config.load import load_params
from pipelines.config.workspaces import find_workspace
from pipelines.dag import dvc, journal
from pipelines.errors import GatesFailed, NocturneError
from pipelines.gates import Verdict, decide
from pipelines.night import champion_eval, drift_baseline, last_night, novelty, warm_start
from pipelines.night import outcome as nights
from pipelines.night import report as page
from pipelines.night.candidate import SCORES, Candidate, read_candidate
from pipelines.night.context import NightContext
from pipelines.night.lock import exclusive_lock
from pipelines.night.outcome import Outcome, with_index
from pipelines.project import Project
from pipelines.records import read_jsonl
from pipelines.registry.release import Release
from pipelines.release import index_versions, retention
from pipelines.release.index_release import retrieval_of, retrieval_records
from pipelines.release.publish import publish_candidate, release_index_of_refused

REFUSED = "Refused"  # a state of its own in Prefect: judged, and found wanting; what breaks is Failed or Crashed
SKIPPED = "Skipped"


@flow(name="nightly", flow_run_name="{name}", persist_result=False, log_prints=False)
def nightly(name: str, force: bool = False) -> dict[str, Any] | State:
    """Learn one project: run what is out of date, judge the result, release it or say why not.

    Args:
        name: a project of params.yaml.
        force: run every stage again, and decide again.

    Returns:
        The outcome's facts.

    Raises:
        GatesFailed: the candidate did not pass; what was live stays live, and the candidate is kept in MLflow. Prefect
            shows the run as `Refused`.
        NocturneError: a stage failed, another night is running, or the source cannot be read. A run of the schedule
            waits for the other night.
    """
    place = find_workspace()
    environment.prepare(place)
    params = load_params(place)
    project = params.project(name, place)
    scheduled = runtime.deployment.id is not None
    with exclusive_lock(project, get_run_logger().info if scheduled else None):
        if scheduled and _has_begun_since(project, runtime.flow_run.scheduled_start_time.timestamp()):
            return Completed(name=SKIPPED, message="A night of this project has begun since this one was due.")
        with last_night.record_night(project, "schedule" if scheduled else "hand"):
            night = NightContext.begin(project, params)
            outcome = None if force else nights.find_unchanged(night)
            if outcome is None:
                outcome = nights.write_outcome(project, _learn(night, force))
                clear(night)
            else:
                nights.write_outcome(project, outcome)
            repair_live(night)
    shown.summary(outcome, project)
    if outcome.passed is False:
        refusal = _gates_failed(outcome)
        return Failed(name=REFUSED, message=refusal.fact, data=refusal)
    if outcome.state == "skipped":
        return Completed(name=SKIPPED, message=outcome.reason, data=outcome.facts())
    return outcome.facts()


def _has_begun_since(project: Project, due: float) -> bool:
    """Whether a night began after this one was due, and came to an end by itself: many that waited are then one."""
    night = last_night.read_last_night(project)
    return night is not None and night.began > due and night.state not in (last_night.CRASHED, last_night.INTERRUPTED)


def _learn(night: NightContext, force: bool) -> Outcome:
    project, live = night.project, night.live
    if dvc.find_stale(project) and any(
        [drift_baseline.write_drift_baseline(project, live), warm_start.write_warm_start(project, night.params, live)]
    ):
        dvc.reproduce(project, "snapshot")
    ran: list[dict[str, Any]] = []
    try:
        skipped = _build(night, force, ran)
        outcome = _decide(night, force) if skipped is None else with_index(skipped, release_index(night))
    except NocturneError as error:
        made = _release_index_after_failure(night) if any(s["stage"] == "embedding" for s in ran) else None
        if made is None:
            raise
        index = f"Search has this commit all the same: its index is release {made.version}."
        raise type(error)(error.fact, f"{error.next_step} {index}") from None
    return replace(outcome, stages=ran)


def _build(night: NightContext, force: bool, ran: list[dict[str, Any]]) -> Outcome | None:
    """Run what is out of date, and list it in `ran`. Returns the outcome when too little is new to be learned."""
    project = night.project
    for stage in dvc.stage_order(project):
        if stage == "training" and not force:
            skipped = novelty.find_too_little_new(project, night.params, night.live)
            if skipped is not None:
                return skipped
        if stage == "snapshot" and not force:
            entry = journal.read(project, stage)  # it has just run, to see whether anything changed
        else:
            entry = build.with_options(name=stage)(project, stage, force)
        ran.append({"stage": stage, "seconds": entry.seconds, "facts": entry.facts} if entry else {"stage": stage})
    return None


def _decide(night: NightContext, force: bool) -> Outcome:
    outcome = None if force else nights.find_settled(night)
    if outcome is not None:
        return outcome
    now = read_candidate(night.project, night.params)
    judged = judge(night, now, return_state=True)
    verdict = judged.result(raise_on_failure=judged.name != REFUSED)
    outcome = release(night, now, verdict)
    return outcome if outcome.passed else with_index(outcome, release_index(night, now, verdict))


def _release_index_after_failure(night: NightContext) -> Release | None:
    """The night has failed after what is searched was embedded; that is released, and the failure is told."""
    try:
        return release_index(night)
    except NocturneError as error:
        get_run_logger().warning("%s %s", error.fact, error.next_step)
        return None


@task(cache_policy=NO_CACHE, persist_result=False)
def build(project: Project, stage: str, force: bool) -> journal.Entry | None:
    """Run one DVC stage, and show its facts."""
    entry = dvc.reproduce(project, stage, force)
    shown.facts(project, stage, entry)
    return entry


@task(name="gates", cache_policy=NO_CACHE, persist_result=False)
def judge(night: NightContext, now: Candidate) -> Verdict | State:
    """Hold the candidate against the base model and against the champion, and make the night's page of it all.

    Returns:
        The verdict; inside a state `Refused` when a gate that blocks did not pass, so that the task is not green.
    """
    project, params = night.project, night.params
    with journal.record(project, "gates") as entry:
        rival = champion_eval.score_champion(project, params, night.live, now)
        scores = [row for name in SCORES for row in read_jsonl(project.path("evaluation", name))]
        found = retrieval_of(night.live, retrieval_records(project))
        verdict = decide(scores, rival.records, params.gates, params.evaluation, rival.skipped, found)
        entry.facts = verdict.counts()
        charts = page.write_report(project, now, verdict)
    shown.gates(verdict, project)
    shown.charts(charts, project)
    if verdict.passed:
        return verdict
    return Failed(name=REFUSED, message="; ".join(gate.reason for gate in verdict.failed), data=verdict)


@task(name="release", cache_policy=NO_CACHE, persist_result=False)
def release(night: NightContext, now: Candidate, verdict: Verdict) -> Outcome:
    """Record the candidate; when it passed, publish its index, register it, and with `auto` move `champion`."""
    with journal.record(night.project, "release") as entry:
        outcome = publish_candidate(night.releases, night.params, now, verdict.passed, verdict.rows())
        if outcome.passed and outcome.release is not None:
            entry.facts = {"release": outcome.release, "index": now.index_version}
        else:
            entry.facts = {"release": "none", "candidate": outcome.run}
    return outcome


@task(name="index", cache_policy=NO_CACHE, persist_result=False)
def release_index(night: NightContext, now: Candidate | None = None, verdict: Verdict | None = None) -> Release | None:
    """Release tonight's index with the adapter that is live.

    Args:
        now, verdict: the candidate that was refused, and why; without them only the index is measured and judged.
    """
    with journal.record(night.project, "index") as entry:
        made = release_index_of_refused(night.releases, night.params, now, verdict)
        if made is not None and now is not None and verdict is not None:
            page.write_report(night.project, now, verdict, made.version)
        entry.facts = {"release": made.version, "index": made.index_version} if made else {"release": "none"}
    return made


@task(name="gc", cache_policy=NO_CACHE, persist_result=False)
def clear(night: NightContext) -> None:
    """Put what no kept release needs into the trash. A clearing that fails is no failed night: the next one ends it."""
    try:
        with journal.record(night.project, "gc") as entry:
            done = retention.clear(night.releases, night.params)
            entry.facts = {
                "releases": len(done.gone.releases),
                "freed": f"{done.gone.bytes / 2**20:,.1f} MB",
                "in_the_trash": f"{done.waiting.bytes / 2**20:,.1f} MB",
            }
    except NocturneError as error:
        get_run_logger().warning("%s %s", error.fact, error.next_step)


def repair_live(night: NightContext) -> None:
    """Build the live index again when it is damaged. While that fails, the release before it answers."""
    try:
        index_versions.repair_live(night.releases, night.params)
    except NocturneError as error:
        get_run_logger().warning("%s %s", error.fact, error.next_step)


def _gates_failed(outcome: Outcome) -> NocturneError:
    failed = [gate for gate in outcome.gates if not gate["passed"] and gate["severity"] == "block"]
    reasons = "; ".join(f"{gate['name']}: {gate['reason']}" for gate in failed)
    live = f"Release {outcome.release} stays live" if outcome.release else "Nothing is live yet"
    if outcome.index_release:
        live += f". Release {outcome.index_release} is the new index with the adapter that was live"
    return GatesFailed(
        f"The candidate failed its gates: {reasons}.",
        f"{live}. Read {outcome.report}. After a change of `gates` in params.local.yaml the next night only judges.",
    )
