"""What the candidate may be compared with: never on files that the champion has learned by heart."""

from types import SimpleNamespace

import pytest
from conftest import ROOT

from pipelines.config.load import load_params
from pipelines.errors import NocturneError
from pipelines.night.champion_eval import score_champion
from pipelines.project import Project
from pipelines.records import write_json, write_jsonl
from pipelines.registry.releases import CHAMPION, Releases

PARAMS = load_params(ROOT)
TONIGHT = SimpleNamespace(training={"identity": "tonight"})


@pytest.fixture
def project(tmp_path):
    made = Project("moon", tmp_path, tmp_path)
    write_jsonl(made.path("evaluation", "scores.jsonl"), exam())
    return made


def exam():
    return [{"example_id": name, "path": f"{name}.py"} for name in "abc"]


@pytest.fixture
def live(tmp_path, monkeypatch):
    """Makes a champion live that was trained on these files; says what of the exam it was asked for."""
    asked = []

    def examined(project, params, adapter, base_model, arms, metrics):
        asked.append((arms, metrics))
        return exam()

    def made(*trained, training="earlier"):
        write_json(tmp_path / "adapter" / "training.json", {"paths": list(trained)})
        release = SimpleNamespace(
            version=4, adapter=tmp_path / "adapter", base_model="base", manifest=SimpleNamespace(training=training)
        )
        monkeypatch.setattr(Releases, "at", lambda self, alias: release)
        monkeypatch.setattr("pipelines.evaluation.eval_set.evaluate_adapter", examined)
        return asked

    return made


def with_gates(*changes):
    """The shipped values with more gates, each like the one against the champion but for these keys."""
    champion = next(gate for gate in PARAMS.gates if gate.against == "champion")
    return PARAMS.model_copy(update={"gates": [*PARAMS.gates, *(champion.model_copy(update=one) for one in changes)]})


def scored(project, params=PARAMS):
    return score_champion(project, params, Releases(project).at(CHAMPION), TONIGHT)


def test_without_a_champion_there_is_nothing_to_compare(project):
    assert scored(project).skipped == "there is no champion yet"


def test_the_same_adapter_is_not_compared_with_itself(project, live):
    live(training="tonight")
    assert "release 4 has the same adapter" in scored(project).skipped


def test_files_that_the_champion_was_trained_on_are_left_out(project, live):
    live("b.py", "z.py")
    assert list(scored(project).records) == ["a", "c"]


def test_the_champion_takes_only_what_gates_ask_for(project, live):
    asked = live()
    more = {"name": "writes as well", "metric": "edit_similarity", "arm": "adapter+rag"}
    for params in (PARAMS, with_gates(more)):
        scored(project, params)
    both = ["bits_per_byte", "edit_similarity"]
    assert asked == [(["adapter"], ["bits_per_byte"]), (["adapter", "adapter+rag"], both)]


def test_the_champion_is_not_loaded_when_no_gate_asks_for_it(project, live):
    asked = live()
    params = PARAMS.model_copy(update={"gates": [gate for gate in PARAMS.gates if gate.against != "champion"]})
    assert scored(project, params).skipped == "no gate asks for the champion"
    assert asked == []


def test_a_champion_that_knows_every_held_out_file_is_not_compared(project, live):
    asked = live("a.py", "b.py", "c.py")
    rival = scored(project)
    assert (rival.records, asked) == (None, [])
    assert "every file that is held out" in rival.skipped


def test_a_champion_that_cannot_be_loaded_does_not_stop_every_later_release(project, live, monkeypatch):
    def broken(*_):
        raise NocturneError("The adapter is gone.", "Promote another.")

    live()
    monkeypatch.setattr("pipelines.evaluation.eval_set.evaluate_adapter", broken)
    assert "could not be measured: The adapter is gone." in scored(project).skipped
