"""The champion on tonight's holdout: the same examples, as far as its own training never saw their files."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.config.schema import Params
from pipelines.errors import NocturneError
from pipelines.night.candidate import Candidate
from pipelines.project import Project
from pipelines.records import Record, read_json, read_jsonl
from pipelines.registry.release import Release


@dataclass(frozen=True)
class ChampionScores:
    """What the candidate is compared with.

    Attributes:
        records: by example_id, the champion's records in the form of `scores.jsonl`; None when nothing is compared.
        skipped: then, why.
    """

    records: Mapping[str, Record] | None
    skipped: str = ""


def score_champion(project: Project, params: Params, live: Release | None, now: Candidate) -> ChampionScores:
    """Let the champion's adapter take tonight's exam, in as much of it as gates ask for.

    A champion that cannot be loaded is no reason to keep it: the comparison is then left out, and says so.
    """
    if live is None:
        return ChampionScores(None, "there is no champion yet")
    if live.manifest.training == now.training["identity"]:
        return ChampionScores(None, f"release {live.version} has the same adapter")
    if not any(gate.against == "champion" and gate.arm != "index" for gate in params.gates):
        return ChampionScores(None, "no gate asks for the champion")
    try:
        return _score(project, params, live)
    except NocturneError as error:
        return ChampionScores(None, f"release {live.version} could not be measured: {error.fact}")


def _score(project: Project, params: Params, live: Release) -> ChampionScores:
    from pipelines.evaluation.eval_set import evaluate_adapter

    asked = [gate for gate in params.gates if gate.against == "champion" and gate.arm != "index"]
    arms = sorted({gate.arm for gate in asked})
    metrics = sorted({gate.metric for gate in asked})
    seen = set(read_json(live.adapter / "training.json")["paths"])
    tonight = {score["path"] for score in read_jsonl(project.path("evaluation", "scores.jsonl"))}
    if tonight <= seen:
        return ChampionScores(None, f"release {live.version} was trained on every file that is held out tonight")
    records = evaluate_adapter(project, params, live.adapter, live.base_model, arms, metrics)
    return ChampionScores({record["example_id"]: record for record in records if record["path"] not in seen})
