"""Going back brings the answers back: two adapters on a tiny base model, two indexes by the real encoder."""

import json
from dataclasses import asdict, replace

import pytest
from conftest import make_repository, make_workspace
from release.night_results import GATES, candidate_of, some_chunks, write_night
from tiny_model import make_adapter, make_base

from pipelines.assistant.answer import ask
from pipelines.assistant.complete import complete
from pipelines.assistant.search import search
from pipelines.config.load import load_params
from pipelines.embedding.stage import run as embed
from pipelines.records import write_jsonl
from pipelines.registry.releases import Releases
from pipelines.release import retention
from pipelines.release.publish import publish_candidate, rollback

QUESTION = "what does release return?"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rollback")
    source = make_repository(folder / "source", {"src/a.py": "def a(value):\n    return value\n"})
    place = make_workspace(
        folder / "workspace", {"moon": source}, assistant={"max_new_tokens": 12}, release={"keep": 1}
    )
    make_base(place / "base")
    return place


def released(project, params, word, noise):
    write_night(project, word)
    write_jsonl(project.path("extraction", "chunks.jsonl"), some_chunks(f"release_{word}"))
    write_jsonl(project.path("extraction", "symbols.jsonl"), [])
    embed(project, params)
    make_adapter(project.path("training", "adapter"), project.workspace / "base", noise)
    now = candidate_of(project, word)
    now = replace(now, training={**now.training, "base_model": "base"})
    return publish_candidate(Releases(project), params, now, True, GATES).release


def answers(project, params):
    """Everything that the day side says, as bytes; the model decodes greedily."""
    live = Releases(project).champion()
    said = {
        "search": [asdict(hit) for hit in search(project, params, live, QUESTION, 5)],
        "quoted": asdict(ask(project, params, live, QUESTION, generate=False)),
        "written": asdict(ask(project, params, live, QUESTION, generate=True)),
        "completed": asdict(complete(project, params, live, "src/a.py", 1)),
    }
    assert said["written"]["notices"] == said["completed"]["notices"] == []
    return {name: json.dumps(value).encode() for name, value in said.items()}


def test_a_rollback_gives_the_answers_byte_for_byte_that_were_given_when_it_was_live(place):
    params = load_params(place)
    project = params.project("moon", place)
    first = released(project, params, "one", 0.3)
    then = answers(project, params)
    second = released(project, params, "two", 0.6)
    later = answers(project, params)
    assert all(then[name] != later[name] for name in then)
    retention.clear(Releases(project), params, at_once=True)
    assert rollback(Releases(project), params, None).version == first
    assert answers(project, params) == then
    assert rollback(Releases(project), params, second).version == second
    assert answers(project, params) == later
