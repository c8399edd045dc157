"""How fast each variant of an encoder is, and how well it finds code, beside sentence-transformers in the same run.

    python -m benchmarks.index.embedding DATA_FOLDER [--model NAME] [--chunks 384] [--questions 100]

A data folder is `data/<project>` after extraction. Each encoder has a process of its own, and they take turns: the
peer's `encode(texts, batch_size=32)` as it is by default, then each variant. Seconds are of the clock with every core,
without loading; CPU seconds stand beside them, for a machine that others use too. NDCG@10 is of questions made of
documentation (`pipelines/encoder/known_item_queries.py`), by the index as it is searched, and by the vectors alone. A
run takes about two minutes.
"""

import multiprocessing
import resource
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.result import Cell, Chart, Figure, Interval, Result, Table, make_parser, round_to

QUESTION = "How fast are the encoder's variants beside sentence-transformers, and what do they find?"
PEER = "sentence-transformers"
VARIANTS = ("fp32", "bf16", "int8", "static")
ROUND = 192  # chunks in turn; the peer sorts them by length, and pads the less the more there are


def serve(pipe: Connection, model: str, kind: str) -> None:
    """Encode what comes through the pipe, each time telling vectors, seconds, CPU seconds and peak memory in MB."""
    encode = _peer(model) if kind == PEER else _ours(model, kind)
    encode(["warm", "up\n" * 80])
    pipe.send("ready")
    while texts := pipe.recv():
        clock, cpu = time.perf_counter(), time.process_time()
        vectors = encode(texts)
        spent = time.perf_counter() - clock, time.process_time() - cpu
        pipe.send((vectors, *spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def _ours(model: str, variant: str) -> Any:
    from pipelines.encoder.encoder import load_encoder

    return load_encoder(f"{model}@{variant}").encode


def _peer(model: str) -> Any:
    from sentence_transformers import SentenceTransformer

    from pipelines.encoder.encoder import _folder

    peer = SentenceTransformer(str(_folder(model)), device="cpu")
    return lambda texts: peer.encode(texts, batch_size=32, show_progress_bar=False)


def exam(folder: Path, chunks: int, asked: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Passages without the documentation that is asked for, and questions, each with the passages that answer it."""
    from pipelines.embedding.variant_selection import SEED
    from pipelines.encoder.known_item_queries import chunk_holding, make_questions, rank_of, remove_documentation
    from pipelines.records import read_jsonl

    symbols = make_questions(list(read_jsonl(folder / "extraction" / "symbols.jsonl")), asked, SEED)
    shown = remove_documentation(list(read_jsonl(folder / "extraction" / "chunks.jsonl")), symbols)
    shown = [chunk for chunk in shown if chunk["text"].strip()]
    wanted = [chunk_holding(symbol, shown) for symbol in symbols]
    needed = set().union(*wanted)
    shown.sort(key=lambda chunk: (chunk["chunk_id"] not in needed, rank_of(chunk["chunk_id"], SEED)))
    pool = sorted(shown[:chunks], key=lambda chunk: rank_of(chunk["chunk_id"], SEED))
    there = {chunk["chunk_id"] for chunk in pool}
    pairs = [{"text": s["question"], "wanted": ids & there} for s, ids in zip(symbols, wanted, strict=True)]
    return pool, [pair for pair in pairs if pair["wanted"]]


def ndcg(pool: Sequence[Any], questions: Sequence[Any], vectors: np.ndarray, asked: np.ndarray) -> tuple[float, float]:
    """NDCG@10 of the index, and of the vectors alone."""
    from pipelines.encoder.known_item_queries import DEPTH, score
    from pipelines.index import temporary_index

    ids = [chunk["chunk_id"] for chunk in pool]
    both: list[list[float]] = [[], []]
    with temporary_index(pool, vectors) as index:
        for question, vector in zip(questions, asked, strict=True):
            hybrid = [hit.chunk_id for hit in index.search(question["text"], vector, DEPTH)]
            dense = [ids[place] for place in np.argsort(-(vectors @ vector), kind="stable")[:DEPTH]]
            for scores, found in zip(both, (hybrid, dense), strict=True):
                ranks = [place for place, one in enumerate(found, start=1) if one in question["wanted"]]
                scores.append(score(ranks, len(question["wanted"]))["ndcg@10"])
    return float(np.mean(both[0])), float(np.mean(both[1]))


def main() -> None:
    """Measure, and write the result."""
    from pipelines import environment
    from pipelines.config.workspaces import find_workspace
    from pipelines.encoder.encoder import MINILM, embedding_text
    from pipelines.encoder.openvino_backend import has_bfloat16

    parser = make_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=MINILM)
    parser.add_argument("--chunks", type=int, default=384)
    parser.add_argument("--questions", type=int, default=100)
    given = parser.parse_args()
    environment.prepare(find_workspace())
    pool, questions = exam(given.folder, given.chunks, given.questions)
    texts = [embedding_text(chunk) for chunk in pool]
    kinds = [PEER, *(kind for kind in VARIANTS if kind != "bf16" or has_bfloat16())]
    pipes = {kind: _started(given.model, kind) for kind in kinds}
    made: dict[str, list[Any]] = {kind: [] for kind in kinds}
    for turn, start in enumerate(range(0, len(texts), ROUND)):
        for kind in [*kinds[turn % len(kinds) :], *kinds[: turn % len(kinds)]]:
            made[kind].append(_asked(pipes[kind], texts[start : start + ROUND]))
    name = given.folder.resolve().name
    data = f"{len(texts)} chunks and {len(questions)} questions of {name}, {given.model}"
    result = Result.begin(f"index-embedding-{name}", "index.embedding", data)
    rows: list[dict[str, Cell]] = []
    peer: Any = None
    for kind in kinds:
        vectors = np.concatenate([one[0] for one in made[kind]])
        seconds, cpu = (sum(one[place] for one in made[kind]) for place in (1, 2))
        asked = _asked(pipes[kind], [question["text"] for question in questions])
        hybrid, dense = ndcg(pool, questions, vectors, asked[0])
        peer = peer or (seconds, cpu, hybrid, dense)
        rows.append(
            {
                "encoder": kind if kind == PEER else f"ours, {kind}",
                "chunks/s": round_to(len(texts) / seconds, 3),
                "speed, in times of the peer's": round_to(peer[0] / seconds, 3),
                "by CPU seconds": round_to(peer[1] / cpu, 3),
                "memory, MB": round(asked[3]),
                "NDCG@10": round_to(hybrid, 3),
                "NDCG@10, % of the peer's": round_to(100 * hybrid / peer[2]),
                "NDCG@10 of vectors alone": round_to(dense, 3),
            }
        )
        pipes[kind].send(None)
    result.tables, result.figures = [Table(rows=rows)], compare(made, len(texts))
    values = "speed, in times of the peer's"
    shown = [str(row["encoder"]) for row in rows if not str(row["encoder"]).endswith("static")]
    result.chart = Chart(title="Speed in times of sentence-transformers", labels="encoder", values=values, only=shown)
    result.write(given.results)


def compare(made: dict[str, list[Any]], count: int) -> list[Figure]:
    """Chunks a second of each variant beside the peer's."""
    speeds = {kind: count / sum(one[1] for one in turns) for kind, turns in made.items()}
    return [
        Figure(
            asked=f"encoding with {kind}",
            ours=round_to(speed, 3),
            unit="chunks/s",
            peer=PEER,
            theirs=round_to(speeds[PEER], 3),
            ratio=Interval(value=round_to(speed / speeds[PEER], 3)),
        )
        for kind, speed in speeds.items()
        if kind != PEER
    ]


def _started(model: str, kind: str) -> Connection:
    near, far = multiprocessing.get_context("spawn").Pipe()
    multiprocessing.get_context("spawn").Process(target=serve, args=(far, model, kind), daemon=True).start()
    near.recv()
    return near


def _asked(pipe: Connection, texts: list[str]) -> Any:
    pipe.send(texts)
    return pipe.recv()


if __name__ == "__main__":
    main()
