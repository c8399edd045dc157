"""How long code takes to be searchable: a whole repository, one saved file, nothing, another branch; beside cocoindex.

    python -m benchmarks.index.fresh [--peer PYTHON] [--variant V] [--files N] [--edits N] REPOSITORY

The first N files that have a parser here go into a repository of their own. "From nothing" is a night's work on it:
snapshot, extraction, embedding, and the index published. Then the same runs again with nothing changed. Under `nocturne
watch`, files then get a line each, one after the other. The time runs from the end of the write to the first search
that finds its word. The search is included; it begins when the watch says that the file is taken. At last a branch with
one line more in every tenth file is checked out.

PYTHON is the interpreter of an environment with cocoindex, lancedb and sentence-transformers. It gets the same files,
the same MiniLM and chunks of the same length, and brings its index up to date after each change.
"""

import json
import queue
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from benchmarks.beside import Beside
from benchmarks.extraction.throughput import GIT
from benchmarks.result import HOME, Cell, Figure, Interval, Result, Table, make_parser, round_to
from pipelines.config.load import load_params
from pipelines.config.schema import Params
from pipelines.dag.stage import load
from pipelines.encoder.encoder import MINILM_PACKAGE
from pipelines.index import publish
from pipelines.project import Project
from pipelines.source import tracked
from pipelines.syntax.languages import language_of
from pipelines.watch.watch import Watch

QUESTION = "How soon is a changed file found, beside cocoindex?"
HASH_COMMENTS = {".py", ".pyi", ".rb", ".rake"}
STAGES = ("snapshot", "extraction", "embedding")
WAIT_S = 120
PAUSE_S = 0.2  # between two edits: what the last one leaves to be written is no part of the next


@dataclass(frozen=True)
class Live:
    """What is published, as the watch asks for it."""

    version: int
    index_version: str
    encoder: str


def gather(repository: Path, folder: Path, most: int) -> list[Path]:
    """A repository with the first files that have a parser; their paths."""
    taken: list[Path] = []
    for file in tracked.tracked_files(repository)[0]:
        language = language_of(file.path)
        if language is None or language.reader or language.name == "notebook" or len(taken) == most:
            continue
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(repository / file.path, place)
        taken.append(place)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*GIT, *command], cwd=folder, check=True, capture_output=True)
    return taken


def edit(path: Path, word: str) -> None:
    """Add a line with a word that is nowhere else."""
    mark = "#" if path.suffix in HASH_COMMENTS else "//"
    aside = path.with_name(f".{path.name}.aside")
    aside.write_bytes(path.read_bytes() + f"\n{mark} {word}\n".encode())
    aside.replace(path)


def branch(folder: Path, paths: list[Path]) -> None:
    """A branch `other` with a line more in every tenth file."""
    subprocess.run([*GIT, "checkout", "-qb", "other"], cwd=folder, check=True)
    for number, path in enumerate(paths[::10]):
        edit(path, f"onthebranch{number}")
    subprocess.run([*GIT, "commit", "-qam", "other"], cwd=folder, check=True)
    subprocess.run([*GIT, "checkout", "-q", "-"], cwd=folder, check=True)


def built(project: Project, params: Params) -> tuple[float, str, int]:
    """Seconds of a night's part that makes the index, its version, and its chunks."""
    began = time.perf_counter()
    for name in STAGES:
        load(name).run(project, params)
    made = publish(project, params)
    return time.perf_counter() - began, made.version, made.count


def watched(project: Project, params: Params, live: Live, paths: list[Path], edits: int) -> dict[str, Any]:
    """Milliseconds from a write to the first search that finds it; seconds of a branch switch."""
    events: queue.Queue[Any] = queue.Queue()
    stop = threading.Event()
    watch = Watch(project, lambda: params, lambda: live, events.put)
    thread = threading.Thread(target=watch.run, args=[stop], daemon=True)
    thread.start()
    events.get(timeout=WAIT_S)
    every = max(1, len(paths) // edits)
    times = []
    for number, path in enumerate(paths[::every][:edits]):
        time.sleep(PAUSE_S)
        name = path.relative_to(project.source).as_posix()
        times.append(_found_after(watch, live, path, f"savedword{number}", partial(_taken, events, name)))
    subprocess.run([*GIT, "stash", "-q"], cwd=project.source, check=True)
    time.sleep(2)
    began = time.perf_counter()
    subprocess.run([*GIT, "checkout", "-q", "other"], cwd=project.source, check=True)
    _until(watch, live, f"onthebranch{(len(paths) - 1) // 10}")
    switched = time.perf_counter() - began
    stop.set()
    thread.join()
    quantiles = statistics.quantiles(times, n=20, method="inclusive")
    return {"p50_ms": quantiles[9] * 1000, "p95_ms": quantiles[18] * 1000, "switch_s": switched}


def _found_after(watch: Watch, live: Live, path: Path, word: str, taken: Callable[[], None]) -> float:
    edit(path, word)
    began = time.perf_counter()
    taken()
    _until(watch, live, word)
    return time.perf_counter() - began


def _taken(events: "queue.Queue[Any]", name: str) -> None:
    while name not in events.get(timeout=WAIT_S).taken.changed:
        pass


def _until(watch: Watch, live: Live, word: str) -> None:
    limit = time.perf_counter() + WAIT_S
    while not any(word in hit.text for hit in watch.search(live.index_version, word, 20) or []):
        if time.perf_counter() > limit:
            raise SystemExit(f"{word} was not found within {WAIT_S} s.")


class Peer:
    """cocoindex in a process of its own."""

    def __init__(self, python: str, source: Path, state: Path) -> None:
        model = str(files(MINILM_PACKAGE) / "model")
        state.mkdir()
        environment = {
            "COCOINDEX_DB": str(state / "coco.db"),
            "HF_HUB_OFFLINE": "1",
            "RUST_LOG": "error",
            "PATH": "/usr/bin:/bin",
        }
        self._peer = Beside(python, "index/peers/fresh.py", [str(source), str(state), model], environment)
        endings = {path.suffix for path in source.rglob("*") if path.is_file() and path.suffix}
        self._peer.tell({"endings": sorted(endings)})

    def update(self) -> float:
        """Seconds of bringing the index up to date."""
        return float(self._peer.ask({"do": "update"})["seconds"])

    def holds(self, word: str) -> bool:
        """Whether a chunk holds a word."""
        return bool(self._peer.ask({"do": "find", "word": word})["found"])

    def rows(self) -> int:
        """How many chunks there are."""
        return int(self._peer.ask({"do": "find", "word": ""})["rows"])

    def end(self) -> None:
        """Let it go."""
        self._peer.end()


def beside(python: str, source: Path, state: Path, paths: list[Path], edits: int) -> dict[str, Any]:
    """The same by cocoindex, in seconds."""
    peer = Peer(python, source, state)
    cold, again = peer.update(), peer.update()
    times = []
    every = max(1, len(paths) // edits)
    for number, path in enumerate(paths[::every][:edits]):
        edit(path, f"savedword{number}")
        times.append(peer.update())
        assert peer.holds(f"savedword{number}")
    subprocess.run([*GIT, "stash", "-q"], cwd=source, check=True)
    peer.update()
    subprocess.run([*GIT, "checkout", "-q", "other"], cwd=source, check=True)
    switched, rows = peer.update(), peer.rows()
    peer.end()
    return {"cold_s": cold, "again_s": again, "edit_s": statistics.median(times), "switch_s": switched, "chunks": rows}


def main() -> None:
    """Measure both, and write how many times faster than cocoindex ours is."""
    parser = make_parser(__doc__)
    parser.add_argument("repository", type=Path, metavar="REPOSITORY")
    parser.add_argument("--peer", metavar="PYTHON")
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--variant", default="int8", help="of MiniLM; what `auto` measures once is left out")
    parser.add_argument("--edits", type=int, default=40)
    args = parser.parse_args()
    shipped = load_params(HOME)
    embedding = shipped.embedding.model_copy(update={"variant": args.variant})
    params = shipped.model_copy(update={"embedding": embedding})
    with tempfile.TemporaryDirectory(prefix="nocturne-fresh-") as name:
        folder = Path(name)
        paths = gather(args.repository, folder / "source", args.files)
        branch(folder / "source", paths)
        shutil.copytree(folder / "source", folder / "peer")
        (folder / "data" / "models").mkdir(parents=True)
        (folder / "data" / "models" / "nano-coder").symlink_to(HOME / "data" / "models" / "nano-coder")
        project = Project("fresh", folder / "source", folder)
        cold, version, chunks = built(project, params)
        again, _, _ = built(project, params)
        encoder = json.loads(project.path("embedding", "embedding.json").read_text())["model"]
        ours = watched(project, params, Live(1, version, encoder), paths, args.edits)
        steps: list[tuple[str, float, str]] = [
            ("from nothing", cold, "cold_s"),
            ("nothing changed", again, "again_s"),
            ("one file, median", ours["p50_ms"] / 1000, "edit_s"),
            ("one file, 95th percentile", ours["p95_ms"] / 1000, ""),
            ("branch switch, every tenth file", ours["switch_s"], "switch_s"),
        ]
        peer: dict[str, Any] = {}
        if args.peer:
            places = [folder / "peer" / path.relative_to(folder / "source") for path in paths]
            peer = beside(args.peer, folder / "peer", folder / "state", places, args.edits)
    name = args.repository.resolve().name
    data = f"{len(paths):,} files of {name}, {chunks:,} chunks (cocoindex: {peer.get('chunks', 0):,}), {args.variant}"
    ending = "" if args.variant == "int8" else f"-{args.variant}"
    result = Result.begin(f"index-fresh-{name}{ending}", "index.fresh", data)
    for step, seconds, key in steps:
        other = peer.get(key)
        figure = Figure(asked=f"{step}, {len(paths):,} files of {name}", ours=round_to(seconds, 3), unit="s")
        if other:
            figure.peer, figure.theirs = "cocoindex into LanceDB", round_to(other, 3)
            figure.ratio = Interval(value=round_to(other / seconds, 2))
        result.figures.append(figure)
    rows: list[dict[str, Cell]] = [
        {"step": step[0], "ours, s": figure.ours, "cocoindex, s": figure.theirs, "ratio": figure.ratio}
        for step, figure in zip(steps, result.figures, strict=True)
    ]
    result.tables = [Table(rows=rows)]
    result.notes = [
        f"{args.edits} files were edited. One file takes {ours['p50_ms'] / 10 / cold:.2g}% of indexing all."
    ]
    result.write(args.results)


if __name__ == "__main__":
    main()
