"""What the candidate may be compared with: never on files that the champion has learned by heart."""

from types import SimpleNamespace

import pytest
from conftest import ROOT

from pipelines.errors import NocturneError
from pipelines.params import load_params
from pipelines.project import Project
from pipelines.records import write_json, write_jsonl
from pipelines.registry.releases import Releases
from pipelines.release.champion import measured

PARAMS = load_params(ROOT)
TONIGHT = SimpleNamespace(training={"identity": "tonight"})


@pytest.fixture
def project(tmp_path):
    made = Project("moon", tmp_path, tmp_path)
    write_jsonl(made.path("evaluation", "scores.jsonl"), [{"path": f"{name}.py"} for name in "abc"])
    return made


@pytest.fixture
def live(tmp_path, monkeypatch):
    """Makes a champion live that was trained on these files; scoring it gives 1.0, 2.0, 3.0 bits."""

    def made(*trained, training="earlier"):
        write_json(tmp_path / "adapter" / "training.json", {"paths": list(trained)})
        release = SimpleNamespace(
            version=4, adapter=tmp_path / "adapter", base_model="base", manifest=SimpleNamespace(training=training)
        )
        monkeypatch.setattr(Releases, "at", lambda self, alias: release)
        monkeypatch.setattr("pipelines.evaluation.arms.score_adapter", lambda *_: [1.0, 2.0, 3.0])

    return made


def test_without_a_champion_there_is_nothing_to_compare(project):
    assert measured(project, PARAMS, TONIGHT).skipped == "there is no champion yet"


def test_the_same_adapter_is_not_compared_with_itself(project, live):
    live(training="tonight")
    assert "release 4 has the same adapter" in measured(project, PARAMS, TONIGHT).skipped


def test_files_that_the_champion_was_trained_on_are_left_out(project, live):
    live("b.py", "z.py")
    rival = measured(project, PARAMS, TONIGHT)
    assert [score["path"] for score in rival.scores] == ["a.py", "c.py"]
    assert rival.bits == [1.0, 3.0]


def test_a_champion_that_knows_every_held_out_file_is_not_compared(project, live):
    live("a.py", "b.py", "c.py")
    rival = measured(project, PARAMS, TONIGHT)
    assert rival.bits is None
    assert "every file that is held out" in rival.skipped


def test_a_champion_that_cannot_be_loaded_does_not_stop_every_later_release(project, live, monkeypatch):
    def broken(*_):
        raise NocturneError("The adapter is gone.", "Promote another.")

    live()
    monkeypatch.setattr("pipelines.evaluation.arms.score_adapter", broken)
    assert "could not be measured: The adapter is gone." in measured(project, PARAMS, TONIGHT).skipped
