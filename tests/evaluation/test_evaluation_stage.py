"""The stage on a real base model, a real adapter, the real index and the real encoder."""

import shutil

import pytest
from night_files import ROOT, params, write
from tiny_model import make_adapter, make_base

from pipelines.evaluation.arms import score_adapter
from pipelines.evaluation.stage import run
from pipelines.records import read_json, read_jsonl, tree_sha256

NANO_CODER = ROOT / "data" / "models" / "nano-coder"
BASE = "data/models/base"


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A project that was evaluated once, and the facts."""
    workspace = tmp_path_factory.mktemp("workspace")
    base = workspace / BASE
    if NANO_CODER.is_dir():
        shutil.copytree(NANO_CODER, base)
    else:
        make_base(base)
    project = write(workspace)
    make_adapter(project.path("training", "adapter"), base, noise=0.02)
    return project, run(project, params(BASE))


def test_it_writes_everything_it_promises(night):
    project, facts = night
    made = {path.name for path in project.path("evaluation").iterdir()}
    assert made == {"evaluation.json", "scores.jsonl", "loss.png", "arms.png", "report.html"}
    evaluation = read_json(project.path("evaluation", "evaluation.json"))
    assert evaluation["examples"] == facts["examples"] == 6
    assert evaluation["generated"] == 3
    assert evaluation["files"] == 3
    assert "Only 3 files" in evaluation["note"]
    assert evaluation["with_passages"] > 0
    assert set(evaluation["arms"]["adapter+rag"]) == {
        "bits_per_byte",
        "exact_match",
        "edit_similarity",
        "syntax_validity",
    }
    for figures in evaluation["arms"].values():
        bits = figures["bits_per_byte"]
        assert 0 < bits["low"] < bits["value"] < bits["high"]


def test_the_same_input_makes_the_same_bytes(night):
    project, _ = night
    before = tree_sha256(project.path("evaluation"))
    run(project, params(BASE))
    assert tree_sha256(project.path("evaluation")) == before


def test_an_adapter_scored_for_the_gate_gets_the_bits_it_got_in_the_night(night):
    project, _ = night
    scores = list(read_jsonl(project.path("evaluation", "scores.jsonl")))
    bits = score_adapter(project, params(BASE), project.path("training", "adapter"), BASE)
    assert bits == [score["bits"]["adapter"] for score in scores]


def test_the_adapter_and_the_passages_change_the_bits(night):
    project, _ = night
    scores = list(read_jsonl(project.path("evaluation", "scores.jsonl")))
    assert all(score["bits"]["adapter"] != score["bits"]["base"] for score in scores)
    assert any(score["bits"]["base+rag"] != score["bits"]["base"] for score in scores)
