"""How fast questions are answered at 10,000 to 1,000,000 chunks, beside other vector stores at the same recall.

    python -m benchmarks.index.queries VECTORS_FOLDER [VECTORS_FOLDER ...] [--peers PYTHON] [--sizes N ...]

A vectors folder is `data/<project>` after a night: its chunks and their vectors. Beyond what there is, chunks are made
of these: the words of two, and a vector between theirs with noise. The 200 questions are first lines of documentation.

"Dense arm" is the vector search alone. "Search" is all of ours: both arms, exact scores for each candidate, and
ranking. `recall@10` is of the dense arm against exact search. A store that finds less than our dense arm by its
defaults has a second line: there it looks twice as far, and twice again, until it finds as much, or 16 times as far.
Times are of the search alone. Encoding a question takes the same for all, so it is told apart. Memory is what the
process has more than before, with the mapped files that it has touched.

PYTHON is the interpreter of an environment with chromadb, lancedb, sqlite-vec and apsw. qdrant-client's local mode is
always asked.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.index.peers.queries import PEERS, TOP, recall, resident, timed
from benchmarks.result import Cell, Chart, Figure, Result, Table, make_parser, ratio_of_medians, round_to
from pipelines.encoder.encoder import MINILM, load_encoder
from pipelines.records import Record, read_jsonl

QUESTION = "How fast are questions answered, beside other vector stores?"
QUESTIONS = 200
NOISE = 0.35  # of a made vector's length: near duplicates as well as strangers
LOCAL = "qdrant-client local"
MOST_LOCAL = 100_000  # it holds every vector in Python's memory


def gathered(folders: Sequence[Path]) -> tuple[list[Record], np.ndarray]:
    """The chunks and vectors of all folders."""
    chunks = [chunk for folder in folders for chunk in read_jsonl(folder / "extraction" / "chunks.jsonl")]
    vectors = [np.load(folder / "embedding" / "vectors.npy", allow_pickle=False) for folder in folders]
    return chunks, np.concatenate(vectors)


def grown(chunks: list[Record], vectors: np.ndarray, size: int) -> tuple[list[Record], np.ndarray]:
    """As many chunks as asked for: one of each that there is, again and again, under another folder each time."""
    rng = np.random.default_rng(17)
    made = np.empty((size, vectors.shape[1]), dtype=np.float32)
    known = min(size, len(vectors))
    made[:known] = vectors[:known]
    texts = list(chunks[:known])
    for start in range(known, size, 10_000):
        count = min(10_000, size - start)
        one, two = np.arange(start, start + count) % len(vectors), rng.integers(0, len(vectors), count)
        noise = rng.normal(size=(count, vectors.shape[1])) * NOISE / np.sqrt(vectors.shape[1])
        mixed = 0.6 * vectors[one] + 0.4 * vectors[two] + noise
        made[start : start + count] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        texts += [
            {
                **chunks[a],
                "chunk_id": f"made{row}",
                "path": f"{row // len(vectors)}/{chunks[a]['path']}",
                "text": _mixed(chunks[a], chunks[b]),
            }
            for row, (a, b) in enumerate(zip(one, two, strict=True), start)
        ]
    return texts, made


def _mixed(one: Record, two: Record) -> str:
    first, second = one["text"], two["text"]
    return first[: len(first) // 2] + second[len(second) // 2 :]


def questions(folders: Sequence[Path]) -> list[str]:
    """First lines of documentation."""
    found = [
        symbol["doc"].split("\n")[0]
        for folder in folders
        for symbol in read_jsonl(folder / "extraction" / "symbols.jsonl")
        if len(symbol["doc"]) > 30
    ]
    return found[:: max(1, len(found) // QUESTIONS)][:QUESTIONS]


def nearest(vectors: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """How near the last of the true TOP neighbours of each query is, by cosine."""
    scores = np.concatenate([queries @ vectors[at : at + 50_000].T for at in range(0, len(vectors), 50_000)], axis=1)
    last: np.ndarray = -np.partition(-scores, TOP - 1, axis=1)[:, TOP - 1]
    return last


def ours(
    chunks: list[Record], vectors: np.ndarray, asked: list[str], queries: np.ndarray, least: np.ndarray
) -> list[dict[str, Any]]:
    """The dense arm alone, and the whole search."""
    from pipelines.index.search.hybrid import Index
    from pipelines.index.store.bm25 import Keywords, mean_word_count
    from pipelines.index.store.embedded_engine import EdgeEngine
    from pipelines.index.store.interface import Search, chunk_point_id, make_points, point_id

    keywords = Keywords(mean_word_count(chunks))
    with tempfile.TemporaryDirectory(prefix="nocturne-queries-") as name:
        place = Path(name) / "shard"
        began = time.perf_counter()
        engine = EdgeEngine.create(place, vectors.shape[1])
        for batch in make_points(chunks, vectors, keywords):
            engine.upsert(batch)
        engine.finish()
        build = time.perf_counter() - began
        before = resident()
        engine = EdgeEngine.load(place)
        index = Index(engine, keywords, vectors.shape[1])
        rows = {chunk_point_id(chunk): row for row, chunk in enumerate(chunks)}
        near = lambda query: [rows[one.id] for one in engine.nearest(Search(query, TOP))[0]]  # noqa: E731
        found = recall([near(query) for query in queries], vectors, queries, least)
        told = {queries[row].tobytes(): text for row, text in enumerate(asked)}
        whole = lambda query: [rows[point_id(h.chunk_id)] for h in index.search(told[query.tobytes()], query, TOP)]  # noqa: E731
        dense = {clients: timed(near, queries, clients) for clients in (1, 16)}
        both = {clients: timed(whole, queries, clients) for clients in (1, 16)}
        grew = resident() - before
        index.close()
    shared = {"recall": found, "build": build, "bytes": grew}
    return [{"name": "ours, dense arm", "times": dense, **shared}, {"name": "ours, search", "times": both, **shared}]


def peer(python: str, name: str, folder: Path, wanted: float) -> list[dict[str, Any]]:
    """What a store says of itself: by its defaults, and at the recall that is wanted, or as near as it comes to it."""
    script = str(Path(__file__).parent / "peers" / "queries.py")
    command = [python, script, name, str(folder), str(wanted)]
    said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
    return [
        {**one, "name": _called(name, one["effort"]), "build": said["build"], "bytes": said["bytes"]}
        for one in said["told"]
    ]


def _called(store: str, effort: int) -> str:
    return store if effort == 1 else f"{store}, looking {effort} times as far"


def row(one: dict[str, Any]) -> dict[str, Cell]:
    """A line of the table."""
    times = {int(clients): took for clients, took in one["times"].items()}
    waits = {
        f"p{p}{', 16 clients' if clients == 16 else ''}, ms": round_to(np.percentile(times[clients], p) * 1000, 3)
        for clients in (1, 16)
        for p in (50, 95, 99)
    }
    kept = {
        "recall@10": round_to(one["recall"]),
        "memory, MB": round(one["bytes"] / 1e6),
        "build, s": round(one["build"]),
    }
    return {"store": one["name"], **waits, **kept}


def compare(size: int, told: list[dict[str, Any]]) -> list[Figure]:
    """The dense arm beside each store as it comes nearest to the same recall; then the whole search."""
    dense, whole = told[0], told[1]
    nearest_: dict[str, dict[str, Any]] = {one["name"].partition(",")[0]: one for one in told[2:]}
    mine = round_to(np.median(dense["times"][1]) * 1000, 3)
    figures = []
    for one in nearest_.values():
        theirs = next(took for clients, took in one["times"].items() if int(clients) == 1)
        figures.append(
            Figure(
                asked=f"vector search, {size:,} chunks, p50, recall {dense['recall']:.3f}",
                ours=mine,
                unit="ms",
                peer=f"{one['name']}, recall {one['recall']:.3f}",
                theirs=round_to(np.median(theirs) * 1000, 3),
                ratio=ratio_of_medians(theirs, dense["times"][1], paired=False),
            )
        )
    search = round_to(np.median(whole["times"][1]) * 1000, 3)
    return [*figures, Figure(asked=f"whole search, {size:,} chunks, p50", ours=search, unit="ms")]


def main() -> None:
    """Write a result for each size."""
    parser = make_parser(__doc__)
    parser.add_argument("folders", type=Path, nargs="+", metavar="VECTORS_FOLDER")
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    args = parser.parse_args()
    encoder = load_encoder(MINILM)
    asked = questions(args.folders)
    began = time.perf_counter()
    queries = np.concatenate([encoder.encode([text], 1) for text in asked])
    encoding = (time.perf_counter() - began) / len(asked)
    chunks, vectors = gathered(args.folders)
    for size in args.sizes:
        texts, made = grown(chunks, vectors, size)
        least = nearest(made, queries)
        told = ours(texts, made, asked, queries, least)
        with tempfile.TemporaryDirectory(prefix="nocturne-queries-") as name:
            np.save(Path(name) / "vectors.npy", made)
            np.save(Path(name) / "queries.npy", queries)
            np.save(Path(name) / "least.npy", least)
            for store in PEERS:
                if (store == LOCAL and size <= MOST_LOCAL) or (store != LOCAL and args.peers):
                    place = Path(name) / store
                    place.mkdir()
                    for file in ("vectors.npy", "queries.npy", "least.npy"):
                        (place / file).symlink_to(Path(name) / file)
                    python = sys.executable if store == LOCAL else args.peers
                    told += peer(python, store, place, told[0]["recall"])
        real = min(size, len(chunks))
        data = f"{size:,} chunks, {real:,} of them real, {len(asked)} questions"
        result = Result.begin(f"index-queries-{size}", "index.queries", data)
        result.figures, result.tables = compare(size, told), [Table(rows=[row(one) for one in told])]
        result.chart = Chart(title=f"Milliseconds a search, p50, {size:,} chunks", labels="store", values="p50, ms")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        result.notes = [
            f"Encoding a question took {encoding * 1000:.1f} ms more.",
            f"The run took {peak:.1f} GB at most.",
        ]
        result.write(args.results)


if __name__ == "__main__":
    main()
