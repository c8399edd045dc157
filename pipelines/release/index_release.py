"""The index follows each commit, whatever becomes of the night's adapter.

Where a night's adapter is refused, or none was trained, what was embedded is released with the adapter that is live:
one release, one move of `champion`, in the history and open to a rollback like any other. The index has gates of its
own (arm `index`), and is checked by searching it before it is shown. Without a live release the base model alone takes
the adapter's place.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pipelines.config.schema import Params
from pipelines.dag import dvc
from pipelines.gates import Retrieval, Verdict, decide
from pipelines.index import version_of
from pipelines.night.candidate import Candidate
from pipelines.project import Project
from pipelines.records import Record, file_sha256, fingerprint, read_json, read_jsonl, write_json, write_jsonl
from pipelines.records.evaluation import Evaluation, RetrievalScore
from pipelines.registry.release import Release

ARM = "index"
UNMEASURED = {"examples": 0, "arms": {}, "gains": {}, "suites": {}, "forgetting": {}, "memorisation": {}, "scale": {}}


def night_of_release(project: Project) -> str:
    """The identity of a night that trains nothing: its index alone."""
    return fingerprint("index alone", version_of(project))[:16]


def retrieval_of(live: Release | None, found: list[RetrievalScore]) -> Retrieval:
    """What tonight's index finds, beside what the live one found when it was released.

    Args:
        found: the records of tonight, as `evaluation/retrieval.jsonl` has them.
    """
    if live is None:
        return Retrieval(found, None, "there is no live index yet")
    file = live.files.path("retrieval.jsonl")
    if not file.is_file():
        return Retrieval(found, None, f"release {live.version} has no record of what its index found")
    return Retrieval(found, list(read_jsonl(file, RetrievalScore)))


def retrieval_records(project: Project) -> list[RetrievalScore]:
    """What the evaluation stage found with tonight's index."""
    return list(read_jsonl(project.path("evaluation", "retrieval.jsonl"), RetrievalScore))


def judge_index(project: Project, params: Params, live: Release | None) -> tuple[Verdict, list[RetrievalScore]]:
    """Measure tonight's index alone, for a night without an evaluation; returns the verdict and the records."""
    from pipelines.evaluation.retrieval import measure_retrieval

    found = measure_retrieval(project, params)
    gates = [gate for gate in params.gates if gate.arm == ARM]
    return decide([], None, gates, params.evaluation, retrieval=retrieval_of(live, found)), found


def is_new_index(project: Project, live: Release | None) -> bool:
    """Whether what was embedded tonight makes another index than the live one."""
    return live is None or live.index_version != version_of(project)


def own_gates(live: Release | None, gates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The gates that such a release has passed: its adapter those of its own night, its index those of tonight."""
    adapter = [gate for gate in live.manifest.gates if gate["arm"] != ARM] if live else []
    return [*adapter, *(gate for gate in gates if gate["arm"] == ARM)]


def pair_with_live_adapter(
    project: Project, params: Params, live: Release | None, found: list[RetrievalScore]
) -> Candidate:
    """Tonight's index with the adapter that is live, ready to be recorded and registered.

    Args:
        found: the records of `retrieval.jsonl`.

    Raises:
        NocturneError: extraction or embedding has not run, or the live adapter cannot be read.
    """
    from pipelines.evaluation.retrieval import summarise_retrieval

    folder = project.path("report", "index")
    shutil.rmtree(folder, ignore_errors=True)
    adapter = live.adapter if live else _untrained(project, params, folder / "adapter")
    figures = summarise_retrieval(found, params.evaluation)
    evaluation = cast(Evaluation, {**_evaluation(live, params), "retrieval": figures})  # without an adapter some lack
    write_json(folder / "evaluation.json", evaluation)
    write_jsonl(folder / "retrieval.jsonl", found)
    scores = live.files.path("scores.jsonl") if live else None
    write_jsonl(folder / "scores.jsonl", read_jsonl(scores) if scores and scores.is_file() else [])
    training = read_json(adapter / "training.json")
    version = version_of(project)
    return Candidate(
        night=fingerprint("index", version, training["identity"])[:16],
        index_version=version,
        evaluation=evaluation,
        training=training,
        embedding=read_json(project.path("embedding", "embedding.json")),
        commit=read_json(project.path("snapshot", "snapshot.json"))["commit"],
        dataset_dvc=live.manifest.dataset_dvc if live else "",
        index_dvc={stage: dvc.output_hash(project, stage) for stage in ("extraction", "embedding")},
        adapter=adapter,
        training_file=adapter / "training.json",
        reports=tuple(folder / name for name in ("evaluation.json", "retrieval.jsonl", "scores.jsonl")),
        adapter_from=live.adapter_version if live else None,
    )


def with_report(paired: Candidate, *files: Path) -> Candidate:
    """The same with the page of the night that refused the adapter."""
    return replace(paired, reports=(*paired.reports, *(file for file in files if file.exists())))


def _evaluation(live: Release | None, params: Params) -> Record:
    """What is known of the adapter: what was measured when it was released."""
    file = live.files.path("evaluation.json") if live else None
    if file is None or not file.is_file():
        return {**UNMEASURED, "confidence": params.evaluation.confidence, "by_task": {}}
    known: Record = read_json(file)
    return known


def _untrained(project: Project, params: Params, folder: Path) -> Path:
    """The folder of an adapter that has learned nothing: the base model answers as it is."""
    from pipelines.lm.adapter_manifest import write_manifest
    from pipelines.lm.base_model import load_tokenizer

    base = read_json(project.path("snapshot", "base.json"))
    tokenizer = load_tokenizer(params.training.base_model, project.workspace)
    dataset = project.path("dataset", "train.jsonl")
    write_manifest(folder, "nothing", quantised=True)
    training = {
        "mode": "none",
        "base_model": params.training.base_model,
        "base_identity": base["identity"],
        "chat_template_sha256": fingerprint(tokenizer.chat_template),
        "dataset_sha256": file_sha256(dataset) if dataset.is_file() else "",
        "identity": fingerprint("nothing", base)[:16],
        "examples": 0,
        "paths": [],
        "steps": 0,
        "log": [],
    }
    write_json(folder / "training.json", training)
    return folder
