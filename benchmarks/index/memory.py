"""What each layout of the embedded index takes and finds, beside looking at every vector.

    python -m benchmarks.index.memory [--count 25000 ...] [--layouts float32 int8 turbo4]

Clustered vectors of 384 dimensions come from a seed, with chunks of 70 words at most. 100 questions are near the points
and 100 far from them; numpy gives their true ten nearest. The store builds the index as a night does. A process of its
own opens and searches it. "Heap" is how much its heap grows; "mapped" is how much of the index's files is in its memory
at the end. "Needed" is what `nocturne index list` says, "estimated" what was expected before the index was built.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.result import Cell, Chart, Figure, Result, Table, make_parser, round_to
from pipelines.index.store import quantization
from pipelines.index.store.bm25 import Sparse
from pipelines.index.store.embedded_engine import EdgeEngine
from pipelines.index.store.embedded_store import SHARD, EdgeStore
from pipelines.index.store.interface import BATCH, Point, Search, point_id
from pipelines.index.store.manifest import IndexVersion

QUESTION = "How much memory does each vector layout take, and what does it find?"
DIMENSION, HITS, VERSION, SEED = 384, 10, "0123456789ab", 17
QUESTIONS = {"near": 0.3, "far": 1.5}  # how far from a point, in lengths of its vector


def vectors(count: int) -> np.ndarray:
    """Unit vectors around one centre for every 50 of them, float32 (count, DIMENSION)."""
    draw = np.random.default_rng(SEED)
    centres = draw.normal(size=(max(50, count // 50), DIMENSION))
    return _unit(centres[draw.integers(0, len(centres), count)] + 0.8 * draw.normal(size=(count, DIMENSION)))


def questions(points: np.ndarray) -> dict[str, np.ndarray]:
    """A hundred of each kind, float32 (100, DIMENSION)."""
    draw = np.random.default_rng(SEED + 1)
    chosen = points[draw.integers(0, len(points), 100)]
    noise = _unit(draw.normal(size=chosen.shape))
    return {kind: _unit(chosen + distance * noise) for kind, distance in QUESTIONS.items()}


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def batches(points: np.ndarray) -> Iterator[list[Point]]:
    """As a project's: Zipf's words, a file for every 20 chunks."""
    draw = np.random.default_rng(SEED + 2)
    for start in range(0, len(points), BATCH):
        yield [_point(row, points[row], draw) for row in range(start, min(start + BATCH, len(points)))]


def _point(row: int, vector: np.ndarray, draw: np.random.Generator) -> Point:
    drawn = np.unique(draw.zipf(1.3, 70) % 2_000_003).tolist()
    text = " ".join(f"word{number % 1000}" for number in drawn)
    path, head = f"src/module{row // 20}.py", {"chunk_id": str(row), "language": "python", "kind": "function"}
    chunk = {**head, "path": path, "symbol": f"function{row}", "start_line": row, "text": text, "commit": "c" * 40}
    return Point(point_id(str(row)), vector.tolist(), Sparse(drawn, [1.0] * len(drawn)), chunk)


def measured(count: int, layout: str) -> dict[str, Any]:
    """Build one version, then search it in another process."""
    points = vectors(count)
    with tempfile.TemporaryDirectory(prefix="nocturne-benchmark-") as folder:
        store = EdgeStore(Path(folder) / "live", "benchmark", 1_000_000)
        asked = questions(points)
        for kind, rows in asked.items():
            exact = [[point_id(str(row)) for row in np.argsort(-(points @ one))[:HITS]] for one in rows]
            np.savez(Path(folder) / f"{kind}.npz", questions=rows, exact=np.array(exact, dtype=np.uint64))
        manifest = replace(IndexVersion(VERSION, count, "m", DIMENSION, 60.0), layout=layout)
        began = time.perf_counter()
        engine = store.create(manifest)
        for batch in batches(points):
            engine.upsert(batch)
        filled = time.perf_counter()
        engine = store.seal(VERSION, engine)
        manifest = store.publish(manifest, engine)
        built = time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.index.memory", "--search", folder]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        size = store.held()[VERSION]
        told = store.memory(manifest).needed
    estimate = quantization.estimate_memory(quantization.layout_named(layout), count, DIMENSION)
    return {
        **found,
        "filled": filled - began,
        "ordered": built - filled,
        "disk": size,
        "told": told,
        "estimate": estimate,
    }


def searched(folder: Path) -> dict[str, Any]:
    """Open the version and ask every question; this process is what is measured."""
    files = {kind: np.load(folder / f"{kind}.npz", allow_pickle=False) for kind in QUESTIONS}
    before = _heap()
    engine = EdgeEngine.load(folder / "live" / VERSION / SHARD)
    found: dict[str, Any] = {}
    took = []
    for kind, file in files.items():
        right = 0
        for question, exact in zip(file["questions"], file["exact"], strict=True):
            began = time.perf_counter()
            [hits] = engine.nearest(Search(question, HITS))
            took.append(1000 * (time.perf_counter() - began))
            right += len({hit.id for hit in hits} & set(exact))
            engine.nearest(Search(Sparse([1, 2, 3, 5], [1.0] * 4), HITS))
        found[kind] = right / (HITS * len(file["exact"]))
    p50, p95 = np.quantile(took, [0.5, 0.95])
    return {**found, "p50": p50, "p95": p95, "heap": _heap() - before, "mapped": _mapped(str(folder))}


def _heap() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def _mapped(folder: str) -> int:
    """Bytes of the folder's files in this process's memory."""
    total, ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        head = line.split()[0]
        if "-" in head:
            ours = folder in line
        elif ours and head == "Rss:":
            total += 1024 * int(line.split()[1])
    return total


def main() -> None:
    """Write a row for each count and layout."""
    parser = make_parser(__doc__)
    parser.add_argument("--count", type=int, nargs="+", default=[25_000])
    parser.add_argument("--layouts", nargs="+", default=[layout.name for layout in quantization.LAYOUTS])
    parser.add_argument("--search", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.search:
        print(json.dumps(searched(chosen.search)))
        return
    counts = ", ".join(f"{count:,}" for count in chosen.count)
    result = Result.begin("index-memory", "index.memory", f"{counts} clustered vectors of {DIMENSION} dimensions")
    rows: list[dict[str, Cell]] = []
    for count in chosen.count:
        for layout in chosen.layouts:
            found = measured(count, layout)
            rows.append(row(count, layout, found))
            least = round_to(min(found["near"], found["far"]), 4)
            asked = f"recall@10 of {layout}, {count:,} vectors, the worse of near and far"
            result.figures.append(Figure(asked=asked, ours=least, peer="every vector", theirs=1))
            print(f"{count:,} {layout}: done", file=sys.stderr, flush=True)
    result.tables = [Table(rows=rows)]
    title = f"Memory that a search needs, MB, {chosen.count[-1]:,} vectors"
    result.chart = Chart(title=title, labels="layout", values="needed, MB") if len(chosen.count) == 1 else None
    result.write(chosen.results)


def row(count: int, layout: str, found: dict[str, Any]) -> dict[str, Cell]:
    """A line of the table; MB are 10**6 bytes."""
    named = {"needed": "told", "estimated": "estimate", "heap": "heap", "mapped": "mapped", "disk": "disk"}
    sizes = {f"{name}, MB": round(found[key] / 1e6) for name, key in named.items()}
    return {
        "vectors": count,
        "layout": layout,
        "recall@10, near": round_to(found["near"]),
        "recall@10, far": round_to(found["far"]),
        "p50, ms": round_to(found["p50"], 3),
        "p95, ms": round_to(found["p95"], 3),
        **sizes,
        "filled, s": round_to(found["filled"], 3),
        "ordered, s": round_to(found["ordered"], 3),
    }


if __name__ == "__main__":
    main()
