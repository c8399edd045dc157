"""One vector store on the vectors of `benchmarks.index_queries`: it builds, answers, and says how long that took.

Run as `python index_queries_peer.py NAME FOLDER` with the interpreter of an environment that has the store. FOLDER has
`vectors.npy` and `queries.npy`, unit vectors in float32. The last line of the output is JSON.
"""

import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

TOP = 10
BATCH = 5000
Search = Callable[[np.ndarray], list[int]]


def chroma(folder: Path, vectors: np.ndarray) -> Search:
    """Chroma, its HNSW with the default settings, cosine."""
    import chromadb

    client = chromadb.PersistentClient(str(folder / "chroma"), chromadb.Settings(anonymized_telemetry=False))
    made = client.create_collection("chunks", metadata={"hnsw:space": "cosine"})
    for start in range(0, len(vectors), BATCH):
        part = vectors[start : start + BATCH]
        made.add([str(number) for number in range(start, start + len(part))], part.tolist())
    return lambda query: [int(one) for one in made.query([query.tolist()], n_results=TOP, include=[])["ids"][0]]


def lancedb(folder: Path, vectors: np.ndarray) -> Search:
    """LanceDB with its IVF-PQ index where there are enough vectors for one, refined; flat below."""
    import lancedb as lance
    import pyarrow as pa

    database = lance.connect(str(folder / "lancedb"))
    width = vectors.shape[1]
    columns = pa.table({"id": pa.array(range(len(vectors))), "vector": _list_array(pa, vectors, width)})
    table = database.create_table("chunks", columns)
    if len(vectors) >= 100_000:
        table.create_index(metric="cosine", vector_column_name="vector")
        search = lambda query: table.search(query).distance_type("cosine").nprobes(40).refine_factor(20)  # noqa: E731
    else:
        search = lambda query: table.search(query).distance_type("cosine")  # noqa: E731
    return lambda query: search(query).limit(TOP).select(["id", "_distance"]).to_arrow()["id"].to_pylist()


def _list_array(pa: object, vectors: np.ndarray, width: int) -> object:
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), width)  # type: ignore[attr-defined]


def sqlite_vec(folder: Path, vectors: np.ndarray) -> Search:
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

    return search


def qdrant_local(folder: Path, vectors: np.ndarray) -> Search:
    """qdrant-client without a server: numpy over every vector."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    width = vectors.shape[1]
    client.create_collection("chunks", models.VectorParams(size=width, distance=models.Distance.COSINE))
    client.upload_collection("chunks", vectors, ids=range(len(vectors)))
    return lambda query: [int(one.id) for one in client.query_points("chunks", query.tolist(), limit=TOP).points]


PEERS = {"chroma": chroma, "lancedb": lancedb, "sqlite-vec": sqlite_vec, "qdrant-client local": qdrant_local}


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
    """Build, warm up, ask."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    vectors, queries = np.load(folder / "vectors.npy", mmap_mode="r"), np.load(folder / "queries.npy")
    before = resident()
    began = time.perf_counter()
    search = PEERS[name](folder, vectors)
    build = time.perf_counter() - began
    found = [search(query) for query in queries]
    times = {clients: timed(search, queries, clients) for clients in (1, 16)}
    print(json.dumps({"build": build, "found": found, "times": times, "bytes": resident() - before}))


if __name__ == "__main__":
    main()
