"""One release explained, and two compared: everything from what was recorded with them, nothing measured again."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pipelines.config.schema import Params
from pipelines.evaluation.metric_specs import in_order
from pipelines.project import Project
from pipelines.records import Record, read_json, read_jsonl
from pipelines.registry.release import Release
from pipelines.registry.releases import Releases
from pipelines.release.diff import diff_code, diff_data, diff_parameters, read_contents

WRITTEN = ("adapter", "adapter+rag")  # the arms whose texts are laid side by side
JUDGED = "edit_similarity"


def explain_difference(project: Project, number: int) -> dict[str, Any]:
    """All that is known of a release.

    Returns:
        the release's own facts; metrics: arms and gains with their intervals, as its evaluation recorded them;
        data: examples by split, recipe and language, None when DVC's cache has lost them; recorded: its runs in
        MLflow, parameters, and changes of its index; promotions: when it went live and when it was replaced, and by
        whom.

    Raises:
        UsageError: there is no such release.
    """
    releases = Releases(project)
    moves = [event for event in releases.history() if number in (event["from"], event["to"])]
    release = releases.version(number)
    made_of = read_contents(project, release)
    counted = ("splits", "recipes", "languages")
    return {
        **release.facts(),
        "metrics": _figures(_evaluation(release)),
        "data": {name: dict(getattr(made_of, name)) for name in counted} if made_of else None,
        "recorded": asdict(releases.recorded(release)),
        "promotions": moves,
    }


def compare(project: Project, params: Params, first: int, second: int) -> dict[str, Any]:
    """What is different between two releases; every pair is [first, second].

    Returns:
        releases; metrics: by arm and by gain the figures of both, each of its own night's examples; paired: the gain of
        the second's adapter over the first's on the examples that both nights held out; data, parameters, code: see
        `differences`; generations: what both wrote for the same examples, those that changed most first.

    Raises:
        UsageError: there is no such release.
    """
    releases = Releases(project)
    one, other = releases.version(first), releases.version(second)
    scores = _scores(one), _scores(other)
    return {
        "releases": [one.facts(), other.facts()],
        "metrics": _beside(_figures(_evaluation(one)), _figures(_evaluation(other))),
        "paired": _pair(*scores, params),
        "data": diff_data(read_contents(project, one), read_contents(project, other)),
        "parameters": diff_parameters(releases.recorded(one).params, releases.recorded(other).params),
        "code": diff_code(project, one.manifest.commit, other.manifest.commit),
        "generations": _generations(*scores),
    }


def _evaluation(release: Release) -> Record:
    file = release.files.path("evaluation.json")
    return read_json(file) if file.is_file() else {}


def _scores(release: Release) -> dict[str, Record]:
    """The records of its evaluation by example; none where MLflow has lost them."""
    file = release.files.path("scores.jsonl")
    return {record["example_id"]: record for record in read_jsonl(file)} if file.is_file() else {}


def _figures(evaluation: Record) -> dict[str, dict[str, Any]]:
    """`{arm: {metric: figure}}`; the gains are an arm of their own, and so is what the index finds."""
    found: dict[str, Any] = dict(evaluation.get("arms", {}))
    if "gains" in evaluation:
        found["gains"] = evaluation["gains"]
    if evaluation.get("retrieval"):
        found["index"] = evaluation["retrieval"]["metrics"]
    return {arm: {name: figures[name] for name in in_order(figures)} for arm, figures in found.items()}


def _beside(first: Mapping[str, Mapping[str, Any]], second: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    empty: Mapping[str, Any] = {}
    found: dict[str, Any] = {}
    for arm in dict.fromkeys([*first, *second]):
        one, other = first.get(arm, empty), second.get(arm, empty)
        found[arm] = {name: [one.get(name), other.get(name)] for name in in_order([*one, *other])}
    return found


def _pair(first: Mapping[str, Record], second: Mapping[str, Record], params: Params) -> dict[str, Any]:
    """By how much the second adapter needs fewer bits than the first, on what neither was trained on."""
    from pipelines.evaluation.bootstrap import Bootstrap

    config = params.evaluation
    common = sorted(first.keys() & second.keys())
    if not common:
        return {"examples": 0, "gain": None, "confidence": config.confidence}
    draws = Bootstrap([first[name]["path"] for name in common], config.bootstrap, config.confidence, config.seed)
    bits = [[records[name]["bits"]["adapter"] for name in common] for records in (second, first)]
    return {"examples": len(common), "gain": draws.gain(*bits).record(), "confidence": config.confidence}


def _generations(first: Mapping[str, Record], second: Mapping[str, Record]) -> list[dict[str, Any]]:
    shared = [name for name in sorted(first.keys() & second.keys()) if _wrote(first[name]) and _wrote(second[name])]
    found = [_side_by_side(first[name], second[name]) for name in shared]
    return sorted(found, key=lambda row: -abs(row[JUDGED][1] - row[JUDGED][0]))


def _wrote(record: Record) -> bool:
    return "generated" in record


def _side_by_side(one: Record, other: Record) -> dict[str, Any]:
    kept = {key: one[key] for key in ("example_id", "task", "language", "path", "start_line", "end_line", "expected")}
    arms = [arm for arm in WRITTEN if arm in one["generated"] and arm in other["generated"]]
    texts = {arm: [one["generated"][arm], other["generated"][arm]] for arm in arms}
    judged = [record["metrics"]["adapter"].get(JUDGED, 0.0) for record in (one, other)]
    return {**kept, "generated": texts, JUDGED: judged}
