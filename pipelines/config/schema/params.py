"""Every value a user sets, checked strictly when it is read: an unknown key or a wrong type is an error."""

import difflib
import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipelines.config.modes import Mode, current_name
from pipelines.errors import UsageError
from pipelines.project import Project, nearest, source_path

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Confidence = Annotated[float, Field(gt=0.5, lt=1)]
Arm = Literal["base", "base+rag", "adapter", "adapter+rag", "index"]
RetrievalMetric = Literal["recall@1", "recall@5", "recall@10", "mrr", "ndcg@10"]
Metric = Literal[
    "bits_per_byte",
    "exact_match",
    "edit_similarity",
    "chrf",
    "syntax_validity",
    "consistency",
    "pattern_adherence",
    "memorisation",
    "forgetting",
    "recall@1",
    "recall@5",
    "recall@10",
    "mrr",
    "ndcg@10",
]
CRON_RULE = "it takes five fields of numbers, names, *, ranges, lists and steps, L for a month's last day, 5#1"
COMMIT = r"[0-9a-f]{7,64}"
NAME_RULE = r"^[a-z0-9][a-z0-9_-]{0,62}$"
RESERVED = {"models", "live"}


class Section(BaseModel):
    """A frozen part of params.yaml without room for unknown keys. No key has a default here: shipped.yaml has them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Source(Section):
    """One project: where its repository is, and what of it is never read: patterns as in .gitignore, or blobs."""

    source: Annotated[str, Field(min_length=1)]
    forget: list[str] = []


class Snapshot(Section):
    """Which tracked files are read: patterns as in .gitignore."""

    include: list[str]
    exclude: list[str]


class Extraction(Section):
    """How files become symbols and chunks."""

    max_file_kb: Count
    max_data_kb: Count
    chunk_chars: Annotated[int, Field(ge=200)]
    overlap_chars: Annotated[int, Field(ge=0)]
    generated: Literal["skip", "read"]
    vendored: Literal["skip", "read"]

    @model_validator(mode="after")
    def _overlap_is_smaller(self) -> "Extraction":
        if self.overlap_chars * 2 > self.chunk_chars:
            raise ValueError("extraction.overlap_chars must be at most half of extraction.chunk_chars")
        return self


class History(Section):
    """Which commits are learned from."""

    commits: Annotated[int, Field(ge=0)]
    max_files: Count
    min_message_chars: Count
    fixed_within_days: Annotated[int, Field(ge=0)]


class Cleaning(Section):
    """What is kept out of everything that is learned, and how."""

    secrets: Literal["redact", "quarantine"]
    personal: Literal["redact", "quarantine", "keep"]
    ip_addresses: bool
    licenses: list[Annotated[str, Field(min_length=1)]]


class Recipes(Section):
    """Of each recipe the share of its examples that is kept; 0 switches it off."""

    explain: Share
    implement: Share
    fim: Share
    fim_block: Share
    context: Share
    tests: Share
    retrieval: Share
    questions: Share
    commit_edits: Share
    preference_pairs: Share

    def on(self) -> list[str]:
        """The names of the recipes of examples that are switched on; `preference_pairs` makes pairs."""
        return [name for name, share in self.model_dump().items() if share and name != "preference_pairs"]

    @model_validator(mode="after")
    def _one_is_on(self) -> "Recipes":
        if not self.on():
            raise ValueError("dataset.recipes: every recipe is switched off; give one a share above 0")
        return self


class Dataset(Section):
    """How symbols become examples."""

    recipes: Recipes
    split: Literal["file", "list", "time"]
    holdout: Annotated[float, Field(gt=0, lt=1)]
    holdout_files: list[str]
    split_after: str
    near_duplicate: Share
    min_quality: Share
    min_doc_chars: Annotated[int, Field(ge=1)]
    max_example_tokens: Annotated[int, Field(ge=64)]
    fim_per_kb: Annotated[float, Field(ge=0)]
    fim_window_chars: Annotated[int, Field(ge=100)]
    fim_block_per_kb: Annotated[float, Field(ge=0)]
    context_tokens: Count
    retrieval_examples: Annotated[int, Field(ge=0)]
    seed: int

    @field_validator("split_after", mode="before")
    @classmethod
    def _is_a_moment(cls, value: Any) -> Any:
        """YAML reads an unquoted date as one."""
        text = value.isoformat() if isinstance(value, date) else value
        if isinstance(text, str) and text and not re.fullmatch(COMMIT, text):
            try:
                datetime.fromisoformat(text if "-" in text else "")
            except ValueError:
                raise ValueError(
                    "not an ISO date such as 2026-11-01 or 2026-11-01T18:00:00+01:00, nor a commit"
                ) from None
        return text

    @model_validator(mode="after")
    def _split_has_what_it_needs(self) -> "Dataset":
        if self.split == "list" and not self.holdout_files:
            raise ValueError("dataset.split is list: name the files in dataset.holdout_files")
        if self.split == "time" and not self.split_after:
            raise ValueError("dataset.split is time: name an ISO date or a commit in dataset.split_after")
        return self


class Validation(Section):
    """What a dataset must be."""

    min_examples: Count
    min_holdout: Count
    max_duplicate_share: Share
    max_contamination: Share
    max_task_share: Share
    max_quarantined_share: Share
    max_drift: Share
    max_drift_fail: Share

    @model_validator(mode="after")
    def _a_warning_comes_first(self) -> "Validation":
        if self.max_drift > self.max_drift_fail:
            raise ValueError("validation.max_drift must be at most validation.max_drift_fail")
        return self


class Training(Section):
    """How a base model is trained; the names are PEFT's, TRL's and transformers'."""

    mode: Mode
    base_model: Annotated[str, Field(min_length=1)]
    rank: Count
    alpha: Count
    dropout: Annotated[float, Field(ge=0, lt=1)]
    targets: str | list[str]
    use_rslora: bool
    use_dora: bool
    warm_start: bool
    learning_rate: Annotated[float, Field(gt=0)]
    warmup_share: Share
    epochs: Annotated[float, Field(gt=0)]
    max_steps: Count
    batch_size: Count
    early_stopping_patience: Annotated[int, Field(ge=0)]
    min_new_tokens: Annotated[int, Field(ge=0)]
    min_preferences: Annotated[int, Field(ge=0)]
    checkpoint_steps: Count
    processes: int | Literal["auto"]
    threads: Count
    seed: int

    @field_validator("mode", mode="before")
    @classmethod
    def _former_names_count(cls, value: Any) -> Any:
        return current_name(value)

    @field_validator("processes", mode="before")
    @classmethod
    def _is_a_count_or_auto(cls, value: Any) -> Any:
        if value != "auto" and (type(value) is not int or value < 1):
            raise ValueError("neither a number from 1, nor auto")
        return value

    @model_validator(mode="after")
    def _processes_share_a_batch(self) -> "Training":
        if self.processes != "auto" and self.batch_size % self.processes:
            raise ValueError(
                f"training.batch_size ({self.batch_size}) must be a multiple of training.processes ({self.processes})"
            )
        return self


class Embedding(Section):
    """The encoder of chunks and queries."""

    model: Annotated[str, Field(min_length=1)]
    variant: Literal["auto", "fp32", "bf16", "int8", "static"]
    trust_remote_code: bool
    batch_size: Count

    @field_validator("model")
    @classmethod
    def _names_no_variant(cls, value: str) -> str:
        if "@" in value:
            raise ValueError("a model without its variant; that is embedding.variant")
        return value


class Evaluation(Section):
    """How the four arms are compared."""

    max_examples: Count
    generate_examples: Annotated[int, Field(ge=0)]
    max_new_tokens: Count
    context_passages: Count
    context_chars: Count
    retrieval_questions: Annotated[int, Field(ge=0)]
    memorisation_examples: Annotated[int, Field(ge=0)]
    bootstrap: Annotated[int, Field(ge=100)]
    confidence: Confidence
    seed: int


class Gate(Section):
    """One rule that a candidate is held to; `pipelines/gates/rules.py` says when it passes."""

    name: Annotated[str, Field(min_length=1)]
    metric: Metric
    arm: Arm
    against: float | Literal["base", "champion"]
    margin: Annotated[float, Field(ge=0)]
    confidence: Confidence
    severity: Literal["block", "warn"]

    @field_validator("against", mode="before")
    @classmethod
    def _is_a_number_or_a_model(cls, value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number and value not in ("base", "champion"):
            raise ValueError("neither a number, nor base or champion")
        return value

    @model_validator(mode="after")
    def _arms_differ(self) -> "Gate":
        if (self.arm == "index") != (self.metric in get_args(RetrievalMetric)):
            names = ", ".join(get_args(RetrievalMetric))
            raise ValueError(f"arm index and the metrics {names} belong together; this is {self.metric} of {self.arm}")
        if self.arm == "index" and self.against == "base":
            raise ValueError("arm index has no base; hold it against champion (the live index) or a number")
        if self.arm != "index" and isinstance(self.against, str) and not self.arm.startswith("adapter"):
            raise ValueError(f"arm {self.arm} has no adapter; against {self.against} it needs adapter or adapter+rag")
        if self.metric == "forgetting" and (self.arm != "adapter" or self.against == "base"):
            raise ValueError(
                "forgetting is of arm adapter beside its base already; hold it against a number or champion"
            )
        if self.metric == "memorisation" and (self.arm != "adapter" or isinstance(self.against, str)):
            raise ValueError("memorisation is of arm adapter and of its own training files; hold it against a number")
        return self


class Release(Section):
    """How a candidate that passed becomes live, and how many releases are kept."""

    promotion: Literal["auto", "review"]
    keep: Count
    trash_days: Annotated[int, Field(ge=0)]


class Index(Section):
    """Where the live vectors are, how a new version is checked, and what it may take."""

    url: str
    self_check_queries: Count
    memory_mb: Count


class Search(Section):
    """What a search shows, and in which order."""

    min_score: Annotated[float, Field(ge=0, le=1)]
    rerank: str


class Assistant(Section):
    """How questions are answered."""

    answer: Literal["extractive", "generate"]
    passages: Count
    max_new_tokens: Count


class Schedule(Section):
    """When a night begins."""

    cron: str
    timezone: str

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        try:
            CronSim(value, datetime(2026, 1, 1))
        except CronSimError:
            raise ValueError("not a cron expression such as 0 2 * * *") from None
        if lacking := _find_unsupported_cron(value.upper().split()):
            raise ValueError(f"`{lacking}` is not a form that Prefect knows, which begins the nights; {CRON_RULE}")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("not a time zone such as Europe/Vienna") from None
        return value


def _find_unsupported_cron(fields: list[str]) -> str:
    """The part of a cron expression that cronsim reads and Prefect does not, or reads as something else; or ""."""
    if len(fields) != 5:
        return " ".join(fields)  # with seconds, which Prefect looks for at the end
    day, weekday = fields[2], fields[4]
    if "L" in day and day != "L":
        return day
    return weekday if re.search(r"\dL|#.*,|,.*#", weekday) else ""


class Params(Section):
    """The whole of params.yaml."""

    projects: dict[Annotated[str, Field(pattern=NAME_RULE)], Source]
    snapshot: Snapshot
    extraction: Extraction
    history: History

    cleaning: Cleaning
    dataset: Dataset
    validation: Validation
    training: Training
    embedding: Embedding
    evaluation: Evaluation
    gates: list[Gate]
    release: Release
    index: Index
    search: Search
    assistant: Assistant
    schedule: Schedule

    @field_validator("projects")
    @classmethod
    def _leaves_own_folders(cls, value: dict[str, Source]) -> dict[str, Source]:
        for name in RESERVED & value.keys():
            raise ValueError(f"`{name}` is a folder of data/ that Nocturne uses itself; choose another name")
        return value

    @field_validator("gates")
    @classmethod
    def _an_improvement_is_required(cls, value: list[Gate]) -> list[Gate]:
        names = [gate.name for gate in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two gates are called `{twice[0]}`")
        if not any(gate.against == "base" and gate.severity == "block" for gate in value):
            raise ValueError("none of severity block is against base; an improvement over it is required")
        return value

    @model_validator(mode="after")
    def _gates_have_something_to_judge(self) -> "Params":
        if not self.evaluation.memorisation_examples and any(gate.metric == "memorisation" for gate in self.gates):
            raise ValueError("a gate asks for memorisation, which evaluation.memorisation_examples: 0 switches off")
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
            asked = f"Did you mean `{similar[0]}`? To add another: " if similar else ""
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
