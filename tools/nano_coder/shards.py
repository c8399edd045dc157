"""Turn the corpus into rows of 1,024 token ids once, so that training does nothing but compute.

    python -m tools.nano_coder.shards --corpus CORPUS --tokenizer TOKENIZER --out SHARDS

Half of the tokens are fill-in-the-middle, a tenth chat, the rest plain files. Samples stay whole where they fit a row;
plain text fills the rest of it, so there is no padding. Writes SHARDS/rows-N.npy (uint16) and, last, shards.json.
"""

import argparse
import json
import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from tools.nano_coder import samples
from tools.nano_coder.tokenizer import SPECIAL

ROW = 1024
SHARE = {"fim": 0.5, "chat": 0.1, "plain": 0.4}


def encoded(tokenizer: Any, documents: list[dict], chance: random.Random) -> Iterator[tuple[str, list[int]]]:
    """(kind, ids) of samples whose kinds keep to SHARE: each document goes to the kind that is furthest behind, and
    gives chat samples besides while those are behind."""
    packages = defaultdict(list)
    for document in documents:
        packages[document["package"]].append((document["path"], document["text"]))
    spent = Counter(dict.fromkeys(SHARE, 1))

    def behind(kinds: Iterable[str]) -> str:
        return min(kinds, key=lambda kind: spent[kind] / SHARE[kind])

    for document in documents:
        others = packages[document["package"]]
        text = document["text"]
        made = {}
        if behind(SHARE) == "chat":
            made["chat"] = list(samples.chats(tokenizer, document, others, chance))
        if behind(("fim", "plain")) == "fim":
            made["fim"] = list(samples.fill_ins(text, others, chance))
        else:
            made["plain"] = [samples.plain(document["package"], document["path"], text)]
        for kind, found in made.items():
            for ids in tokenizer(found, verbose=False)["input_ids"] if found else []:
                if kind == "plain" or len(ids) <= ROW:
                    spent[kind] += len(ids)
                    yield kind, ids


def packed(found: Iterable[tuple[str, list[int]]]) -> Iterator[list[int]]:
    """Rows of exactly ROW ids. A sample that does not fit the row waits for the next; plain text, which may be cut
    anywhere, fills the gap."""
    filler: deque[int] = deque()
    row: list[int] = []
    for kind, ids in found:
        if kind == "plain":
            filler.extend(ids)
            while len(filler) > 8 * ROW:
                yield [filler.popleft() for _ in range(ROW)]
            continue
        if len(row) + len(ids) > ROW:
            if len(filler) < ROW - len(row):
                filler.extend(ids)  # nothing plain is left: this sample is cut instead of padding the row
                ids = []
            row += [filler.popleft() for _ in range(ROW - len(row))]
            yield row
            row = []
        row += ids
        if len(row) == ROW:
            yield row
            row = []
    while len(filler) >= ROW:
        yield [filler.popleft() for _ in range(ROW)]


def _shard(job: tuple[int, list[dict], Path, Path]) -> dict[str, int]:
    number, documents, tokenizer_folder, out = job
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder, local_files_only=True)
    chance = random.Random(number)
    counts: Counter[str] = Counter()

    def counting() -> Iterator[tuple[str, list[int]]]:
        for kind, ids in encoded(tokenizer, documents, chance):
            counts[kind] += len(ids)
            yield kind, ids

    rows = np.array(list(packed(counting())), dtype=np.uint16)
    np.save(out / f"rows-{number}.npy", rows[np.random.default_rng(number).permutation(len(rows))])
    return dict(counts)


def build(corpus: Path, tokenizer: Path, out: Path, shards: int, workers: int) -> None:
    """All training documents, spread at random over `shards` files; context comes from the same package and shard."""
    with (corpus / "documents.jsonl").open(encoding="utf-8") as file:
        documents = [json.loads(line) for line in file]
    documents = [d for d in documents if not d["heldout"] and not any(token in d["text"] for token in SPECIAL)]
    random.Random(0).shuffle(documents)
    jobs = [(n, documents[n::shards], tokenizer, out) for n in range(shards)]
    with Pool(workers) as pool:
        counts = sum((Counter(found) for found in pool.imap_unordered(_shard, jobs)), Counter())
    (out / "shards.json").write_text(json.dumps({"tokens": dict(counts)}) + "\n", encoding="utf-8")


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder written by tools.nano_coder.corpus")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder written by tools.nano_coder.tokenizer")
    parser.add_argument("--out", type=Path, required=True, help="folder of the rows")
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    build(args.corpus, args.tokenizer, args.out, args.shards, args.workers)


if __name__ == "__main__":
    main()
