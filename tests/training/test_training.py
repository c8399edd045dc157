import contextlib
import json
import shutil

import pytest
from conftest import NANO_CODER, ROOT

from pipelines.errors import NocturneError
from pipelines.model.base import load_tokenizer
from pipelines.model.causal import CausalLM
from pipelines.model.prompts import chat, fim_tokens
from pipelines.params import load_params
from pipelines.records import tree_sha256
from pipelines.training import checkpoints
from pipelines.training.adapter import IGNORED, tokenised, train

PARAMS = load_params(ROOT).training.model_copy(
    update={"base_model": str(NANO_CODER), "max_steps": 8, "batch_size": 4, "checkpoint_steps": 3, "epochs": 50.0}
)


class Recorded:
    """Stands where MLflow stands; raises after so many logs, as a crash would."""

    def __init__(self, crash_at=None):
        self.steps = []
        self.crash_at = crash_at

    def metrics(self, values, step):
        self.steps.append(step)
        if self.crash_at is not None and step >= self.crash_at:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def examples():
    tokenizer = load_tokenizer(str(NANO_CODER), ROOT)
    fim = fim_tokens(tokenizer)
    made = []
    for n in range(20):
        made.append((chat(tokenizer, f"Write the body of `lunar_{n}`."), f"    return moon.phase({n}) + tide({n})\n"))
        made.append((fim.psm(f"def tide_{n}(", "):\n    pass\n"), f"moon, height={n}"))
    ids = {"path": "a.py", "start_line": 1}
    return [{"example_id": str(n), "prompt": p, "completion": c, **ids} for n, (p, c) in enumerate(made)]


@pytest.fixture(scope="module")
def uninterrupted(examples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    done = train(examples, PARAMS, ROOT, folder / "checkpoints", folder / "adapter", Recorded())
    return done, folder / "adapter"


def test_the_loss_sees_the_completion_and_its_end_and_nothing_else(examples):
    tokenizer = load_tokenizer(str(NANO_CODER), ROOT)
    for row, example in zip(tokenised(examples, tokenizer, 1024), examples, strict=True):
        learned = [token for token in row["labels"] if token != IGNORED]
        assert tokenizer.decode(learned[:-1]) == example["completion"]
        assert tokenizer.decode(learned[-1:]) in ("<|im_end|>", "<|endoftext|>")


def test_an_example_without_anything_to_learn_is_an_error(examples):
    tokenizer = load_tokenizer(str(NANO_CODER), ROOT)
    with pytest.raises(NocturneError, match=r"Example 0 \(a.py:1\) has an empty loss mask"):
        tokenised([{**examples[0], "completion": ""}], tokenizer, 1024)


def test_training_teaches_what_it_is_shown(examples, uninterrupted):
    _, adapter = uninterrupted
    model = CausalLM.load(str(NANO_CODER), adapter, ROOT, threads=2)
    pairs = [(example["prompt"], example["completion"]) for example in examples]
    assert sum(model.score(pairs, adapted=True)) < 0.9 * sum(model.score(pairs, adapted=False))


def test_the_adapter_is_its_two_files_and_names_no_path(uninterrupted):
    _, adapter = uninterrupted
    assert sorted(f.name for f in adapter.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"] is None


def test_an_interrupted_training_resumes_to_the_same_adapter(examples, uninterrupted, tmp_path):
    done, adapter = uninterrupted
    with contextlib.suppress(KeyboardInterrupt):
        train(examples, PARAMS, ROOT, tmp_path / "checkpoints", tmp_path / "adapter", Recorded(crash_at=5))
    assert not (tmp_path / "adapter").exists()
    resumed = train(examples, PARAMS, ROOT, tmp_path / "checkpoints", tmp_path / "adapter", Recorded())
    assert resumed.resumed_at == 3
    assert resumed.steps == done.steps
    assert resumed.log == done.log
    assert tree_sha256(tmp_path / "adapter") == tree_sha256(adapter)


def test_a_torn_checkpoint_is_passed_over(tmp_path):
    for step in (5, 10, 15):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "state.pt").write_bytes(b"x" * 100)
        if step < 15:
            checkpoints.seal(folder)
    assert checkpoints.latest(tmp_path).name == "checkpoint-10"
    (tmp_path / "checkpoint-10" / "state.pt").write_bytes(b"x" * 99)
    assert checkpoints.latest(tmp_path).name == "checkpoint-5"
    shutil.rmtree(tmp_path / "checkpoint-5")
    assert checkpoints.latest(tmp_path) is None
