"""Making a judged candidate a release: its index, its record, its version, and with `auto` what is live."""

from typing import Any

from pipelines.errors import UsageError
from pipelines.index import present, publish
from pipelines.params import Params
from pipelines.project import Project
from pipelines.registry.manifest import Release
from pipelines.registry.releases import CHAMPION, Releases
from pipelines.release.candidate import Candidate
from pipelines.release.described import described
from pipelines.release.night import Outcome
from pipelines.release.report import report_file

NIGHTLY, PROMOTE, ROLLBACK = "nightly", "promote", "rollback"


def carry_out(project: Project, params: Params, now: Candidate, passed: bool, gates: list[dict[str, Any]]) -> Outcome:
    """Record the candidate; when it passed, publish its index first and register it last.

    Each step leaves everything that is visible whole, and is found again by the next night when the one after it fails:
    the index has its name by its content, the record is finished in one write, the version appears in one write.

    Args:
        gates: one row a gate, as the verdict gives them.

    Raises:
        NocturneError: the index, MLflow or the disk failed; what was live stays live.
    """
    releases = Releases(project)
    releases.notice()
    manifest = now.manifest(gates)
    report = str(report_file(project))
    if passed:
        publish(project, params)
    context = described(project, params, now, manifest)
    run = releases.record(manifest, now.adapter, now.training_file, now.reports, now.metrics(), passed, context)
    if not passed:
        live = releases.at(CHAMPION)
        number = live.version if live else None
        return Outcome(project.name, "rejected", False, number, gates=gates, report=report, run=run)
    auto = params.release.promotion == "auto"
    made = releases.register(manifest, run, promote=auto, by=NIGHTLY)
    state: Any = "released" if auto else "waiting"
    return Outcome(project.name, state, True, made.version, gates=gates, report=report, run=run)


def promote(project: Project, params: Params, number: int) -> Release:
    """Make a release live, by a person's word.

    Raises:
        UsageError: there is no such release, or it is not whole.
        NocturneError: MLflow failed.
    """
    return _moved(project, params, number, PROMOTE)


def rollback(project: Project, params: Params, to: int | None) -> Release:
    """Make an earlier release live: the given one, or the former champion.

    Raises:
        UsageError: there is no such release, or it is not whole.
        NocturneError: there is no former champion, or MLflow failed.
    """
    return _moved(project, params, Releases(project).former() if to is None else to, ROLLBACK)


def _moved(project: Project, params: Params, number: int, by: str) -> Release:
    releases = Releases(project)
    release = releases.version(number)
    if not release.adapter.is_dir():
        raise _torn(release, f"its adapter, {release.files.where('adapter')}")
    if not present(project, params.index, release.index_version):
        raise _torn(release, f"its index, version {release.index_version}")
    return releases.promote(number, by)


def _torn(release: Release, what: str) -> UsageError:
    return UsageError(
        f"Release {release.version} of `{release.project}` cannot go live: {what}, is missing, damaged or of an "
        "earlier Nocturne.",
        "Choose another one that `nocturne releases` lists, or bring it back: `nocturne index rebuild`, or a backup.",
    )
