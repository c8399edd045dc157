"""How fast near-duplicates are found, and which are missed, beside a peer on the same texts in the same run.

    python -m benchmarks.data.near_duplicates --peer PYTHON DATASET_FOLDER [DATASET_FOLDER ...]

A dataset folder is `data/<project>/dataset` after a night. PYTHON is the interpreter of an environment of its own with
`rensa` (MinHash LSH in Rust), which `pip install rensa` makes. Both get the completions of 12 tokens or more. Both make
shingles of 5 tokens, sketches of 256 permutations and an index of them, then ask for the pairs of Jaccard 0.7 or more.
The truth is the Jaccard similarity of every pair of shingle sets. Seconds are of processor time, without imports.
"""

import itertools
import json
import subprocess
import time
from pathlib import Path

from benchmarks.result import Cell, Figure, Interval, Result, Table, make_parser, round_to

QUESTION = "How fast are near-duplicates found, and how many are missed, beside rensa?"

Pairs = set[tuple[int, int]]

THRESHOLD = 0.7
# Bands must divide its permutations: 64 of 4 rows come nearest to our 51 of 5.
RENSA = """
import json, re, sys, time
from rensa import RMinHash, RMinHashLSH
texts = json.load(sys.stdin)
begun = time.process_time()
index, sketches = RMinHashLSH(threshold=0.7, num_perm=256, num_bands=64), []
for number, text in enumerate(texts):
    tokens = re.findall(r"\\w+|[^\\w\\s]", text)
    sketch = RMinHash(num_perm=256, seed=1)
    sketch.update([" ".join(tokens[at : at + 5]) for at in range(len(tokens) - 4)])
    sketches.append(sketch)
    index.insert(number, sketch)
found = {tuple(sorted((number, other))) for number, one in enumerate(sketches) for other in index.query(one)
         if other != number and one.jaccard(sketches[other]) >= 0.7}
print(json.dumps([time.process_time() - begun, sorted(found)]))
"""


def completions(folder: Path) -> list[str]:
    """The completions of both sides that are long enough to be compared."""
    from pipelines.dataset.duplicates import MIN_TOKENS
    from pipelines.dataset.shingles import tokenize
    from pipelines.records import read_jsonl

    rows = itertools.chain(*(read_jsonl(folder / f"{name}.jsonl") for name in ("train", "holdout")))
    texts = [row["completion"] for row in rows]
    return [text for text in texts if len(tokenize(text)) >= MIN_TOKENS]


def ours(texts: list[str]) -> tuple[float, Pairs]:
    """Seconds, and the pairs found."""
    import datasketch  # noqa: F401

    from pipelines.dataset.minhash import find_pairs
    from pipelines.dataset.shingles import shingle

    begun = time.process_time()
    found = set(find_pairs([shingle(text) for text in texts], THRESHOLD))
    return time.process_time() - begun, found


def rensa(texts: list[str], python: Path) -> tuple[float, Pairs]:
    """Seconds, and the pairs found, of the peer."""
    done = subprocess.run([python, "-c", RENSA], input=json.dumps(texts), capture_output=True, text=True, check=True)
    seconds, found = json.loads(done.stdout)
    return seconds, {(first, second) for first, second in found}


def truth(texts: list[str]) -> Pairs:
    """Every pair whose sets are at least as similar as the threshold asks, by counting what they share."""
    import numpy as np
    from scipy.sparse import csr_array

    from pipelines.dataset.shingles import shingle

    sets = [shingle(text) for text in texts]
    sizes = np.array([len(one) for one in sets])
    columns = np.unique(np.concatenate(sets), return_inverse=True)[1]
    rows = np.repeat(np.arange(len(sets)), sizes)
    marks = csr_array((np.ones(len(rows), dtype=np.int32), (rows, columns)))
    shared = (marks @ marks.T).tocoo()
    alike = shared.data / (sizes[shared.row] + sizes[shared.col] - shared.data) >= THRESHOLD
    kept = alike & (shared.row < shared.col)
    return set(zip(shared.row[kept].tolist(), shared.col[kept].tolist(), strict=True))


def main() -> None:
    """Write a row for each folder and method."""
    parser = make_parser(__doc__)
    parser.add_argument("--peer", type=Path, required=True, help="a Python that has rensa")
    parser.add_argument("folders", type=Path, nargs="+")
    args = parser.parse_args()
    names = [folder.resolve().parent.name for folder in args.folders]
    result = Result.begin("data-near-duplicates", "data.near_duplicates", f"Completions of {', '.join(names)}")
    rows: list[dict[str, Cell]] = []
    for folder, name in zip(args.folders, names, strict=True):
        texts = completions(folder)
        alike = truth(texts)
        both = {"ours": ours(texts), "rensa": rensa(texts, args.peer)}
        rows += [row(texts, alike, name, method, *answer) for method, answer in both.items()]
        mine, theirs = (seconds for seconds, _ in both.values())
        result.figures.append(
            Figure(
                asked=f"CPU seconds for {len(texts):,} completions of {name}",
                ours=round_to(mine, 3),
                unit="s",
                peer="rensa",
                theirs=round_to(theirs, 3),
                ratio=Interval(value=round_to(theirs / mine, 2)),
            )
        )
    result.tables = [Table(rows=rows)]
    result.write(args.results)


def row(texts: list[str], alike: Pairs, name: str, method: str, seconds: float, found: Pairs) -> dict[str, Cell]:
    """A line of the table."""
    right = len(found & alike)
    return {
        "completions": len(texts),
        "of": name,
        "true pairs": len(alike),
        "method": method,
        "CPU seconds": round_to(seconds, 3),
        "completions/s": round(len(texts) / seconds),
        "recall": round_to(right / max(1, len(alike)), 3),
        "precision": round_to(right / max(1, len(found)), 3),
    }


if __name__ == "__main__":
    main()
