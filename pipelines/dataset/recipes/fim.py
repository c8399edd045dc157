"""Fill in a syntax node from what stands around it, prefix first and suffix first in turn."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

from pipelines.config.schema import Dataset
from pipelines.dataset.recipes.recipe import QUERY_CHARS, Recipe, Sources, make_draft, place_of
from pipelines.lm import prompts
from pipelines.records import Record, fingerprint


def make(sources: Sources) -> Iterator[Record]:
    """The drafts of every file; none when the base model has no tokens for it."""
    if sources.fim is not None:
        for file in sources.files():
            yield from make_fim(file, sources.fim, sources.params)


def make_fim(file: Record, fim: prompts.FimTokens, params: Dataset) -> Iterator[Record]:
    """The drafts of one file.

    Which nodes are drawn depends on this file's bytes and the seed alone, so that a change elsewhere changes nothing.
    """
    text = file["text"].encode()
    spans, turn = draw_spans(file, len(text), params)
    for number, (start, end, _kind) in enumerate(spans):
        yield make_middle(file, text, start, end, number + turn, fim, params, "fim")


def draw_spans(file: Record, size: int, params: Dataset) -> tuple[list[list[Any]], int]:
    """The spans that this recipe takes of a file of `size` bytes, by position, and whose turn the first one is."""
    chance = random.Random(fingerprint(params.seed, file["blob"]))
    wanted = math.ceil(size / 1024 * params.fim_per_kb)
    spans = chance.sample(file["spans"], min(wanted, len(file["spans"])))
    return sorted(spans), chance.randrange(2)


def make_middle(
    file: Record, text: bytes, start: int, end: int, turn: int, fim: prompts.FimTokens, params: Dataset, task: str
) -> Record:
    """One draft that asks for `text[start:end]`, in the form whose turn it is."""
    forms: list[tuple[str, Callable[[str, str], str]]] = [("psm", fim.psm), ("spm", fim.spm)]
    mode, form = forms[turn % 2]
    prefix, suffix = prompts.cut_window(text, start, end, params.fim_window_chars)
    wanted = text[start:end].decode()
    return make_draft(
        file,
        task=task,
        alike="middle",
        mode=mode,
        prompt=form(prefix, suffix),
        request="",
        completion=wanted,
        query=prefix[-QUERY_CHARS:],
        content=[prefix, wanted, suffix],
        **place_of(text, start, end),
    )


RECIPE = Recipe("fim", make, "a base model with fill-in-the-middle tokens, and whole syntax nodes")
