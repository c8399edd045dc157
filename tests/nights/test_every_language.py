"""A whole small night, by itself, on every language that is read, with a history that takes things back."""

import re
from pathlib import Path

import pytest
from conftest import NANO_CODER, ROOT, make_repository, with_database
from small_repositories import CODE, PROSE, functions, whole, with_history
from tiny_model import make_smaller

from pipelines.config.load import load_params
from pipelines.config.schema import Params
from pipelines.dag.stage import load
from pipelines.encoder.encoder import load_encoder
from pipelines.errors import NocturneError
from pipelines.index import private_index
from pipelines.index.search.query import parse_query
from pipelines.project import Project
from pipelines.records import Record, read_json, read_jsonl

NIGHT = ("snapshot", "extraction", "history", "embedding", "dataset", "validation", "training", "evaluation")
SMALL = {
    "dataset": {"retrieval_examples": 4, "holdout": 0.3},
    "embedding": {"variant": "int8"},
    "training": {"max_steps": 2, "batch_size": 2, "threads": 1},
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
def params(tmp_path_factory: pytest.TempPathFactory) -> Params:
    base = tmp_path_factory.mktemp("base")
    make_smaller(base, NANO_CODER)
    values = {**SMALL, "training": {**SMALL["training"], "base_model": str(base)}}
    shipped = load_params(ROOT)
    return shipped.model_copy(
        update={name: getattr(shipped, name).model_copy(update=values) for name, values in values.items()}
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
    """The paths of what a search finds first; filters as a person types them."""
    encoder = load_encoder(read_json(project.path("embedding", "embedding.json"))["model"])
    asked = parse_query(question)
    (vector,) = encoder.encode_queries([asked.text])
    with private_index(project) as index:
        return [hit.path for hit in index.search(asked.text, vector, 3, asked.scope)]


@pytest.mark.parametrize("name", CODE)
def test_a_night_on_one_language_learns_its_code_its_history_and_finds_it(name, tmp_path, workspace, params):
    language, write = CODE[name]
    project = night(f"code-{list(CODE).index(name)}", with_history(tmp_path / "source", write), workspace, params)

    symbols = [one for one in rows(project, "extraction", "symbols.jsonl") if one["kind"] in ("function", "method")]
    assert {one["language"] for one in symbols} == {language}
    assert len(symbols) == 24
    assert all(one["doc"] for one in symbols)
    assert rows(project, "extraction", "skipped.jsonl") == []

    edits = rows(project, "history", "edits.jsonl")
    assert [(edit["language"], edit["fate"]) for edit in edits] == [
        (language, ""),
        (language, ""),
        (language, "fixed"),
        (language, "reverted"),
    ]
    assert edits[0]["path"] == edits[0]["path_then"]
    assert "Old" in edits[0]["path"]

    train, holdout = rows(project, "dataset", "train.jsonl"), rows(project, "dataset", "holdout.jsonl")
    assert {one["language"] for one in train} == {one["language"] for one in holdout} == {language}
    assert {"explain", "implement", "fim"} <= {one["task"] for one in train}
    assert read_json(project.path("training", "adapter", "learned.json"))["kind"] == "adapter"

    wanted = functions(5)[1]
    assert any(path in write(5) for path in found(project, f"{wanted.doc} {wanted.name}"))


def test_prose_alone_trains_although_its_recipe_keeps_a_small_share_and_is_found(tmp_path, workspace, params):
    assert params.dataset.recipes.questions < 0.5
    project = night("prose", with_history(tmp_path / "source", PROSE, 12), workspace, params)
    train, holdout = rows(project, "dataset", "train.jsonl"), rows(project, "dataset", "holdout.jsonl")
    assert len(train) >= params.validation.min_examples
    assert {one["task"] for one in train} == {one["task"] for one in holdout} == {"questions"}
    assert {one["language"] for one in train} == {"markdown", "restructuredtext"}
    assert read_json(project.path("dataset", "summary.json"))["recipes"]["questions"]["share"] == 1
    assert rows(project, "history", "edits.jsonl") == []
    assert read_json(project.path("training", "adapter", "learned.json"))["kind"] == "adapter"
    assert "docs/" in found(project, f"About {functions(5)[1].name}")[0]


def test_prose_that_is_too_little_says_how_much_there_is_and_what_is_asked_for(tmp_path, workspace, params):
    source = with_history(tmp_path / "source", PROSE, 3)
    with pytest.raises(NocturneError) as error:
        night("little-prose", source, workspace, params)
    assert re.search(r"train\.jsonl has [1-9] examples; validation\.min_examples asks for 20", error.value.fact)
    assert "kept all that it made" in error.value.fact


def test_a_single_file_of_prose_is_said_to_be_one_file(tmp_path, workspace, params):
    source = make_repository(tmp_path / "source", whole(PROSE, 1))
    with pytest.raises(NocturneError) as error:
        night("one-file", source, workspace, params)
    assert "Examples can be made of 1 file:" in error.value.fact


def test_text_beside_code_is_found_by_its_language_and_nothing_is_learned_of_it(tmp_path, workspace, params):
    texts = {
        "deploy/quay.yaml": "# How many cranes the quay has by night.\ncranes: 12\n",
        "deploy/Dockerfile": "FROM debian:13\nRUN install-the-tide-tables --for harbour\n",
        "db/ships.sql": "CREATE TABLE ships (draught_in_fathoms INTEGER);\n",
        "unheard.of": "The lighthouse keeper signs here.\n",
    }
    project = Project("mixed", make_repository(tmp_path / "source", {**whole(CODE["go"][1]), **texts}), workspace)
    for stage in ("snapshot", "extraction", "history", "embedding", "dataset"):
        load(stage).run(project, params)
    assert rows(project, "dataset", "train.jsonl")
    for name in ("train", "holdout", "preferences", "quarantine"):
        assert {one["language"] for one in rows(project, "dataset", f"{name}.jsonl")} <= {"go"}
    assert found(project, "lang:yaml how many cranes by night") == ["deploy/quay.yaml"]
    assert found(project, "lang:docker tide tables") == ["deploy/Dockerfile"]
    assert found(project, "lang:sql draught_in_fathoms") == ["db/ships.sql"]
    assert found(project, "lang:text lighthouse keeper") == ["unheard.of"]
    assert found(project, "draught_in_fathoms")[0] == "db/ships.sql"
