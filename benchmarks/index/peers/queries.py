"""One vector store on the vectors of `benchmarks.index.queries`: it builds, answers, and says how long that took.

    PYTHON benchmarks/index/peers/queries.py NAME FOLDER RECALL

PYTHON is the interpreter of an environment that has the store. FOLDER has `vectors.npy` and `queries.npy`, unit vectors
in float32, and `least.npy`: how near the last of the true TOP neighbours of each query is. A store that can look
further does, from its defaults on, until it finds as much as RECALL. The last line of the output is JSON.
"""

import argparse
import json
import resource
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

TOP = 10
TIE = 1e-5  # of a cosine
ROUNDED = 0.0005  # of a recall with three digits
BATCH = 5000
Search = Callable[[np.ndarray], list[int]]
Effort = Callable[[int], Search]  # a way to search, by how far it looks: 1 as by default, 2 twice as far
EFFORTS = (1, 2, 4, 8, 16)


def chroma(folder: Path, vectors: np.ndarray) -> Effort:
    """Chroma's HNSW, built as by default, cosine; it looks at 100 candidates."""
    import chromadb
    from chromadb.api.client import SharedSystemClient

    def opened() -> Any:
        return chromadb.PersistentClient(str(folder / "chroma"), chromadb.Settings(anonymized_telemetry=False))

    made = opened().create_collection("chunks", metadata={"hnsw:space": "cosine"})
    for start in range(0, len(vectors), BATCH):
        part = vectors[start : start + BATCH]
        made.add([str(number) for number in range(start, start + len(part))], part.tolist())

    def looking(effort: int) -> Search:
        asked = made
        if effort > 1:
            made.modify(configuration={"hnsw": {"ef_search": 100 * effort}})
            SharedSystemClient.clear_system_cache()  # a collection that is open looks no further than before
            asked = opened().get_collection("chunks")
        return lambda query: [int(one) for one in asked.query([query.tolist()], n_results=TOP, include=[])["ids"][0]]

    return looking


def lancedb(folder: Path, vectors: np.ndarray) -> Effort:
    """LanceDB with its IVF-PQ index where there are enough vectors for one: 20 parts of it are looked at, which is the
    default, and ten times what is asked for is compared exactly. Below that it compares with every vector."""
    import lancedb as lance
    import pyarrow as pa

    database = lance.connect(str(folder / "lancedb"))
    width = vectors.shape[1]
    columns = pa.table({"id": pa.array(range(len(vectors))), "vector": _list_array(pa, vectors, width)})
    table = database.create_table("chunks", columns)
    if len(vectors) >= 100_000:
        table.create_index(metric="cosine", vector_column_name="vector")
        ask = lambda query, effort: table.search(query).nprobes(20 * effort).refine_factor(10 * effort)  # noqa: E731
    else:
        ask = lambda query, effort: table.search(query)  # noqa: E731

    def looking(effort: int) -> Search:
        asked = lambda query: ask(query, effort).distance_type("cosine").limit(TOP)  # noqa: E731
        return lambda query: asked(query).select(["id", "_distance"]).to_arrow()["id"].to_pylist()

    return looking


def _list_array(pa: object, vectors: np.ndarray, width: int) -> object:
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), width)  # type: ignore[attr-defined]


def sqlite_vec(folder: Path, vectors: np.ndarray) -> Effort:
    """sqlite-vec, which compares with every vector."""
    import apsw  # some builds of Python cannot load extensions into their own SQLite
    import sqlite_vec as vec

    database = apsw.Connection(str(folder / "vec.db"))
    database.enable_load_extension(True)
    database.load_extension(vec.loadable_path())
    database.execute(f"CREATE VIRTUAL TABLE chunks USING vec0(vector float[{vectors.shape[1]}] distance_metric=cosine)")
    rows = ((number, vector.tobytes()) for number, vector in enumerate(vectors))
    with database:
        database.executemany("INSERT INTO chunks(rowid, vector) VALUES (?, ?)", rows)
    lock = threading.Lock()

    def search(query: np.ndarray) -> list[int]:
        asked = "SELECT rowid FROM chunks WHERE vector MATCH ? AND k = ? ORDER BY distance"
        with lock:
            return [row[0] for row in database.execute(asked, (query.tobytes(), TOP))]

    return lambda _: search


def qdrant_local(folder: Path, vectors: np.ndarray) -> Effort:
    """qdrant-client without a server: numpy over every vector."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    width = vectors.shape[1]
    client.create_collection("chunks", models.VectorParams(size=width, distance=models.Distance.COSINE))
    client.upload_collection("chunks", vectors, ids=range(len(vectors)))
    search = lambda query: [int(one.id) for one in client.query_points("chunks", query.tolist(), limit=TOP).points]  # noqa: E731
    return lambda _: search


PEERS = {"chroma": chroma, "lancedb": lancedb, "sqlite-vec": sqlite_vec, "qdrant-client local": qdrant_local}


def recall(found: Sequence[Sequence[int]], vectors: np.ndarray, queries: np.ndarray, least: np.ndarray) -> float:
    """The share of what was found that is as near as the true neighbours: the same code in two files is as near."""
    scores = [vectors[list(rows)] @ query for rows, query in zip(found, queries, strict=True)]
    return float(np.mean([(own >= last - TIE).sum() / TOP for own, last in zip(scores, least, strict=True)]))


def timed(search: Search, queries: np.ndarray, clients: int) -> list[float]:
    """Seconds of every query, asked by so many threads that share them."""
    took: list[float] = []

    def ask(mine: np.ndarray) -> None:
        for query in mine:
            began = time.perf_counter()
            search(query)
            took.append(time.perf_counter() - began)

    threads = [threading.Thread(target=ask, args=[queries[number::clients]]) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def resident() -> int:
    """Bytes of memory that the process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> None:
    """Build, and ask: as by default, then, where that finds too little, looking as far as it takes or helps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(PEERS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("recall", type=float)
    args = parser.parse_args()
    name, folder, wanted = args.name, args.folder, args.recall
    vectors, queries = np.load(folder / "vectors.npy", mmap_mode="r"), np.load(folder / "queries.npy")
    least = np.load(folder / "least.npy")
    before = resident()
    began = time.perf_counter()
    looking = PEERS[name](folder, vectors)
    build = time.perf_counter() - began
    told: list[dict[str, object]] = []
    most, taken = -1.0, 0
    for effort in EFFORTS:
        search = looking(effort)
        found = recall([search(query) for query in queries], vectors, queries, least)
        if found <= most:
            break
        most, taken = found, taken or resident() - before
        times = {clients: timed(search, queries, clients) for clients in (1, 16)}
        told[1:] = [{"effort": effort, "recall": found, "times": times}]
        if found >= wanted - ROUNDED:
            break
    print(json.dumps({"build": build, "bytes": taken, "told": told}))


if __name__ == "__main__":
    main()
