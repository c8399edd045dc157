"""A whole small night, by itself, on every language that is read, with a history that takes things back."""

from pathlib import Path

import pytest
from conftest import NANO_CODER, ROOT, with_database
from small_repositories import CODE, PROSE, functions, with_history

from pipelines.index import own_index
from pipelines.model.encoder import load_encoder
from pipelines.params import Params, load_params
from pipelines.project import Project
from pipelines.records import Record, read_json, read_jsonl
from pipelines.stage import load

NIGHT = ("snapshot", "extraction", "history", "embedding", "dataset", "validation", "training", "evaluation")
SMALL = {
    "dataset": {"retrieval_examples": 4, "holdout": 0.3},
    "embedding": {"variant": "static"},
    "training": {"base_model": str(NANO_CODER), "max_steps": 2, "batch_size": 2, "threads": 1},
    "evaluation": {
        "max_examples": 6,
        "generate_examples": 2,
        "max_new_tokens": 4,
        "retrieval_questions": 6,
        "memorisation_examples": 0,
        "bootstrap": 100,
    },
}


@pytest.fixture(scope="module")
def params() -> Params:
    shipped = load_params(ROOT)
    return shipped.model_copy(
        update={name: getattr(shipped, name).model_copy(update=values) for name, values in SMALL.items()}
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Path:
    return with_database(tmp_path_factory.mktemp("workspace"), mlflow_database)


def night(name: str, source: Path, workspace: Path, params: Params) -> Project:
    project = Project(name, source, workspace)
    for stage in NIGHT:
        load(stage).run(project, params)
    return project


def rows(project: Project, *parts: str) -> list[Record]:
    return list(read_jsonl(project.path(*parts)))


def found(project: Project, question: str) -> list[str]:
    """The paths of what a search finds first."""
    encoder = load_encoder(read_json(project.path("embedding", "embedding.json"))["model"])
    (vector,) = encoder.encode_queries([question])
    with own_index(project) as index:
        return [hit.path for hit in index.search(question, vector, 3)]


@pytest.mark.parametrize("name", CODE)
def test_a_night_on_one_language_learns_its_code_its_history_and_finds_it(name, tmp_path, workspace, params):
    language, write = CODE[name]
    project = night(f"code-{list(CODE).index(name)}", with_history(tmp_path / "source", write), workspace, params)

    symbols = [one for one in rows(project, "extraction", "symbols.jsonl") if one["kind"] in ("function", "method")]
    assert {one["language"] for one in symbols} == {language}
    assert len(symbols) == 24 and all(one["doc"] for one in symbols)
    assert rows(project, "extraction", "skipped.jsonl") == []

    edits = rows(project, "history", "edits.jsonl")
    assert [(edit["language"], edit["fate"]) for edit in edits] == [
        (language, ""),
        (language, ""),
        (language, "fixed"),
        (language, "reverted"),
    ]
    assert edits[0]["path"] == edits[0]["path_then"] and "Old" in edits[0]["path"]

    train, holdout = rows(project, "dataset", "train.jsonl"), rows(project, "dataset", "holdout.jsonl")
    assert {one["language"] for one in train} == {one["language"] for one in holdout} == {language}
    assert {"explain", "implement", "complete"} <= {one["task"] for one in train}
    assert read_json(project.path("training", "adapter", "learned.json"))["kind"] == "adapter"

    measured = read_json(project.path("evaluation", "evaluation.json"))
    assert measured
    wanted = functions(5)[1]
    assert any(path in write(5) for path in found(project, f"{wanted.doc} {wanted.name}"))
