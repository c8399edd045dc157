"""Passages of the repository before a prompt: as many whole lines of them as fit."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from pipelines.lm.prompts import FimTokens, Passage, add_context, apply_chat_template

# A passage's place and fences in the prompt take tokens too (measured on nano-coder: 10 to 25, by the path's length).
FRAME_TOKENS = 32


@dataclass(frozen=True)
class Excerpt:
    """The beginning of a chunk, in whole lines."""

    path: str
    start_line: int
    end_line: int
    text: str


def choose_fitting(
    passages: Sequence[Passage], tokenizer: Any, tokens: int, chars: float = math.inf
) -> Iterator[Excerpt]:
    """The beginnings of passages, in their order.

    Args:
        tokens: room for all of them, their frames included.
        chars: the most of each one, line feeds included.
    """
    for passage in passages:
        kept, tokens = cut_beginning(passage.text, tokenizer, tokens - FRAME_TOKENS, chars)
        if kept:
            yield Excerpt(passage.path, passage.start_line, passage.start_line + len(kept) - 1, "\n".join(kept))


def cut_beginning(text: str, tokenizer: Any, tokens: int, chars: float = math.inf) -> tuple[list[str], int]:
    """The first lines of a text that have at most so many tokens and characters, and how many tokens are left."""
    kept: list[str] = []
    for line in text.splitlines():
        cost = len(tokenizer.encode(line + "\n", add_special_tokens=False))
        chars -= len(line) + 1
        if cost > tokens or chars < 0:
            break
        kept.append(line)
        tokens -= cost
    return kept, tokens


class Prompted(TypedDict):
    """A prompt and how it is built, as far as it is asked for here."""

    mode: str
    prompt: str
    request: str


def prompt_with_context(example: Prompted, shown: Sequence[Passage], tokenizer: Any, fim: FimTokens | None) -> str:
    """An example's prompt with passages before it, in the form of its mode."""
    if example["mode"] == "chat":
        return apply_chat_template(tokenizer, add_context(example["request"], shown))
    return fim.with_context(example["prompt"], shown) if fim else str(example["prompt"])
