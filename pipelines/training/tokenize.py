"""Dataset rows as a trainer takes them, and the few files that are held apart to see when to stop."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.errors import NocturneError
from pipelines.lm.tokenize import encode
from pipelines.records import Record
from pipelines.records.dataset import Example

IGNORED = -100
APART = 20  # one file in so many is held apart; a twentieth of the examples is enough to see a loss turn


def tokenize_examples(examples: Iterable[Example], tokenizer: Any, limit: int) -> list[Record]:
    """Token ids, and labels that are the completion and its end token and nothing else.

    Raises:
        NocturneError: an example has no token to learn from; the trainer would pass over it silently.
    """
    rows = []
    for example in examples:
        one = encode(tokenizer, example["prompt"], example["completion"], limit)
        if one.stop == one.start:
            raise NocturneError(
                f"Example {example['example_id']} ({example['path']}:{example['start_line']}) has an empty loss mask.",
                "Run `dvc repro` for its dataset again; if it stays, raise dataset.max_example_tokens.",
            )
        labels = [IGNORED] * one.start + one.ids[one.start :]
        rows.append({"input_ids": one.ids, "labels": labels, "length": len(one.ids)})
    return rows


def split_apart(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """(trained on, held apart), by whole files: a twentieth of them by the hash of their path, so that they are the
    same every night, and at least one where there are two.
    """
    trained = [example for example in examples if not _is_apart(example["path"])]
    apart = [example for example in examples if _is_apart(example["path"])]
    if apart and trained:
        return trained, apart
    paths = sorted({example["path"] for example in examples}, key=_rank)
    if len(paths) < 2:
        return list(examples), []
    return [e for e in examples if e["path"] != paths[0]], [e for e in examples if e["path"] == paths[0]]


def _is_apart(path: str) -> bool:
    return int(_rank(path), 16) % APART == 0


def _rank(path: str) -> str:
    return hashlib.sha256(f"apart:{path}".encode()).hexdigest()
