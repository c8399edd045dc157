"""What a candidate was made with, as MLflow records it: the values of params.yaml, the dataset, and the card."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.config.schema import Params
from pipelines.dag import dvc
from pipelines.night.candidate import Candidate
from pipelines.night.model_card import write_model_card
from pipelines.project import Project
from pipelines.records import read_jsonl
from pipelines.registry.manifest import Manifest
from pipelines.registry.runs import CONTEXTS, Context

# What is done with a release, and when, is no part of it.
APART = ("projects", "release", "assistant", "schedule")


def describe_run(project: Project, params: Params, now: Candidate, manifest: Manifest) -> Context:
    """The context of a candidate.

    Raises:
        NocturneError: its dataset cannot be read.
    """
    if not now.dataset_dvc:  # nothing was trained
        return Context(entered_data(project, params), {}, write_model_card(project.name, manifest, now.evaluation, {}))
    kept = dvc.read_stored(project, now.dataset_dvc) or {}
    files = {split: kept.get(f"{split}.jsonl", project.path("dataset", f"{split}.jsonl")) for split in CONTEXTS}
    rows = {split: sum(1 for _ in read_jsonl(file)) for split, file in files.items()}
    data = {split: (file, rows[split]) for split, file in files.items()}
    return Context(entered_data(project, params), data, write_model_card(project.name, manifest, now.evaluation, rows))


def entered_data(project: Project, params: Params) -> dict[str, str]:
    """The values of params.yaml that entered a release, by dotted key, as JSON: what it is compared by."""
    values = params.model_dump()
    values["forget"] = params.forgotten(project.name)
    chosen = {section: value for section, value in values.items() if section not in APART}
    return {key: json.dumps(value) for key, value in _flat(chosen)}


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
