"""Making a judged candidate a release: its index, its record, its version, and with `auto` what is live."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.config.schema import Params
from pipelines.errors import UsageError
from pipelines.gates import Verdict
from pipelines.index import is_present, publish
from pipelines.night.candidate import Candidate
from pipelines.night.outcome import Outcome
from pipelines.night.report import report_file, report_files_of
from pipelines.records import Record
from pipelines.registry.release import Release
from pipelines.registry.releases import CHAMPION, Releases
from pipelines.registry.runs import INDEX_FOLLOWS, OF_NIGHT, Context
from pipelines.release import index_release
from pipelines.release.run_context import describe_run

NIGHTLY, PROMOTE, ROLLBACK = "nightly", "promote", "rollback"


def publish_candidate(
    releases: Releases, params: Params, now: Candidate, passed: bool, gates: list[dict[str, Any]]
) -> Outcome:
    """Record the candidate; when it passed, publish its index first and register it last.

    Each step leaves everything that is visible whole, and is found again by the next night when the one after it fails:
    the index has its name by its content, the record is finished in one write, the version appears in one write.

    Args:
        gates: one row a gate, as the verdict gives them.

    Raises:
        NocturneError: the index, MLflow or the disk failed; what was live stays live.
    """
    project = releases.project
    releases.connect()
    releases.notice()
    report = str(report_file(project))
    if not passed:
        live = releases.at(CHAMPION)
        follows = index_passed(gates) and index_release.is_new_index(project, live)
        context = describe_run(project, params, now, now.manifest(gates))
        context = replace(context, tags={INDEX_FOLLOWS: str(follows).lower()})
        run = _record(releases, now, gates, False, context)
        number = live.version if live else None
        return Outcome(project.name, "rejected", False, number, gates=gates, report=report, run=run)
    publish(project, params)
    run = _record(releases, now, gates, True, describe_run(project, params, now, now.manifest(gates)))
    auto = params.release.promotion == "auto"
    made = releases.register(now.manifest(gates), run, promote=auto, by=NIGHTLY)
    state: Any = "released" if auto else "waiting"
    return Outcome(project.name, state, True, made.version, gates=gates, report=report, run=run)


def release_index_of_refused(
    releases: Releases, params: Params, now: Candidate | None, verdict: Verdict | None
) -> Release | None:
    """Release tonight's index without tonight's adapter, as `release_index` does.

    Args:
        now, verdict: the candidate that was refused; None when no adapter was measured, so that the index is now.
    """
    project = releases.project
    if now is not None and verdict is not None:
        found, reports = index_release.retrieval_records(project), report_files_of(project)
        return release_index(releases, params, now.night, verdict.rows(), found, *reports)
    live = releases.at(CHAMPION)
    if not index_release.is_new_index(project, live):
        return None
    judged, found = index_release.judge_index(project, params, live)
    return release_index(releases, params, index_release.night_of_release(project), judged.rows(), found)


def release_index(
    releases: Releases, params: Params, night: str, gates: list[dict[str, Any]], found: list[Record], *reports: Path
) -> Release | None:
    """Make tonight's index live with the adapter that is live, or with `review` a challenger.

    Args:
        night: the identity of the night that decided so; it is not done twice for one night.
        gates: one row a gate, as the verdict gives them.
        found: the records of `retrieval.jsonl`.
        reports: further files for MLflow.

    Returns:
        The release; None when a gate of the index refused it, it is the live one already, or this night has had it
        released before, and a person has moved `champion` since.

    Raises:
        NocturneError: the index, MLflow or the disk failed; what was live stays live.
    """
    project = releases.project
    releases.connect()
    auto = params.release.promotion == "auto"
    if not index_passed(gates) or not index_release.is_new_index(project, releases.at(CHAMPION)):
        return None
    if releases.carried_out(night, auto):
        return None
    publish(project, params)
    live = releases.at(CHAMPION)
    now = index_release.with_report(index_release.pair_with_live_adapter(project, params, live, found), *reports)
    passed = index_release.own_gates(live, gates)
    context = describe_run(project, params, now, now.manifest(passed))
    trained_with = releases.recorded(live).params if live else context.params
    context = replace(context, tags={OF_NIGHT: night}, params=trained_with)
    run = _record(releases, now, gates, False, context)
    return releases.register(now.manifest(passed), run, promote=auto, by=NIGHTLY)


def index_passed(gates: list[dict[str, Any]]) -> bool:
    """Whether no gate of arm `index` that blocks has failed."""
    return all(gate["passed"] or gate["severity"] != "block" for gate in gates if gate["arm"] == index_release.ARM)


def _record(releases: Releases, now: Candidate, gates: list[dict[str, Any]], passed: bool, context: Context) -> str:
    manifest = now.manifest(gates)
    return releases.record(manifest, now.adapter, now.training_file, now.reports, now.metrics(), passed, context)


def promote(releases: Releases, params: Params, number: int) -> Release:
    """Make a release live, by a person's word.

    Raises:
        UsageError: there is no such release, or it is not whole.
        NocturneError: MLflow failed.
    """
    return _move(releases, params, number, PROMOTE)


def rollback(releases: Releases, params: Params, to: int | None) -> Release:
    """Make an earlier release live: the given one, or the former champion.

    Raises:
        UsageError: there is no such release, or it is not whole.
        NocturneError: there is no former champion, or MLflow failed.
    """
    return _move(releases, params, releases.former() if to is None else to, ROLLBACK)


def _move(releases: Releases, params: Params, number: int, by: str) -> Release:
    release = releases.version(number)
    if not release.adapter.is_dir():
        raise _check_torn(release, f"its adapter, {release.files.where('adapter')}")
    if not is_present(releases.project, params.index, release.index_version):
        raise _check_torn(release, f"its index, version {release.index_version}")
    return releases.promote(number, by)


def _check_torn(release: Release, what: str) -> UsageError:
    return UsageError(
        f"Release {release.version} of `{release.project}` cannot go live: {what}, is missing or damaged.",
        "Choose another one that `nocturne releases` lists, or bring it back: `nocturne index rebuild`, or a backup.",
    )
