"""The whole of params.yaml, checked strictly when it is read: an unknown key or a wrong type is an error."""

import difflib
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from pipelines.config.schema.dataset import Dataset, Validation
from pipelines.config.schema.evaluation import Evaluation, Gate
from pipelines.config.schema.release import Release, Schedule
from pipelines.config.schema.retrieval import Assistant, Embedding, Index, Search
from pipelines.config.schema.section import Section
from pipelines.config.schema.source import Cleaning, Extraction, History, Snapshot, Source
from pipelines.config.schema.training import Training
from pipelines.errors import UsageError
from pipelines.project import Project, nearest, source_path

NAME_RULE = r"^[a-z0-9][a-z0-9_-]{0,62}$"
NAME_WORDS = "use 1 to 63 lower-case letters, digits, - and _, beginning with a letter or a digit"
RESERVED = {"models", "live"}


class Params(Section):
    """The whole of params.yaml."""

    projects: dict[Annotated[str, Field(pattern=NAME_RULE)], Source] = Field(
        description="What is learned: a name for each git repository. "
        "A name has 1 to 63 lower-case letters, digits, - and _, and begins with a letter or a digit."
    )
    snapshot: Snapshot
    extraction: Extraction
    history: History
    cleaning: Cleaning
    dataset: Dataset
    validation: Validation
    training: Training
    embedding: Embedding
    evaluation: Evaluation
    gates: list[Gate] = Field(
        description="The rules that a candidate must pass before it goes live. "
        "An index that passes goes live with the live adapter when the night's own adapter is refused, or when none "
        "was trained."
    )
    release: Release
    index: Index
    search: Search
    assistant: Assistant
    schedule: Schedule

    @field_validator("projects")
    @classmethod
    def _leaves_own_folders(cls, value: dict[str, Source]) -> dict[str, Source]:
        for name in RESERVED & value.keys():
            raise ValueError(f"`{name}` is a folder of data/ that Nocturne uses itself; choose another project name")
        return value

    @field_validator("gates")
    @classmethod
    def _an_improvement_is_required(cls, value: list[Gate]) -> list[Gate]:
        names = [gate.name for gate in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two gates are called `{twice[0]}`; give each its own name")
        if not any(gate.against == "base" and gate.severity == "block" for gate in value):
            raise ValueError(
                "no gate requires an improvement over the base; add one with against: base and severity: block"
            )
        return value

    @model_validator(mode="after")
    def _gates_have_something_to_judge(self) -> "Params":
        if not self.evaluation.memorisation_examples and any(gate.metric == "memorisation" for gate in self.gates):
            raise ValueError(
                "a gate needs memorisation, and evaluation.memorisation_examples is 0; raise it, or remove the gate"
            )
        return self

    def forgotten(self, name: str) -> list[str]:
        """What of a project must never be read again."""
        return self.projects[name].forget if name in self.projects else []

    def project(self, name: str, workspace: Path) -> Project:
        """The project of this name.

        Raises:
            UsageError: there is no such project; the most similar name is proposed.
        """
        if name not in self.projects:
            similar = difflib.get_close_matches(name, self.projects, 1)
            asked = f"Did you mean `{similar[0]}`? To add another: " if similar else "Add it: "
            raise UsageError(
                f"There is no project `{name}`; the projects are {', '.join(self.projects) or 'none yet'}.",
                f"{asked}`nocturne add {name} PATH_TO_REPOSITORY`.",
            )
        return Project(name=name, source=source_path(workspace, self.projects[name].source), workspace=workspace)

    def project_at(self, folder: Path, workspace: Path) -> str | None:
        """The name of the project whose source contains a folder, the innermost one; None: no source does."""
        sources = {name: source_path(workspace, project.source) for name, project in self.projects.items()}
        return nearest(sources, folder)

    def default_project(self, folder: Path, workspace: Path) -> str | None:
        """What a command without a name means: the project around the folder, else the first one, if there is any."""
        return self.project_at(folder, workspace) or next(iter(self.projects), None)
