"""Bits per byte of a model on the held-out packages, per language: plain files and fill-in-the-middle.

    python -m tools.nano_coder.evaluate --corpus CORPUS --model MODEL --out EVALUATION.json

Prints a table and writes it as JSON for the model card. Files are read in windows of 1,024 tokens after Qwen's
repository header, without their licence comment; a fill-in-the-middle sample counts the bytes of its middle only. The
overlap tells how much of the held-out text the training may have shown after all, in copies inside other packages.
"""

import argparse
import json
import math
import random
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from tools.nano_coder import samples

ROW = 1024
BATCH = 8
LINE = 40  # characters from which a line that two packages share is hardly a coincidence
LICENCE = re.compile(r"\A(\s*/\*.*?\*/\s*|(\s*(//|#).*\n)+)", re.DOTALL)


def nats(model: Any, rows: list[list[int]], counted: list[int]) -> list[float]:
    """Per row, the summed negative log-likelihood of its last `counted` tokens, in nats."""
    width = max(map(len, rows))
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
    with torch.inference_mode():
        scores = model(input_ids=ids, use_cache=False).logits.float()
    losses = cross_entropy(scores[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    return [
        losses[place, len(row) - 1 - count : len(row) - 1].sum().item()
        for place, (row, count) in enumerate(zip(rows, counted, strict=True))
    ]


def without_licence(text: str) -> str:
    """A file without the comment at its top when that speaks of a licence: every file of a package repeats it."""
    top = LICENCE.match(text)
    return text[top.end() :] if top and re.search(r"(?i)licen[cs]e|copyright", top[0]) else text


def long_lines(text: str) -> set[str]:
    """The lines of at least LINE characters, white space around them aside."""
    return {line for line in map(str.strip, text.splitlines()) if len(line) >= LINE}


def overlap(trained: Iterable[str], heldout: Iterable[str]) -> float:
    """The share of the held-out texts' long lines that some trained text holds too."""
    lines = set().union(*map(long_lines, heldout))
    known = set()
    for text in trained:
        known |= lines & long_lines(text)
    return len(known) / max(1, len(lines))


def plain_rows(tokenizer: Any, document: dict[str, Any]) -> Iterator[tuple[list[int], int, int]]:
    """(ids, counted tokens, counted bytes) of consecutive windows that cover a file, its header not counted."""
    header = tokenizer(samples.plain(document["package"], document["path"], "").removesuffix(samples.FIM.end))[
        "input_ids"
    ]
    ids = tokenizer(document["text"], verbose=False)["input_ids"]
    for start in range(0, len(ids), ROW - len(header)):
        window = ids[start : start + ROW - len(header)]
        yield header + window, len(window), len(tokenizer.decode(window).encode())


def fill_in_rows(tokenizer: Any, document: dict[str, Any]) -> Iterator[tuple[list[int], int, int]]:
    """(ids, counted tokens, counted bytes) of the fill-in-the-middle samples of a file, without context."""
    chance = random.Random(document["path"])
    for window in samples.windows(document["text"], chance):
        made = samples.fill_in(window, chance)
        if made is None:
            continue
        prompt, middle = (tokenizer(text)["input_ids"] for text in made)
        size = len(made[1].removesuffix(samples.FIM.end).encode())
        if len(prompt) + len(middle) <= ROW and size:
            yield prompt + middle, len(middle), size


def bits_per_byte(model: Any, rows: list[tuple[list[int], int, int]]) -> float:
    """Bits for one byte over all rows: summed nats / ln 2 / summed bytes."""
    rows = sorted(rows, key=lambda row: len(row[0]))
    total = 0.0
    for first in range(0, len(rows), BATCH):
        ids, counted, _ = zip(*rows[first : first + BATCH], strict=True)
        total += sum(nats(model, list(ids), list(counted)))
    return total / math.log(2) / sum(size for _, _, size in rows)


def documents(corpus: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(trained, held out), in a fixed random order and without licence comments."""
    with (corpus / "documents.jsonl").open(encoding="utf-8") as file:
        found = list(map(json.loads, file))
    found = [document | {"text": without_licence(document["text"])} for document in found]
    random.Random(0).shuffle(found)
    return [d for d in found if not d["heldout"]], [d for d in found if d["heldout"]]


def evaluate(corpus: Path, folder: Path, limit: int) -> dict[str, dict[str, float]]:
    """Language -> plain and fim bits per byte, the bytes they were counted on (at most `limit` rows each), overlap."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    trained, heldout = documents(corpus)
    facts: dict[str, dict[str, float]] = {}
    for language in sorted({document["language"] for document in heldout}):
        own = [document for document in heldout if document["language"] == language and document["text"].strip()]
        facts[language] = {"overlap": round(overlap((d["text"] for d in trained), (d["text"] for d in own)), 4)}
        for kind, rows_of in (("plain", plain_rows), ("fim", fill_in_rows)):
            rows = list(islice(chain.from_iterable(rows_of(tokenizer, document) for document in own), limit))
            facts[language][kind] = round(bits_per_byte(model, rows), 3)
            facts[language][f"{kind}_bytes"] = sum(size for _, _, size in rows)
    return facts


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder written by tools.nano_coder.corpus")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--limit", type=int, default=200, help="rows of 1,024 tokens, and FIM samples, a language")
    args = parser.parse_args()
    facts = evaluate(args.corpus, args.model, args.limit)
    args.out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"{'language':12} {'plain':>6} {'fim':>6}  bits per byte; overlap")
    for language, fact in sorted(facts.items()):
        print(f"{language:12} {fact['plain']:6.3f} {fact['fim']:6.3f}  {fact['overlap']:.1%}")


if __name__ == "__main__":
    main()
