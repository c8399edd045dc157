"""A candidate: what the stages have made, named so that a release can say exactly what it consists of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.config.schema import Params
from pipelines.dag import dvc
from pipelines.index import version_of
from pipelines.project import Project
from pipelines.records import file_sha256, fingerprint, read_json, tree_sha256
from pipelines.records.embedding import Embedding
from pipelines.records.evaluation import Evaluation
from pipelines.records.training import Training
from pipelines.registry.manifest import Manifest


@dataclass(frozen=True)
class Candidate:
    """The stages' results of one night, before they are judged.

    Attributes:
        night: identity of everything that decides: the evaluation, the index, and the gates' values.
        evaluation: `evaluation.json`.
        reports: what goes to MLflow beside the adapter; the page is there once the gates have spoken.
        adapter_from: the release whose adapter this is, when only the index is new.
    """

    night: str
    index_version: str
    evaluation: Evaluation
    training: Training
    embedding: Embedding
    commit: str
    dataset_dvc: str
    index_dvc: dict[str, str]
    adapter: Path
    training_file: Path
    reports: tuple[Path, ...]
    adapter_from: int | None = None

    def manifest(self, gates: list[dict[str, Any]]) -> Manifest:
        """What a release made of this candidate says about itself.

        MLflow cuts a tag at 8,000 characters, so the examples that moved a gate are left to the report.
        """
        return Manifest(
            night=self.night,
            training=self.training["identity"],
            commit=self.commit,
            base_model=self.training["base_model"],
            base_identity=self.training["base_identity"],
            chat_template_sha256=self.training["chat_template_sha256"],
            dataset_sha256=self.training["dataset_sha256"],
            dataset_dvc=self.dataset_dvc,
            index_version=self.index_version,
            encoder=self.embedding["model"],
            dimension=self.embedding["dimension"],
            gates=[{key: value for key, value in gate.items() if key != "moved"} for gate in gates],
            index_dvc=self.index_dvc,
            adapter_from=self.adapter_from,
        )

    def metrics(self) -> dict[str, float]:
        """The figures that MLflow plots from release to release."""
        told = self.evaluation
        figures = {
            f"{arm}_{name}": figure for arm, measured in told["arms"].items() for name, figure in measured.items()
        }
        figures |= {f"gain_{name}": figure for name, figure in told["gains"].items()}
        figures |= {f"retrieval_{name}": figure for name, figure in told["retrieval"].get("metrics", {}).items()}
        figures |= {f"{arm}_pattern_adherence": figure for arm, figure in told["suites"].get("arms", {}).items()}
        if told["forgetting"]:  # where nothing was learned, nothing is forgotten
            figures["adapter_forgetting"] = told["forgetting"]["forgetting"]
        if told["memorisation"]:
            figures["adapter_memorisation"] = told["memorisation"]["extracted"]["adapter"]
        # MLflow's names have neither sign.
        named = {key.replace("+", "_").replace("@", "_at_"): figure["value"] for key, figure in figures.items()}
        return {key: float(value) for key, value in named.items() if value is not None}


def read_candidate(project: Project, params: Params) -> Candidate:
    """Read what the last `dvc repro` of this project made.

    Raises:
        NocturneError: a stage has not run.
    """
    evaluation = project.path("evaluation", "evaluation.json")
    index_version = version_of(project)
    adapter = project.path("training", "adapter")
    gates = [gate.model_dump() for gate in params.gates]
    decisive = [file_sha256(evaluation), tree_sha256(adapter), index_version, gates]
    return Candidate(
        night=fingerprint(*decisive)[:16],
        index_version=index_version,
        evaluation=read_json(evaluation),
        training=read_json(project.path("training", "training.json")),
        embedding=read_json(project.path("embedding", "embedding.json")),
        commit=read_json(project.path("snapshot", "snapshot.json"))["commit"],
        dataset_dvc=dvc.output_hash(project, "dataset"),
        index_dvc={stage: dvc.output_hash(project, stage) for stage in ("extraction", "embedding")},
        adapter=adapter,
        training_file=project.path("training", "training.json"),
        reports=tuple(project.path(stage, name) for stage, names in REPORTS.items() for name in names),
    )


CHARTS = ("loss.png", "arms.png")
SCORES = ("scores.jsonl", "suites.jsonl", "forgetting.jsonl", "memorisation.jsonl")  # what gates are judged by
REPORTS = {
    "report": ("report.html", "report.json", "gates.png"),
    "evaluation": ("evaluation.json", "scores.jsonl", "retrieval.jsonl", *CHARTS),
    "validation": ("card.html", "card.md", "drift.json", "data_docs"),
}
