"""The champion on tonight's holdout: the same examples, as far as its own training never saw their files."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.errors import NocturneError
from pipelines.params import Params
from pipelines.project import Project
from pipelines.records import Record, read_json, read_jsonl
from pipelines.registry.manifest import Release
from pipelines.registry.releases import CHAMPION, Releases
from pipelines.release.candidate import Candidate


@dataclass(frozen=True)
class Rival:
    """What the candidate is compared with.

    Attributes:
        scores: the records of `scores.jsonl` that may be compared.
        bits: the champion's bits on these, in their order; None when nothing is compared.
        skipped: then, why.
    """

    scores: Sequence[Record]
    bits: Sequence[float] | None
    skipped: str = ""


def measured(project: Project, params: Params, now: Candidate) -> Rival:
    """Score the champion's adapter on the candidate's examples.

    A champion that cannot be loaded is no reason to keep it: the comparison is then left out, and says so.
    """
    scores = list(read_jsonl(project.path("evaluation", "scores.jsonl")))
    live = Releases(project).at(CHAMPION)
    if live is None:
        return Rival(scores, None, "there is no champion yet")
    if live.manifest.training == now.training["identity"]:
        return Rival(scores, None, f"release {live.version} has the same adapter")
    try:
        return _compared(project, params, live, scores)
    except NocturneError as error:
        return Rival(scores, None, f"release {live.version} could not be measured: {error.fact}")


def _compared(project: Project, params: Params, live: Release, scores: list[Record]) -> Rival:
    from pipelines.evaluation.arms import score_adapter

    seen = set(read_json(live.adapter / "training.json")["paths"])
    if all(score["path"] in seen for score in scores):
        return Rival(scores, None, f"release {live.version} was trained on every file that is held out tonight")
    bits = score_adapter(project, params, live.adapter, live.base_model)
    fair = [(score, value) for score, value in zip(scores, bits, strict=True) if score["path"] not in seen]
    return Rival([score for score, _ in fair], [value for _, value in fair])
