"""The four ways to train: what each leaves, how it is loaded, and that it is measured against the right base model."""

import json
from functools import partial
from pathlib import Path

import pytest
from conftest import ROOT
from safetensors.torch import load_file
from small_training import PARAMS

from pipelines.dag.stage import load
from pipelines.lm.adapter_manifest import read_manifest
from pipelines.lm.causal import CausalLM
from pipelines.records import read_json, tree_sha256, write_json, write_jsonl
from pipelines.training.setup_model import find_unfit, former_adapter

pytest_plugins = ["small_training"]

SHORT = {"max_steps": 2}


@pytest.fixture
def bits(base):
    """Bits of a few examples under what a folder holds."""
    return partial(scored, base)


def scored(base, folder, examples, adapted=True):
    model = CausalLM.load(base, folder, ROOT, threads=1)
    return sum(model.score([(e["prompt"], e["completion"]) for e in examples[:8]], adapted=adapted))


def test_full_fine_tuning_leaves_a_whole_model_that_is_measured_against_the_dense_base(
    base, bits, trained, examples, tmp_path
):
    trained(examples, tmp_path, mode="full", **SHORT)
    made = tmp_path / "adapter"
    assert {file.name for file in made.iterdir()} == {
        "config.json",
        "generation_config.json",
        "learned.json",
        "model.safetensors",
    }
    assert read_manifest(made).kind == "model"
    weights = load_file(Path(base) / "model.safetensors")
    tuned = load_file(made / "model.safetensors")
    assert {name: (w.shape, w.dtype) for name, w in tuned.items()} == {
        n: (w.shape, w.dtype) for n, w in weights.items()
    }
    assert str(tmp_path) not in (made / "config.json").read_text()
    write_json(tmp_path / "dense" / "learned.json", {"kind": "nothing", "quantised": False})
    assert bits(made, examples) < 0.99 * bits(made, examples, adapted=False)
    assert bits(made, examples, adapted=False) == bits(tmp_path / "dense", examples, adapted=False)


def test_lora_is_put_on_the_base_in_full_precision_and_qlora_on_four_bits(
    bits, trained, examples, tmp_path, uninterrupted
):
    trained(examples, tmp_path, mode="lora", **SHORT)
    _, four_bits = uninterrupted
    dense = bits(tmp_path / "adapter", examples, adapted=False)
    assert read_manifest(tmp_path / "adapter").quantised is False
    assert dense != bits(four_bits, examples, adapted=False)
    assert bits(tmp_path / "adapter", examples) < dense


def test_dora_rslora_and_targets_reach_the_adapter_and_its_saved_form_works(bits, trained, examples, tmp_path):
    changes = {"use_dora": True, "use_rslora": True, "targets": ["q_proj", "v_proj"], "rank": 4}
    trained(examples, tmp_path, **changes, **SHORT)
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["use_dora"], config["use_rslora"], config["r"]) == (True, True, 4)
    assert config["target_modules"] == ["q_proj", "v_proj"]
    assert bits(tmp_path / "adapter", examples) < bits(tmp_path / "adapter", examples, adapted=False)


def test_a_training_that_begins_with_an_adapter_begins_where_that_ended(trained, examples, tmp_path, uninterrupted):
    done, adapter = uninterrupted
    warm = trained(examples, tmp_path, begin_with=adapter, **SHORT)
    first, last = done.log[0]["loss"], done.log[-1]["loss"]
    assert abs(warm.log[0]["loss"] - last) < abs(warm.log[0]["loss"] - first)


def test_preferences_are_a_second_step_that_prefers_what_was_chosen(trained, examples, tmp_path, uninterrupted):
    _, first = uninterrupted
    pairs = [
        {"prompt": e["prompt"], "chosen": e["completion"], "rejected": "    pass\n", "tokens": 60} for e in examples[:8]
    ]
    done = trained(examples, tmp_path, pairs=pairs)
    assert len(done.preferences) == 2
    assert done.preferences[-1]["rewards/margins"] > 0
    assert tree_sha256(tmp_path / "adapter") != tree_sha256(first)
    assert tree_sha256(tmp_path / "checkpoints" / "tuned") != tree_sha256(tmp_path / "checkpoints" / "preferred")


def test_index_only_trains_nothing_and_is_the_same_whatever_the_dataset(base, values, night, examples):
    run = load("training").run
    assert run(night, values(mode="none")) == {"mode": "none", "steps": 0}
    said = read_json(night.path("training", "training.json"))
    assert (said["mode"], said["paths"], said["log"]) == ("none", [], [])
    assert read_manifest(night.path("training", "adapter")).kind == "nothing"
    model = CausalLM.load(base, night.path("training", "adapter"), ROOT, threads=2)
    assert model.adapted is False
    assert model.generate(["def add(a, b):\n"], 4) == model.generate(["def add(a, b):\n"], 4, adapted=False)
    write_jsonl(night.path("dataset", "train.jsonl"), examples[:5])
    run(night, values(mode="none"))
    assert read_json(night.path("training", "training.json"))["identity"] == said["identity"]


def test_a_warm_start_says_from_which_release_and_inherits_the_files_that_it_learned(values, night, uninterrupted):
    _, adapter = uninterrupted
    place = night.path("snapshot", "champion")
    (place / "learned").parent.mkdir(exist_ok=True)
    (place / "learned").symlink_to(adapter)
    write_json(place / "champion.json", {"release": 7, "base_identity": "i", "paths": ["old.py"]})
    facts = load("training").run(night, values(warm_start=True))
    said = read_json(night.path("training", "training.json"))
    assert facts["began_with_release"] == 7
    assert said["warm_start"] == {"release": 7}
    assert "old.py" in said["paths"]


@pytest.mark.parametrize(
    ("changes", "identity", "held_out", "why"),
    [
        ({}, "other", set(), "another base model"),
        ({"rank": 8}, "i", set(), "has r 16"),
        ({"use_dora": True}, "i", set(), "has use_dora False"),
        ({"mode": "full"}, "i", set(), "no adapter is trained"),
        ({}, "i", {"old.py"}, "learned old.py, which is held out tonight"),
        ({}, "i", {"held.py"}, None),
    ],
)
def test_a_warm_start_begins_cold_where_the_champion_does_not_fit(
    tmp_path, uninterrupted, changes, identity, held_out, why
):
    _, adapter = uninterrupted
    (tmp_path / "learned").symlink_to(adapter)
    write_json(tmp_path / "champion.json", {"release": 7, "base_identity": "i", "paths": ["old.py"]})
    reason = find_unfit(former_adapter(tmp_path), PARAMS.model_copy(update=changes), identity, held_out)
    assert reason is None if why is None else why in reason
