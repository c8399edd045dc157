"""How long it takes to index a repository and to ask it, beside semble with the same static vectors.

    python -m benchmarks.index.semble --peer PYTHON REPOSITORY ...

PYTHON is the interpreter of an environment with semble and safetensors. Both programs begin with the files of a working
copy and end with an index that answers. Ours cuts, embeds and writes chunks into a shard on disk; semble keeps its own
in memory. They take turns, with one turn before it counts. The figures are medians.

A question is the documentation of a function, up to 200 a repository; its time includes encoding it. All are asked
once, then again. "Found" is the share whose file is among the first ten hits. The documentation stands in the text, so
this says only that both do what they are asked.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.beside import Beside
from benchmarks.index.corpus import Repository
from benchmarks.index.peers.semble_peer import TOP
from benchmarks.result import Cell, Chart, Figure, Interval, Result, Table, make_parser, ratio_of_medians, round_to
from pipelines.encoder.encoder import MINILM, Encoder, embedding_text, load_encoder
from pipelines.encoder.known_item_queries import make_questions
from pipelines.encoder.variants import PLACE
from pipelines.index.versions.scratch import temporary_index

QUESTION = "How fast are indexing and search beside semble?"
ROUNDS = 5
QUESTIONS = 200
SEED = 17
Asked = tuple[list[float], list[list[str]]]  # seconds and paths of each question


class Peer:
    """semble in a process of its own."""

    def __init__(self, python: str, encoder: Path) -> None:
        files = [str(encoder / name) for name in ("model.safetensors", "tokenizer.json")]
        self._peer = Beside(python, "index/peers/semble_peer.py", files)

    def index(self, root: Path) -> tuple[float, int]:
        """Seconds of making an index, and its chunks."""
        answer = self._peer.ask({"index": str(root)})
        return answer["seconds"], answer["chunks"]

    def asked(self, texts: Sequence[str]) -> Asked:
        """What the last index answers."""
        answer = self._peer.ask({"ask": list(texts)})
        return answer["seconds"], answer["paths"]

    def end(self) -> None:
        """Let it go."""
        self._peer.end()


@contextmanager
def static() -> Iterator[tuple[Encoder, Path]]:
    """The static encoder, distilled for this run, and the folder with its vectors and its tokenizer."""
    with tempfile.TemporaryDirectory(prefix="nocturne-semble-") as folder:
        os.environ[PLACE] = folder
        encoder = load_encoder(f"{MINILM}@static")
        yield encoder, Path(folder) / encoder.name.rpartition("#")[2]


def ours(repository: Repository, encoder: Encoder, texts: Sequence[str]) -> tuple[float, int, list[Asked]]:
    """Seconds of making an index, its chunks, and what it answers, twice when anything is asked."""
    began = time.perf_counter()
    chunks = repository.chunks()
    vectors = encoder.encode([embedding_text(chunk) for chunk in chunks])
    with temporary_index(chunks, vectors) as index:
        took = time.perf_counter() - began
        answers: list[Asked] = []
        for _ in range(2 if texts else 0):
            seconds, paths = [], []
            for text in texts:
                began = time.perf_counter()
                hits = index.search(text, encoder.encode_queries([text])[0], TOP)
                seconds.append(time.perf_counter() - began)
                paths.append([hit.path for hit in hits])
            answers.append((seconds, paths))
    return took, len(chunks), answers


def measured(repository: Repository, encoder: Encoder, peer: Peer) -> Result:
    """One repository's result."""
    asked = make_questions(repository.symbols(), QUESTIONS, SEED)
    texts, wanted = [one["question"] for one in asked], [one["path"] for one in asked]
    own, other = [], []
    for _ in range(ROUNDS):
        own.append(ours(repository, encoder, ())[0])
        other.append(peer.index(repository.root)[0])
    _, count, answers = ours(repository, encoder, texts)
    _, theirs = peer.index(repository.root)
    rivals = [peer.asked(texts) for _ in range(2)]
    name = repository.name
    result = Result.begin(f"index-semble-{name}", "index.semble", f"{name}: {len(texts)} questions")
    times = {
        f"time to index {name}, median": (own[1:], other[1:]),
        f"a question to {name}, first time, median": (answers[0][0], rivals[0][0]),
        f"a question to {name}, again, median": (answers[1][0], rivals[1][0]),
    }
    result.figures = [_figure(what, *both) for what, both in times.items()]
    shares = [_share(said[-1][1], wanted) for said in (answers, rivals)]
    what = f"share of {name}'s functions found by their documentation"
    ratio = Interval(value=round_to(shares[0] / shares[1], 3)) if shares[1] else None
    result.figures.append(Figure(asked=what, ours=shares[0], peer="semble", theirs=shares[1], ratio=ratio))
    rows: list[dict[str, Cell]] = []
    for program, place, chunks in (("ours", 0, count), ("semble", 1, theirs)):
        index, first, again = (round_to(1000 * median(both[place]), 3) for both in times.values())
        row: dict[str, Cell] = {
            "program": program,
            "chunks": chunks,
            "index, ms": index,
            "a question, first time, ms": first,
        }
        rows.append({**row, "a question, again, ms": again, "found": shares[place]})
    result.tables = [Table(rows=rows)]
    result.chart = Chart(title=f"Milliseconds to index {name}", labels="program", values="index, ms")
    return result


def _figure(asked: str, own: list[float], other: list[float]) -> Figure:
    """Milliseconds of both, and their ratio; entry n of both is the same turn or question."""
    mine, theirs = (round_to(1000 * median(some), 3) for some in (own, other))
    ratio = ratio_of_medians(other, own, paired=True)
    return Figure(asked=asked, ours=mine, unit="ms", peer="semble", theirs=theirs, ratio=ratio)


def _share(paths: list[list[str]], wanted: list[str]) -> float:
    """Of the questions, those whose file is among the hits, of which each may know only the end of the path."""
    hits = [
        any(path.endswith(own) or own.endswith(path) for path in some) for some, own in zip(paths, wanted, strict=True)
    ]
    return round_to(sum(hits) / max(1, len(hits)), 3)


def main() -> None:
    """Write a result for each repository."""
    parser = make_parser(__doc__)
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPOSITORY")
    parser.add_argument("--peer", required=True, metavar="PYTHON")
    args = parser.parse_args()
    with static() as (encoder, folder):
        peer = Peer(args.peer, folder)
        for place in args.repositories:
            root = place.resolve()
            measured(Repository(root.name, root, root, ()), encoder, peer).write(args.results)
        peer.end()


if __name__ == "__main__":
    main()
