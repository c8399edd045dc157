import math

import pytest
from conftest import NANO_CODER, ROOT

from pipelines.errors import NocturneError
from pipelines.lm.adapter_manifest import write_manifest
from pipelines.lm.base_model import load_tokenizer, model_identity
from pipelines.lm.causal import CausalLM
from pipelines.lm.prompts import apply_chat_template, fim_tokens
from pipelines.lm.tokenize import encode, end_token_id

PAIRS = [
    ("def add(a, b):\n", "    return a + b\n"),
    ("class Stack:\n    def push(self, item):\n", "        self.items.append(item)\n"),
    ("x" * 3000 + "\nfor i in range(10):\n", "    print(i)\n"),
]


@pytest.fixture(scope="module")
def model():
    return CausalLM.load(str(NANO_CODER), None, ROOT, threads=2)


def test_a_completion_costs_the_same_bits_whatever_is_measured_beside_it(model):
    together = model.score(PAIRS, adapted=False)
    alone = [model.score([pair], adapted=False)[0] for pair in PAIRS]
    assert together == pytest.approx(alone, rel=1e-3)
    assert all(0 < bits < 8 * len(completion) for bits, (_, completion) in zip(together, PAIRS, strict=True))


def test_code_costs_less_than_noise(model):
    code, noise = model.score([("def f(n):\n", "    return n\n"), ("def f(n):\n", "  zq!)k(}n@")], adapted=False)
    assert code < noise


def test_generation_is_the_same_alone_and_in_a_batch(model):
    prompts = [prompt for prompt, _ in PAIRS]
    assert model.generate(prompts, 8, adapted=False)[0] == model.generate(prompts[:1], 8, adapted=False)[0]


def test_asking_for_an_adapter_that_is_not_there_is_an_error(model):
    with pytest.raises(ValueError, match="no adapter"):
        model.score(PAIRS[:1], adapted=True)


def test_the_end_token_follows_the_form_of_the_prompt():
    tokenizer = load_tokenizer(str(NANO_CODER), ROOT)
    fim = fim_tokens(tokenizer)
    ends = [
        tokenizer.convert_ids_to_tokens(end_token_id(tokenizer, p))
        for p in (fim.psm("a", "b"), apply_chat_template(tokenizer, "a"))
    ]
    assert ends == [fim.end, tokenizer.eos_token]


@pytest.mark.parametrize("limit", [16, 40, 4000])
def test_what_is_too_long_loses_the_beginning_of_the_prompt(limit):
    tokenizer = load_tokenizer(str(NANO_CODER), ROOT)
    one = encode(tokenizer, "first " * 50 + "last", "done", limit)
    assert len(one.ids) <= limit
    assert tokenizer.decode(one.ids[one.start : one.stop]) == "done"
    assert tokenizer.decode(one.ids[: one.start]).endswith("last")


def test_a_base_model_that_is_nowhere_is_two_lines():
    with pytest.raises(NocturneError, match="no/such-model") as error:
        load_tokenizer("no/such-model", ROOT)
    assert "training.base_model" in error.value.next_step
    assert "\n" not in error.value.fact


def test_an_adapter_that_is_damaged_is_named(tmp_path):
    write_manifest(tmp_path, "adapter", quantised=False)
    (tmp_path / "adapter_config.json").write_text("{")
    with pytest.raises(NocturneError, match="adapter in"):
        CausalLM.load(str(NANO_CODER), tmp_path, ROOT)


def test_the_base_models_identity_follows_its_files(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text("{}")
    before = model_identity("m", tmp_path)
    (tmp_path / "m" / "README.md").write_text("words")
    assert model_identity("m", tmp_path) == before
    (tmp_path / "m" / "config.json").write_text('{"a": 1}')
    assert model_identity("m", tmp_path) != before
    assert model_identity("nowhere/to-be-found", tmp_path) == ""


def test_uniform_guessing_would_cost_log2_of_the_vocabulary(model):
    pair = ("", "import os\n")
    tokens = len(model.tokenizer.encode(pair[1]))
    assert model.score([("#\n", pair[1])], adapted=False)[0] < tokens * math.log2(len(model.tokenizer))
