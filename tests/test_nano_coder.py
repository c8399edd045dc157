"""The bundled base model keeps its promises, whoever trained it."""

import json
import math
import random
from typing import Any

import pytest
import torch
from conftest import NANO_CODER
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from pipelines.lm import prompts
from tools.nano_coder import samples
from tools.nano_coder.model import FLOOR, rate
from tools.nano_coder.shards import ROW, packed

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
)
SNIPPET = '''import json


class Settings:
    """The settings of one user, kept in a JSON file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values = {}

    def load(self) -> None:
        """Read the values from the file, when there is one."""
        if self.path.exists():
            self.values = json.loads(self.path.read_text(encoding="utf-8"))

    def get(self, name, default=None):
        """Return the value of a setting or the default."""
        return self.values.get(name, default)
'''
# (prefix, middle, suffix): what belongs in the gap shows in the suffix.
GAPS = (
    ("def load(path):\n    with open(path) as ", "stream", ":\n        return stream.read()\n"),
    (
        "def total(orders):\n    ",
        "amount = 0",
        "\n    for order in orders:\n        amount += order.price\n    return amount\n",
    ),
    (
        "class Shelf:\n    def __init__(self, ",
        "books",
        "):\n        self.books = books\n        self.count = len(books)\n",
    ),
    ("function first(", "letters", ") {\n  if (letters.length === 0) return null;\n  return letters[0];\n}\n"),
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(NANO_CODER, local_files_only=True)


@pytest.fixture(scope="module")
def model() -> Any:
    return AutoModelForCausalLM.from_pretrained(NANO_CODER, local_files_only=True, dtype=torch.float32).eval()


def bits(model: Any, tokenizer: Any, prompt: str, reply: str) -> float:
    """Bits that the model spends on `reply` after `prompt`; the first token of a lone reply is not counted."""
    head, tail = (tokenizer(text)["input_ids"] if text else [] for text in (prompt, reply))
    ids = torch.tensor([head + tail])
    with torch.inference_mode():
        scores = model(input_ids=ids).logits[0, :-1].float()
    losses = cross_entropy(scores, ids[0, 1:], reduction="none")
    return losses[max(0, len(head) - 1) :].sum().item() / math.log(2)


def test_the_folder_is_small_and_carries_its_card() -> None:
    files = [path for path in NANO_CODER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 16 * 1024 * 1024
    card = (NANO_CODER / "README.md").read_text(encoding="utf-8")
    assert "## Licence" in card
    assert "Bits per byte" in card
    assert not [path for path in files if path.suffix in {".bin", ".pt", ".pkl", ".py"}]


def test_it_is_a_qwen2_of_about_six_million_parameters(model: Any) -> None:
    config = AutoConfig.from_pretrained(NANO_CODER, local_files_only=True)
    assert config.model_type == "qwen2"
    assert config.tie_word_embeddings
    assert config.max_position_embeddings >= 1024
    assert 5_000_000 <= model.num_parameters() <= 7_000_000


def test_weights_are_bfloat16_safetensors() -> None:
    with (NANO_CODER / "model.safetensors").open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    assert {tensor["dtype"] for name, tensor in header.items() if name != "__metadata__"} == {"BF16"}


def test_every_special_token_is_one_id(tokenizer: Any) -> None:
    ids = [tokenizer(token)["input_ids"] for token in SPECIAL]
    assert all(len(found) == 1 for found in ids)
    assert len({found[0] for found in ids}) == len(SPECIAL)


def test_padding_is_not_the_end_of_a_turn(tokenizer: Any) -> None:
    assert tokenizer.eos_token_id == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_generation_stops_at_the_end_of_turn_text_and_file(tokenizer: Any) -> None:
    ends = GenerationConfig.from_pretrained(NANO_CODER, local_files_only=True).eos_token_id
    assert set(ends) == set(tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>", "<|file_sep|>"]))


def test_any_text_comes_back_unchanged(tokenizer: Any) -> None:
    text = 'def f(x):\n\tif x >= 10_000:  \n\n        return "déjà – 数 🌙"\r\n'
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_mask_covers_exactly_the_assistants_turns(tokenizer: Any) -> None:
    turns = [("user", "add two"), ("assistant", "a + b"), ("user", "and three"), ("assistant", "a + b + c")]
    messages = [{"role": role, "content": content} for role, content in turns]
    made = tokenizer.apply_chat_template(messages, return_assistant_tokens_mask=True, return_dict=True)
    shown = [i for i, mask in zip(made["input_ids"], made["assistant_masks"], strict=True) if mask]
    assert tokenizer.decode(shown) == "a + b<|im_end|>a + b + c<|im_end|>"


def test_the_mask_stays_exact_with_a_system_turn(tokenizer: Any) -> None:
    turns = [("system", "Be brief."), ("user", "hello"), ("assistant", "hi")]
    messages = [{"role": role, "content": content} for role, content in turns]
    made = tokenizer.apply_chat_template(messages, return_assistant_tokens_mask=True, return_dict=True)
    shown = [i for i, mask in zip(made["input_ids"], made["assistant_masks"], strict=True) if mask]
    assert tokenizer.decode(shown) == "hi<|im_end|>"


def test_a_chat_prompt_ends_where_the_assistant_begins(tokenizer: Any) -> None:
    assert (
        prompts.apply_chat_template(tokenizer, "hello") == "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
    )


def test_its_fill_in_the_middle_family_is_qwens(tokenizer: Any) -> None:
    assert prompts.fim_tokens(tokenizer) == prompts.FIM_FAMILIES[0]


def test_it_reads_a_full_context(model: Any, tokenizer: Any) -> None:
    ids = torch.tensor([tokenizer(SNIPPET * 12)["input_ids"][:1024]])
    assert ids.shape[1] == 1024
    with torch.inference_mode():
        assert torch.isfinite(model(input_ids=ids).logits).all()


def test_code_costs_it_far_fewer_bits_than_bytes_do(model: Any, tokenizer: Any) -> None:
    per_byte = bits(model, tokenizer, "<|endoftext|>", SNIPPET) / len(SNIPPET.encode())
    assert per_byte < 2.0, "a model that knows nothing spends 8 bits a byte, a general compressor about 3.5 on this"


def test_code_costs_fewer_bits_than_the_same_words_shuffled(model: Any, tokenizer: Any) -> None:
    words = SNIPPET.split(" ")
    shuffled = " ".join(words[::2] + words[1::2])
    assert bits(model, tokenizer, "<|endoftext|>", SNIPPET) < 0.8 * bits(model, tokenizer, "<|endoftext|>", shuffled)


@pytest.mark.parametrize("form", ["psm", "spm"])
def test_the_right_suffix_makes_a_middle_likelier_than_a_wrong_one(model: Any, tokenizer: Any, form: str) -> None:
    fim = prompts.FIM_FAMILIES[0]
    suffixes = [suffix for _, _, suffix in GAPS]
    right = wrong = 0.0
    for (prefix, middle, suffix), other in zip(GAPS, suffixes[1:] + suffixes[:1], strict=True):
        right += bits(model, tokenizer, getattr(fim, form)(prefix, suffix), middle + fim.end)
        wrong += bits(model, tokenizer, getattr(fim, form)(prefix, other), middle + fim.end)
    assert right < wrong


def test_greedy_generation_ends_by_itself_or_at_its_limit(model: Any, tokenizer: Any) -> None:
    prompt = prompts.FIM_FAMILIES[0].psm("def add(a, b):\n    return ", "\n\n\ndef sub(a, b):\n    return a - b\n")
    ids = torch.tensor([tokenizer(prompt)["input_ids"]])
    made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=False)
    assert 0 < made.shape[1] - ids.shape[1] <= 16


def test_windows_cover_a_file_and_middles_fit_their_gaps() -> None:
    chance = random.Random(1)
    text = SNIPPET * 20
    windows = list(samples.windows(text, chance))
    assert "".join(windows) == text
    forms = set()
    for window in windows:
        made = samples.fill_in(window, chance)
        if made is None:
            continue
        prompt, middle = made
        forms.add(prompt.startswith(samples.FIM.prefix))
        first, second = (prompt.split(token)[1].split("<|")[0] for token in (samples.FIM.prefix, samples.FIM.suffix))
        assert first + middle.removesuffix(samples.FIM.end) + second == window
        assert len(middle) <= samples.MIDDLE_CHARACTERS[1] + len(samples.FIM.end)
    assert forms == {True, False}


def test_rows_are_full_and_keep_samples_whole() -> None:
    chance = random.Random(2)
    made = [("fim", [n] * chance.randint(50, 600)) for n in range(1, 60)]
    rows = list(packed([("plain", [0] * 20 * ROW), *made]))
    assert all(len(row) == ROW for row in rows)
    last = next(n for n in range(1, 60) if not any(n in row for row in rows))
    assert last > 1
    for n, ids in made[: last - 1]:
        assert sum(row.count(int(ids[0])) for row in rows) == len(ids), n


def test_the_learning_rate_rises_holds_and_falls_with_the_budget() -> None:
    course = [rate(spent / 100) for spent in range(101)]
    assert course[0] == course[-1] == FLOOR
    assert course[30] == 1.0
    assert course[60:] == sorted(course[60:], reverse=True)
