"""The validation stage: the dataset in; its verdict, and Data Docs for a person, out."""

import shutil
from collections import Counter
from typing import Any

from pipelines import progress
from pipelines.errors import NocturneError
from pipelines.params import Params
from pipelines.project import Project
from pipelines.records import Record, file_sha256, fingerprint, read_jsonl, write_json
from pipelines.stage import Facts, Stage

FILES = ("train.jsonl", "holdout.jsonl", "quarantine.jsonl")


def run(project: Project, params: Params) -> Facts:
    """Check the contract, then the suite; write `validation.json` and `data_docs/`.

    Raises:
        NocturneError: there are too few examples, a row breaks the contract, or an expectation that fails the night
            is not met. In the last case the Data Docs are there to be read.
    """
    from pipelines.validation.contract import RULES, check
    from pipelines.validation.docs import write_docs

    folder = project.path("validation")
    shutil.rmtree(folder, ignore_errors=True)
    progress.report(0, 3, "checks", "reading")
    train, holdout, quarantined = (list(read_jsonl(project.path("dataset", name))) for name in FILES)
    _enough(project, params, train, holdout, quarantined)
    progress.report(1, 3, "checks", "contract")
    check(train, holdout, params.dataset, _shown(project, "dataset"))
    progress.report(2, 3, "checks", "quality")
    dataset = fingerprint([[name, file_sha256(project.path("dataset", name))] for name in FILES])
    results = write_docs(folder / "data_docs", project.name, dataset, (train, holdout, quarantined), params)
    rows = {"train": len(train), "holdout": len(holdout), "quarantined": len(quarantined)}
    verdict: Record = {
        "dataset": dataset,
        "rows": rows,
        "contract": {"rules": len(RULES), "rows": len(train) + len(holdout), "broken": 0},
        "expectations": results,
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
        "expectations": len(results),
        "failed": len(failed),
        "warnings": len(_unmet(results, "warn")),
    }


def _enough(project: Project, params: Params, train: list[Any], holdout: list[Any], quarantined: list[Record]) -> None:
    for name, rows, key in (("train", train, "min_examples"), ("holdout", holdout, "min_holdout")):
        wanted = getattr(params.validation, key)
        if len(rows) < wanted:
            rules = Counter(str(row.get("rule", "unnamed")) for row in quarantined)
            left_out = ", ".join(f"{count} {rule}" for rule, count in rules.most_common(3)) or "nothing"
            raise NocturneError(
                f"{_shown(project, 'dataset')}/{name}.jsonl has {len(rows)} examples; "
                f"validation.{key} asks for {wanted} (quarantined: {left_out}).",
                f"Widen snapshot.include or dataset.recipes, or lower validation.{key}, in params.yaml.",
            )


def _unmet(results: list[Record], severity: str) -> list[Record]:
    return [result for result in results if not result["met"] and result["severity"] == severity]


def _not_met(project: Project, failed: list[Record]) -> NocturneError:
    named = "; ".join(f"{result['expectation']} (found {result['observed']})" for result in failed[:3])
    more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
    return NocturneError(
        f"The dataset of {project.name} does not meet {len(failed)} expectations: {named}{more}.",
        f"Open {_shown(project, 'validation')}/data_docs/index.html, then mend the source or the validation section "
        "of params.yaml.",
    )


def _shown(project: Project, stage: str) -> str:
    return project.path(stage).relative_to(project.workspace).as_posix()


STAGE = Stage(
    "validation",
    run,
    needs=("dataset/train.jsonl", "dataset/holdout.jsonl", "dataset/quarantine.jsonl"),
    params=("validation", "dataset"),
)
