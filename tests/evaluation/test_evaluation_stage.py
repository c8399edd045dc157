"""The stage on a real base model, a real adapter, the real index and the real encoder."""

import shutil

import pytest
from night_files import ROOT, STRING, params, write
from tiny_model import make_adapter, make_base

from pipelines.evaluation import forgetting
from pipelines.evaluation.arms import ARMS
from pipelines.evaluation.eval_set import evaluate_adapter
from pipelines.evaluation.stage import run
from pipelines.evaluation.summary import EXAMINED
from pipelines.records import read_json, read_jsonl, tree_sha256, write_jsonl

NANO_CODER = ROOT / "data" / "models" / "nano-coder"
BASE = "data/models/base"


@pytest.fixture(scope="module", autouse=True)
def less_code_in_general(tmp_path_factory):
    """The first excerpt of each language only."""
    few = {one["language"]: one for one in reversed(list(read_jsonl(forgetting.GENERAL)))}
    file = tmp_path_factory.mktemp("general") / "general.jsonl"
    write_jsonl(file, few.values())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forgetting, "GENERAL", file)
        yield


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
    figures = {"evaluation.json", "scores.jsonl", "retrieval.jsonl", "forgetting.jsonl", "suites.jsonl"}
    assert made == {*figures, "memorisation.jsonl", "loss.png", "arms.png", "report.html"}
    evaluation = read_json(project.path("evaluation", "evaluation.json"))
    assert evaluation["examples"] == facts["examples"] == 6
    assert evaluation["generated"] == 3
    scored = {record["path"] for record in read_jsonl(project.path("evaluation", "scores.jsonl"))}
    assert evaluation["files"] == len(scored) > 1
    assert f"Only {len(scored)} files" in evaluation["note"]
    assert evaluation["with_passages"] > 0
    assert set(evaluation["arms"]["adapter+rag"]) == set(EXAMINED)
    assert evaluation["retrieval"]["questions"] == 4
    assert evaluation["retrieval"]["by_language"]["python"]["metrics"]["mrr"]["value"] > 0
    assert set(evaluation["arms"]) == set(ARMS)
    for figures in evaluation["arms"].values():
        bits = figures["bits_per_byte"]
        assert 0 < bits["low"] < bits["value"] < bits["high"]


def test_the_same_input_makes_the_same_bytes_with_and_without_what_was_kept(night):
    project, _ = night
    before = tree_sha256(project.path("evaluation"))
    run(project, params(BASE))
    assert tree_sha256(project.path("evaluation")) == before
    shutil.rmtree(project.cache)
    run(project, params(BASE))
    assert tree_sha256(project.path("evaluation")) == before


def test_an_adapter_examined_for_the_gates_gets_what_it_got_in_the_night(night):
    project, _ = night
    scores = list(read_jsonl(project.path("evaluation", "scores.jsonl")))
    adapter = project.path("training", "adapter")
    again = evaluate_adapter(project, params(BASE), adapter, BASE, ["adapter", "adapter+rag"], ["chrf", "forgetting"])
    general = list(read_jsonl(project.path("evaluation", "forgetting.jsonl")))
    assert general
    assert again[len(scores) :] == general
    asked = again[: len(scores)]
    assert sum("generated" in record for record in asked) == 3
    for score, record in zip(scores, asked, strict=True):
        parts = ("bits", "generated", "metrics") if "generated" in score else ("bits",)
        for part in parts:
            assert set(record[part]) == {"adapter", "adapter+rag"}
            assert record[part] == {arm: score[part][arm] for arm in record[part]}
        assert ("generated" in record) == ("generated" in score)


def test_a_champion_that_no_gate_asks_for_texts_writes_none(night):
    project, _ = night
    again = evaluate_adapter(
        project, params(BASE), project.path("training", "adapter"), BASE, ["adapter"], ["bits_per_byte"]
    )
    assert len([record for record in again if "bits" in record]) == 6
    assert not any("generated" in record for record in again)


def test_the_adapter_is_also_asked_for_code_in_general_and_at_parts_of_its_scale(night):
    project, _ = night
    evaluation = read_json(project.path("evaluation", "evaluation.json"))
    general, scale = evaluation["forgetting"], evaluation["scale"]
    assert set(general["by_language"]) == {"go", "python", "rust"}
    bits = general["bits_per_byte"]
    more = bits["adapter"]["value"] / bits["base"]["value"] - 1
    assert general["forgetting"]["value"] == pytest.approx(more, abs=1e-5)
    assert evaluation["suites"]["arms"]["adapter+rag"]["value"] == 1
    assert scale["examples"] == 9
    assert len({gain["value"] for gain in scale["gains"].values()}) == 4


def test_base_and_adapter_are_asked_for_a_string_of_one_training_file(night):
    project, _ = night
    told = read_json(project.path("evaluation", "evaluation.json"))["memorisation"]
    assert told["extracted"]["strings"] == 1
    asked = next(one for one in read_jsonl(project.path("evaluation", "memorisation.jsonl")) if "extracted" in one)
    assert (asked["path"], asked["expected"]) == ("src/moon.py", STRING)
    assert set(asked["extracted"]) == {"base", "adapter"}


def test_the_adapter_and_the_passages_change_the_bits(night):
    project, _ = night
    scores = list(read_jsonl(project.path("evaluation", "scores.jsonl")))
    assert all(score["bits"]["adapter"] != score["bits"]["base"] for score in scores)
    assert any(score["bits"]["base+rag"] != score["bits"]["base"] for score in scores)
