"""The validation stage: the dataset in; its verdict, and for a person a card and Data Docs, out."""

from collections import Counter
from typing import Any

from pipelines import progress
from pipelines.config.schema import Params
from pipelines.dag.stage import Facts, Stage, empty_folder
from pipelines.errors import NocturneError
from pipelines.project import Project
from pipelines.records import file_sha256, fingerprint, read_json, read_jsonl, write_json
from pipelines.records.dataset import DatasetSummary, Example, Preference, Quarantined
from pipelines.records.extraction import File, Finding
from pipelines.records.history import Edit
from pipelines.records.snapshot import Baseline, BaseModel, Recent
from pipelines.records.validation import Drift, Expectation, RowCounts, Validation
from pipelines.wording import format_count

FILES = ("train.jsonl", "holdout.jsonl", "quarantine.jsonl")
PREFERENCES = "preferences.jsonl"


def run(project: Project, params: Params) -> Facts:
    """Check the contract, then the suite; write `validation.json`, `drift.json`, `card.html`, `card.md` and
    `data_docs/`. Drift has a file of its own, so that what is live does not change what training depends on.

    Raises:
        NocturneError: there are too few examples, a row breaks the contract, or an expectation that fails the night
            is not met. In the last case the card and the Data Docs are there to be read.
    """
    from pipelines.validation.card import Contents, write_card
    from pipelines.validation.contract import RULES, check
    from pipelines.validation.distribution import measure_distances
    from pipelines.validation.docs import write_docs
    from pipelines.validation.preferences import PAIR_RULES, check_pairs
    from pipelines.validation.provenance import sources
    from pipelines.validation.suite import DRIFT

    folder = empty_folder(project.path("validation"), "validation.json")
    progress.report(0, 3, "checks", "reading")
    train, holdout = (list(read_jsonl(project.path("dataset", name), Example)) for name in FILES[:2])
    quarantined = list(read_jsonl(project.path("dataset", FILES[2]), Quarantined))
    _enough(project, params, train, holdout, quarantined)
    progress.report(1, 3, "checks", "contract")
    recent: Recent = read_json(project.path("snapshot", "recent.json"))
    places = sources(
        read_jsonl(project.path("extraction", "files.jsonl"), File),
        read_jsonl(project.path("history", "edits.jsonl"), Edit),
    )
    check(train, holdout, params.dataset, _shown(project, "dataset"), places, recent)
    pairs = list(read_jsonl(project.path("dataset", PREFERENCES), Preference))
    check_pairs(pairs, holdout, params.dataset, _shown(project, "dataset"), places, recent)
    progress.report(2, 3, "checks", "quality")
    dataset = fingerprint([[name, file_sha256(project.path("dataset", name))] for name in (*FILES, PREFERENCES)])
    summary = _summary(project)
    rate = float(summary["contamination"]["rate"])
    earlier: Baseline = read_json(project.path("snapshot", "baseline.json"))
    apart = measure_distances(earlier, (train, holdout, quarantined)) if earlier else {}
    results = write_docs(
        folder / "data_docs", project.name, dataset, (train, holdout, quarantined), params, rate, apart
    )
    drifted = [result for result in results if result["table"] == DRIFT]
    drift: Drift = {"release": earlier.get("release"), "distances": apart, "expectations": drifted}
    write_json(folder / "drift.json", drift)
    findings, base = _made_with(project)
    contents = Contents(train, holdout, pairs, quarantined, summary, findings, base)
    write_card(folder, project.name, dataset, contents)
    counts: RowCounts = {
        "train": len(train),
        "holdout": len(holdout),
        "quarantined": len(quarantined),
        "preferences": len(pairs),
    }
    verdict: Validation = {
        "dataset": dataset,
        "rows": counts,
        "contract": {
            "rules": len(RULES) + len(PAIR_RULES),
            "rows": len(train) + len(holdout) + len(pairs),
            "broken": 0,
        },
        "expectations": [result for result in results if result["table"] != DRIFT],
    }
    write_json(folder / "validation.json", verdict)
    progress.report(3, 3, "checks")
    failed = _unmet(results, "fail")
    if failed:
        raise _not_met(project, failed)
    return {
        "examples": len(train) + len(holdout),
        "holdout": len(holdout),
        "quarantined": len(quarantined),
        "preferences": len(pairs),
        "expectations": len(results),
        "failed": len(failed),
        "warnings": len(_unmet(results, "warn")),
        "drift": max(apart.values()) if apart else "no earlier dataset",
    }


def _enough(
    project: Project, params: Params, train: list[Any], holdout: list[Any], quarantined: list[Quarantined]
) -> None:
    for name, rows, key in (("train", train, "min_examples"), ("holdout", holdout, "min_holdout")):
        wanted = getattr(params.validation, key)
        if len(rows) < wanted:
            rules = Counter(str(row.get("rule", "unnamed")) for row in quarantined)
            left_out = ", ".join(f"{count} {rule}" for rule, count in rules.most_common(3)) or "nothing"
            raise NocturneError(
                f"{_shown(project, 'dataset')}/{name}.jsonl has {format_count(len(rows), 'example')}; "
                f"validation.{key} asks for {wanted} (quarantined: {left_out}). "
                "Every recipe that is switched on has kept all that it made.",
                f"Widen snapshot.include, switch on more of dataset.recipes, or lower validation.{key} "
                "(params.local.yaml).",
            )


def _summary(project: Project) -> DatasetSummary:
    """What the dataset stage says of its recipes, and the contamination rate that it has measured."""
    file = project.path("dataset", "summary.json")
    next_step = f"Delete {_shown(project, 'dataset')} and run `nocturne nightly` again."
    summary: DatasetSummary = read_json(file)
    try:
        float(summary["contamination"]["rate"])
    except (KeyError, TypeError, ValueError):
        raise NocturneError(f"{file} has no contamination rate from 0 to 1.", next_step) from None
    if not isinstance(summary.get("recipes"), dict):
        raise NocturneError(f"{file} does not say what its recipes made.", next_step)
    return summary


def _made_with(project: Project) -> tuple[list[Finding], BaseModel]:
    """What was found in the source by `cleaning`, and which base model counts the tokens."""
    return list(read_jsonl(project.path("extraction", "findings.jsonl"), Finding)), read_json(
        project.path("snapshot", "base.json")
    )


def _unmet(results: list[Expectation], severity: str) -> list[Expectation]:
    return [result for result in results if not result["met"] and result["severity"] == severity]


def _not_met(project: Project, failed: list[Expectation]) -> NocturneError:
    named = "; ".join(f"{result['expectation']} (found {result['observed']})" for result in failed[:3])
    more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
    return NocturneError(
        f"The dataset of {project.name} does not meet {format_count(len(failed), 'expectation')}: {named}{more}.",
        f"Open {_shown(project, 'validation')}/data_docs/index.html, then mend the source or the validation section "
        "of params.local.yaml.",
    )


def _shown(project: Project, stage: str) -> str:
    return project.path(stage).relative_to(project.workspace).as_posix()


STAGE = Stage(
    "validation",
    run,
    inputs=(
        "snapshot/base.json",
        "snapshot/baseline.json",
        "snapshot/recent.json",
        "extraction/files.jsonl",
        "extraction/findings.jsonl",
        "history/edits.jsonl",
        *(f"dataset/{name}" for name in (*FILES, PREFERENCES, "summary.json")),
    ),
    params=("validation", "dataset"),
    code_deps=("source/cutoff.py",),
)
