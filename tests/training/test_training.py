import json
import shutil

import pytest
from conftest import ROOT

from pipelines.errors import NocturneError
from pipelines.lm.adapter_manifest import AdapterManifest, read_manifest
from pipelines.lm.base_model import load_tokenizer
from pipelines.lm.causal import CausalLM
from pipelines.training import checkpoints
from pipelines.training.tokenize import IGNORED, split_apart, tokenize_examples

pytest_plugins = ["small_training"]


def test_the_loss_sees_the_completion_and_its_end_and_nothing_else(base, examples):
    tokenizer = load_tokenizer(base, ROOT)
    assert examples
    for row, example in zip(tokenize_examples(examples, tokenizer, 1024), examples, strict=True):
        learned = [token for token in row["labels"] if token != IGNORED]
        assert tokenizer.decode(learned[:-1]) == example["completion"]
        assert tokenizer.decode(learned[-1:]) in ("<|im_end|>", "<|endoftext|>")


def test_an_example_without_anything_to_learn_is_an_error(base, examples):
    tokenizer = load_tokenizer(base, ROOT)
    with pytest.raises(NocturneError, match=r"Example 0 \(f0.py:1\) has an empty loss mask"):
        tokenize_examples([{**examples[0], "completion": ""}], tokenizer, 1024)


def test_training_teaches_what_it_is_shown(base, examples, uninterrupted):
    _, adapter = uninterrupted
    model = CausalLM.load(base, adapter, ROOT, threads=1)
    pairs = [(example["prompt"], example["completion"]) for example in examples]
    assert sum(model.score(pairs, adapted=True)) < 0.9 * sum(model.score(pairs, adapted=False))


def test_the_adapter_is_its_two_files_and_says_what_it_is_and_names_no_path(uninterrupted):
    _, adapter = uninterrupted
    made = ["adapter_config.json", "adapter_model.safetensors", "learned.json"]
    assert sorted(f.name for f in adapter.iterdir()) == made
    assert read_manifest(adapter) == AdapterManifest("adapter", quantised=True, folder=adapter)
    assert json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"] is None


def test_a_torn_checkpoint_is_passed_over(tmp_path):
    for step in (5, 10, 15):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "state.pt").write_bytes(b"x" * 100)
        if step < 15:
            checkpoints.seal_checkpoint(folder)
    assert checkpoints.latest_checkpoint(tmp_path).name == "checkpoint-10"
    (tmp_path / "checkpoint-10" / "state.pt").write_bytes(b"x" * 99)
    assert checkpoints.latest_checkpoint(tmp_path).name == "checkpoint-5"
    shutil.rmtree(tmp_path / "checkpoint-5")
    assert checkpoints.latest_checkpoint(tmp_path) is None


def test_files_held_apart_are_whole_and_the_same_every_night(examples):
    trained, apart = split_apart(examples)
    assert trained
    assert {e["path"] for e in trained}.isdisjoint(e["path"] for e in apart)
    assert apart
    assert len(trained) + len(apart) == len(examples)
    again, _ = split_apart([*examples, {**examples[0], "path": "new.py"}])
    assert {e["path"] for e in trained} <= {e["path"] for e in again}


def test_a_dataset_of_one_file_holds_nothing_apart(examples):
    one = [{**example, "path": "a.py"} for example in examples]
    assert split_apart(one) == (one, [])


def test_how_fast_it_went_is_remembered_for_the_next_estimate(trained, examples, tmp_path):
    done = trained(examples, tmp_path, past=tmp_path / "cache")
    kept = json.loads((tmp_path / "cache" / "training-rate.json").read_text())
    assert (kept["machine"], kept["threads"]) == ("the CPU", 1)
    assert kept["rate"] > done.tokens_per_second > 0
    (tmp_path / "cache" / "training-rate.json").unlink()
    trained(examples, tmp_path, past=tmp_path / "cache")  # no step was left to make
    assert not (tmp_path / "cache" / "training-rate.json").exists()


def test_a_training_whose_cache_was_being_deleted_when_it_was_killed_begins_again(tmp_path, monkeypatch):
    cache = tmp_path / "training"
    for name in ("ours", "other"):
        (cache / name / "tuned").mkdir(parents=True)
        (cache / name / "tuned" / "trained.json").write_text("{}")

    def killed(path, ignore_errors=False):
        if path.exists():
            raise KeyboardInterrupt

    for delete in (
        lambda: checkpoints.delete_checkpoints(cache / "ours"),
        lambda: checkpoints.forget_others(cache, ""),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoints.shutil, "rmtree", killed)
            with pytest.raises(KeyboardInterrupt):
                delete()
    assert not (cache / "ours").exists()
    checkpoints.forget_others(cache, "ours")
    assert list(cache.iterdir()) == []
