"""Fill in a whole block: a body, a loop, an argument list, a literal, a match; what one writes in one go."""

import math
import random
from collections.abc import Iterator

from pipelines.config.schema import Dataset
from pipelines.dataset.recipes import fim as fim_recipe
from pipelines.dataset.recipes.recipe import Recipe, Sources
from pipelines.lm import prompts
from pipelines.records import Record, fingerprint

MIN_BYTES, MAX_BYTES = 50, 1_000
SALT = "scope"  # apart from the draw of `fim`; another word would draw other blocks
MIN_BEFORE = 200  # bytes of the file that stand before it: less says too little about what it is to be

# Nodes of the grammars that `syntax/queries/*.spans.scm` capture.
BODIES = frozenset(
    {"block", "statement_block", "constructor_body", "class_body", "interface_body", "match_block", "switch_body"}
    | {"switch_block", "compound_statement", "declaration_list", "body_statement", "do_block", "field_declaration_list"}
)
LOOPS = frozenset(
    {"for_statement", "while_statement", "do_statement", "for_in_statement", "enhanced_for_statement", "while", "until"}
    | {"for_expression", "while_expression", "loop_expression", "foreach_statement", "for_range_loop", "for"}
)
LISTS = frozenset({"argument_list", "arguments", "literal_value"})
BLOCKS = BODIES | LOOPS | LISTS


def make(sources: Sources) -> Iterator[Record]:
    """The drafts of every file; none when the base model has no tokens for it."""
    if sources.fim is not None:
        for file in sources.files():
            yield from make_fim_block(file, sources.fim, sources.params)


def make_fim_block(file: Record, fim: prompts.FimTokens, params: Dataset) -> Iterator[Record]:
    """The drafts of one file: `dataset.fim_block_per_kb` of its blocks, drawn by its bytes and the seed alone.

    `source[start_byte:end_byte]` is the completion. What `fim` draws from the file is left to it.
    """
    text = file["text"].encode()
    taken, _ = fim_recipe.draw_spans(file, len(text), params)
    free = [span for span in file["spans"] if span not in taken and _fits(*span)]
    chance = random.Random(fingerprint(params.seed, SALT, file["blob"]))
    wanted = math.ceil(len(text) / 1024 * params.fim_block_per_kb)
    spans = chance.sample(free, min(wanted, len(free)))
    turn = chance.randrange(2)
    for number, (start, end, _kind) in enumerate(sorted(spans)):
        yield fim_recipe.make_middle(file, text, start, end, number + turn, fim, params, "fim_block")


def _fits(start: int, end: int, kind: str) -> bool:
    return kind in BLOCKS and MIN_BYTES <= end - start <= MAX_BYTES and start >= MIN_BEFORE


RECIPE = Recipe("fim_block", make, "a base model with fill-in-the-middle tokens, and bodies, loops or argument lists")
