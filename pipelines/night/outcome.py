"""One night of one project: its outcome, and whether there is anything to do."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from pipelines.dag import dvc
from pipelines.night import last_night
from pipelines.night.candidate import read_candidate
from pipelines.night.context import NightContext
from pipelines.project import Project
from pipelines.records import read_json, write_json
from pipelines.registry.release import Release
from pipelines.registry.releases import CHALLENGER, CHAMPION

State = Literal["released", "waiting", "rejected", "unchanged", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """How a night ended.

    Attributes:
        state: `released`: a new champion. `waiting`: a challenger waits for a person. `rejected`: a gate failed.
            `unchanged`: nothing was to be done; `gates` is then what the last measured night decided.
            `skipped`: too little is new to be learned; `reason` says how little.
        passed: what the gates decided; None when they were not asked, as in a skipped night.
        release: the version made, or when none was made the live one.
        waiting: a challenger that nobody has promoted yet, when nothing was made.
        index_release: the release that was made of tonight's index and the adapter that was live, when no adapter of
            tonight was released.
        gates: one row a gate, as `pipelines.gates.Judged` has it.
    """

    project: str
    state: State
    passed: bool | None
    release: int | None = None
    waiting: int | None = None
    index_release: int | None = None
    gates: list[dict[str, Any]] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    report: str = ""
    run: str = ""
    reason: str = ""

    def facts(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def find_unchanged(night: NightContext) -> Outcome | None:
    """Read the source anew; the outcome when neither it nor anything else has changed since the last decision.

    Raises:
        NocturneError: the source cannot be read.
    """
    dvc.reproduce(night.project, "snapshot")
    return None if dvc.find_stale(night.project) else find_settled(night)


def find_settled(night: NightContext) -> Outcome | None:
    """The outcome when exactly what the stages have made was judged before, and the judgement was carried out.

    A passed candidate without its release was interrupted between the two: it is judged again.
    """
    project, releases = night.project, night.releases
    now = read_candidate(project, night.params)
    passed = releases.decided(now.night)
    if passed is None or not releases.carried_out(now.night, night.params.release.promotion == "auto"):
        return None
    report = str(project.path("report", "report.html"))
    return Outcome(
        project.name,
        "unchanged",
        passed,
        release=_number(night.live),
        waiting=_number(releases.at(CHALLENGER)),
        gates=releases.gates_of(now.night),
        report=report,
    )


def _number(release: Release | None) -> int | None:
    return release.version if release else None


def with_index(outcome: Outcome, made: Release | None) -> Outcome:
    """The outcome of a night whose adapter was not released, once its index has been."""
    if made is None:
        return outcome
    live = made.version if CHAMPION in made.aliases else outcome.release
    return replace(outcome, release=live, index_release=made.version)


def read_last_outcome(project: Project) -> Outcome | None:
    """How the last night that came to an end ended, or None."""
    file = project.night / "outcome" / "last.json"
    if not file.is_file():
        return None
    said = Outcome(**read_json(file))
    report = project.path("report", "report.html")  # the workspace may have been moved since
    return replace(said, report=str(report)) if said.report and report.is_file() else said


def write_outcome(project: Project, outcome: Outcome) -> Outcome:
    """Keep an outcome for `status`."""
    write_json(project.night / "outcome" / "last.json", outcome.facts())
    last_night.record_end(project, outcome.state)
    return outcome
