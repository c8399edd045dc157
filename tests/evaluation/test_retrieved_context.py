"""Passages before a prompt: as many whole lines as fit, and never at the prompt's cost."""

from dataclasses import dataclass

import pytest
from conftest import Vocabulary
from night_files import CONFIG

from pipelines.evaluation.retrieved_context import add_passages


@dataclass(frozen=True)
class Found:
    path: str
    start_line: int
    end_line: int
    text: str


class Letters(Vocabulary):
    """One token a character."""

    def encode(self, text, add_special_tokens):
        return list(text)

    def apply_chat_template(self, turns, tokenize, add_generation_prompt):
        return f"<user>{turns[0]['content']}</user>"


def prompt_with(example, passages, tokenizer, length, config):
    return add_passages([example], [passages], tokenizer, length, config)[0]


PASSAGE = Found("other.py", 10, 13, "one = 1\ntwo = 2\nthree = 3\nfour = 4")
CHAT = {"mode": "chat", "prompt": "<user>Why?</user>", "request": "Why?", "completion": "Because."}
FIM = {"mode": "psm", "prompt": "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>", "request": "", "completion": "c"}


def test_a_chat_shows_numbered_passages_before_the_request():
    text = prompt_with(CHAT, [PASSAGE], Letters(), 1000, CONFIG)
    assert text == f"<user>[1] other.py:10-13\n```\n{PASSAGE.text}\n```\nWhy?</user>"


def test_fill_in_the_middle_shows_files_before_the_prompt():
    text = prompt_with(FIM, [PASSAGE], Letters(), 1000, CONFIG)
    assert text == f"<|file_sep|>other.py\n{PASSAGE.text}\n<|file_sep|>\n{FIM['prompt']}"


def test_what_does_not_fit_is_cut_at_a_line_and_says_so():
    room = len(CHAT["prompt"]) + len(CHAT["completion"]) + 1
    text = prompt_with(CHAT, [PASSAGE], Letters(), room + 32 + len("one = 1\ntwo = 2\nth"), CONFIG)
    assert "other.py:10-11\n```\none = 1\ntwo = 2\n```" in text


@pytest.mark.parametrize("example", [CHAT, FIM])
def test_without_room_or_hits_the_prompt_is_the_same(example):
    length = len(example["prompt"]) + len(example["completion"]) + 1
    assert prompt_with(example, [PASSAGE], Letters(), length, CONFIG) == example["prompt"]
    assert prompt_with(example, [], Letters(), 1000, CONFIG) == example["prompt"]


def test_a_passage_has_at_most_so_many_characters():
    config = CONFIG.model_copy(update={"context_chars": 20})
    assert "other.py:10-11" in prompt_with(CHAT, [PASSAGE], Letters(), 1000, config)
