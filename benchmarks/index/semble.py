"""What it takes to index a repository and to ask it, beside semble with the same static vectors.

    python -m benchmarks.index.semble --peer PYTHON REPOSITORY ...

Both begin with the files of a working copy and end with an index that answers: ours cuts, embeds and writes chunks
into a shard on disk, semble keeps its own in memory. They take turns, once before it counts. The questions are the
documentation of functions, which stands in the text: that the function's file is among the first ten hits says only
that both do what they are asked. A question's time is with encoding it; all are asked once, then again.

PYTHON is that of an environment with semble and safetensors.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.beside import Beside
from benchmarks.index.corpus import Repository
from benchmarks.index.peers.semble import TOP
from pipelines.encoder.encoder import MINILM, Encoder, embedding_text, load_encoder
from pipelines.encoder.known_item_queries import make_questions
from pipelines.encoder.variants import PLACE
from pipelines.index.versions.scratch import temporary_index

ROUNDS = 5
QUESTIONS = 200
SEED = 17
Asked = tuple[list[float], list[list[str]]]  # seconds and paths of each question


class Peer:
    """semble in a process of its own."""

    def __init__(self, python: str, encoder: Path) -> None:
        files = [str(encoder / name) for name in ("model.safetensors", "tokenizer.json")]
        self._peer = Beside(python, "index/peers/semble.py", files)

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


def measured(repository: Repository, encoder: Encoder, peer: Peer) -> str:
    """A row of the table."""
    asked = make_questions(repository.symbols(), QUESTIONS, SEED)
    texts, wanted = [one["question"] for one in asked], [one["path"] for one in asked]
    own, other = [], []
    for _ in range(ROUNDS):
        own.append(ours(repository, encoder, ())[0])
        other.append(peer.index(repository.root)[0])
    _, count, answers = ours(repository, encoder, texts)
    _, theirs = peer.index(repository.root)
    rivals = [peer.asked(texts) for _ in range(2)]
    times = [
        f"{1000 * median(own[1:]):.0f} | {1000 * median(other[1:]):.0f} | {median(other[1:]) / median(own[1:]):.2f}"
    ]
    for (mine, _), (his, _) in zip(answers, rivals, strict=True):
        times.append(f"{1000 * median(mine):.2f} | {1000 * median(his):.2f} | {median(his) / median(mine):.2f}")
    found = " | ".join(f"{_share(said[-1][1], wanted):.2f}" for said in (answers, rivals))
    return f"| {repository.name} | {count:,}; {theirs:,} | {' | '.join(times)} | {found} |"


def _share(paths: list[list[str]], wanted: list[str]) -> float:
    """Of the questions, those whose file is among the hits, of which each may know only the end of the path."""
    hits = [
        any(path.endswith(own) or own.endswith(path) for path in some) for some, own in zip(paths, wanted, strict=True)
    ]
    return sum(hits) / max(1, len(hits))


def main() -> None:
    """Print a row for each repository; ratios above 1 say that ours is faster."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPOSITORY")
    parser.add_argument("--peer", required=True, metavar="PYTHON")
    args = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}")
    columns = ["| | chunks; semble's", "index, ms", "semble", "ratio", "a question, ms", "semble", "ratio"]
    print(" | ".join([*columns, "again", "semble", "ratio", "found", "semble |"]))
    print("| --- " * 12 + "|")
    with static() as (encoder, folder):
        peer = Peer(args.peer, folder)
        for place in args.repositories:
            root = place.resolve()
            print(measured(Repository(root.name, root, root, ()), encoder, peer), flush=True)
        peer.end()


if __name__ == "__main__":
    main()
