"""A candidate: what the stages have made, named so that a release can say exactly what it consists of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import dag
from pipelines.index import version_of
from pipelines.params import Params
from pipelines.project import Project
from pipelines.records import file_sha256, fingerprint, read_json, tree_sha256
from pipelines.registry.manifest import Manifest


@dataclass(frozen=True)
class Candidate:
    """The stages' results of one night, before they are judged.

    Attributes:
        night: identity of everything that decides: the evaluation, the index, and the gates' values.
        evaluation: `evaluation.json`.
    """

    night: str
    index_version: str
    evaluation: dict[str, Any]
    training: dict[str, Any]
    embedding: dict[str, Any]
    commit: str
    dataset_dvc: str
    adapter: Path
    training_file: Path
    reports: tuple[Path, ...]

    def manifest(self, gates: list[dict[str, Any]]) -> Manifest:
        """What a release made of this candidate says about itself."""
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
            gates=gates,
        )

    def metrics(self) -> dict[str, float]:
        """The figures that MLflow plots from release to release."""
        arms = self.evaluation["arms"]
        found = {f"{arm}_{name}": figure["value"] for arm, figures in arms.items() for name, figure in figures.items()}
        gains = {f"gain_{name}": figure["value"] for name, figure in self.evaluation["gains"].items()}
        numbers = {**found, **gains}
        return {key.replace("+", "_"): float(value) for key, value in numbers.items() if value is not None}


def candidate(project: Project, params: Params) -> Candidate:
    """Read what the last `dvc repro` of this project made.

    Raises:
        NocturneError: a stage has not run.
    """
    evaluation = project.path("evaluation", "evaluation.json")
    index_version = version_of(project)
    adapter = project.path("training", "adapter")
    decisive = [file_sha256(evaluation), tree_sha256(adapter), index_version, params.gates.model_dump()]
    page, charts = project.path("evaluation", "report.html"), [project.path("evaluation", f) for f in CHARTS]
    return Candidate(
        night=fingerprint(*decisive)[:16],
        index_version=index_version,
        evaluation=read_json(evaluation),
        training=read_json(project.path("training", "training.json")),
        embedding=read_json(project.path("embedding", "embedding.json")),
        commit=read_json(project.path("snapshot", "snapshot.json"))["commit"],
        dataset_dvc=dag.output_hash(project, "dataset"),
        adapter=adapter,
        training_file=project.path("training", "training.json"),
        reports=(page, *charts, evaluation, *(project.path("validation", name) for name in DATA_PAGES)),
    )


CHARTS = ("loss.png", "arms.png")
DATA_PAGES = ("card.html", "card.md", "drift.json", "data_docs")
