"""A branch switch of many files under the watch, and a rename of a tenth of them: time, memory, and what is told.

    python -m benchmarks.index.switch [--files 10000] EMPTY_FOLDER

A repository of so many made-up files is published with the static encoder and watched. Then a branch is checked out in
which every file has another text. Then the folders of a tenth of the files get other names. The table adds up what the
watch tells of each. Exit code 1: a file was not taken, a renamed one was embedded, or a search finds a line that is
gone.
"""

import queue
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.crash.release import make_workspace, opened
from benchmarks.extraction.throughput import GIT
from benchmarks.index.fresh import Live, built
from benchmarks.result import Cell, Figure, Result, Table, make_parser, round_to
from pipelines.progress import Step, show_progress
from pipelines.watch.watch import Watch

QUESTION = "How long does the watch take for a switch of branches?"
A_FOLDER = 100  # files
WAIT_S = 3000


@dataclass
class Told:
    """What the watch said of one change; `git`, all `seconds` and `cpu` seconds that it took."""

    events: int = 0
    files: set[str] = field(default_factory=set)
    passages: int = 0
    embedded: int = 0
    steps: int = 0
    git: float = 0.0
    seconds: float = 0.0
    cpu: float = 0.0
    errors: list[str] = field(default_factory=list)


def write(source: Path, count: int, word: str) -> None:
    """Every file with a text of its own."""
    for number in range(count):
        file = source / f"src/d{number // A_FOLDER}/part{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"def {word}_{number}(value):\n    return value + {number}\n")


def git(source: Path, *arguments: str) -> None:
    """Run git there."""
    subprocess.run([*GIT, *arguments], cwd=source, check=True, stdout=subprocess.DEVNULL)


def changed(change: Callable[[], None], events: "queue.Queue[Any]", steps: list[Step], wanted: set[str]) -> Told:
    """Make a change and hear of it until every wanted path is told of."""
    steps.clear()
    began, cpu, told = time.monotonic(), _cpu(), Told()
    change()
    told.git = time.monotonic() - began
    while not wanted <= told.files:
        event = events.get(timeout=WAIT_S)
        if event.error:
            told.errors.append(event.error)
            continue
        told.events += 1
        told.files |= {*event.taken.changed, *event.taken.gone}
        told.passages += event.taken.passages
        told.embedded += event.taken.embedded
    told.steps, told.seconds, told.cpu = len(steps), time.monotonic() - began, _cpu() - cpu
    return told


def row(what: str, told: Told) -> dict[str, Cell]:
    """A line of the table."""
    return {
        "change": what,
        "seconds": round_to(told.seconds, 3),
        "of which git": round_to(told.git, 3),
        "CPU seconds": round_to(told.cpu, 3),
        "passages": told.passages,
        "passages embedded": told.embedded,
        "events": told.events,
        "steps of progress": told.steps,
        "errors": len(told.errors),
    }


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def main() -> None:
    """Write a line a change."""
    parser = make_parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="EMPTY_FOLDER")
    parser.add_argument("--files", type=int, default=10_000)
    args = parser.parse_args()
    make_workspace(args.folder, {"embedding": {"variant": "static"}})
    project, params = opened(args.folder.resolve())
    write(project.source, args.files, "main")
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["commit", "-qm", "main"],
        ["checkout", "-qb", "other"],
    ):
        git(project.source, *command)
    write(project.source, args.files, "other")
    git(project.source, "commit", "-qam", "other")
    git(project.source, "checkout", "-q", "main")
    cpu = _cpu()
    seconds, version, chunks = built(project, params)
    published = Told(passages=chunks, embedded=chunks, seconds=seconds, cpu=_cpu() - cpu)
    encoder = Live(1, version, _encoder(project))
    events: queue.Queue[Any] = queue.Queue()
    stop, steps = threading.Event(), list[Step]()
    watch = Watch(project, lambda: params, lambda: encoder, events.put)

    def run() -> None:
        with show_progress(steps.append):
            watch.run(stop)

    thread = threading.Thread(target=run, daemon=True)
    changed(thread.start, events, steps, set())
    events.get(timeout=WAIT_S)
    every = [f"src/d{number // A_FOLDER}/part{number}.py" for number in range(args.files)]
    switch = changed(lambda: git(project.source, "checkout", "-q", "other"), events, steps, set(every))
    gone = [hit for hit in watch.search(version, "main value", 50) or [] if "main_" in hit.text]

    def rename() -> None:
        for number in range(args.files // 10 // A_FOLDER):
            git(project.source, "mv", f"src/d{number}", f"src/moved{number}")

    moved = {path.replace("src/d", "src/moved", 1) for path in every[: args.files // 10]}
    renames = changed(rename, events, steps, moved)
    stop.set()
    thread.join()
    data = f"{args.files:,} files of one passage each, static encoder"
    result = Result.begin("index-switch", "index.switch", data)
    all_of_them, tenth = f"branch switch of {args.files:,} files", f"{len(moved):,} files renamed"
    changes = {"published by a night's stages": published, all_of_them: switch, tenth: renames}
    result.tables = [Table(rows=[row(what, told) for what, told in changes.items()])]
    result.figures = [
        Figure(asked=what, ours=round_to(changes[what].seconds, 3), unit="s") for what in (all_of_them, tenth)
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result.notes = [f"Peak memory was {peak:,.0f} MB with encoder and scanners."]
    result.write(args.results)
    right = switch.embedded == args.files and renames.embedded == 0 and not gone
    sys.exit(0 if right and not switch.errors + renames.errors else 1)


def _encoder(project: Any) -> str:
    from pipelines.records import read_json

    return str(read_json(project.path("embedding", "embedding.json"))["model"])


if __name__ == "__main__":
    main()
