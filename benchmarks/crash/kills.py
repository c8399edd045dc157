"""Kills a process at drawn moments, again and again, and looks at what is left: the old or the new, always whole.

    python -m benchmarks.crash.kills --trials 100 --seed 17 FOLDER

FOLDER must be empty; a small workspace is made in it. The work that is killed is a training with its checkpoints, an
evaluation, a release, an index and a watch whose source is edited, in equal shares. `--what`, which may come again,
names some of them.

Each work runs in a process of its own, and tells each of its writes just before it. Half of the kills are exact: a kind
of write and one of its occurrences are drawn, and the process ends itself with SIGKILL in front of it. The others come
from outside, at a moment drawn from the whole time that undisturbed work takes. Then another process looks: what is
live must be the old or the new, every part of it there and as it was made.

Up to three kills in a row fall on the same work. At last nothing disturbs it, and it must end in what undisturbed work
ends in, byte for byte. All that time one more process searches what is live, as `nocturne search` does, and looks at
each answer. Exit code 1: anything was torn or ended otherwise, or an answer was wrong or failed.
"""

import multiprocessing
import random
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.crash.index import IndexSubject
from benchmarks.crash.release import ReleaseSubject
from benchmarks.crash.stages import EvaluationSubject, TrainingSubject
from benchmarks.crash.trials import Answers, Kill, Subject, run_kills
from benchmarks.crash.watch import WatchSubject
from benchmarks.result import Cell, Figure, Result, Table, make_parser
from pipelines import environment

QUESTION = "Is anything torn or lost when a process is killed?"
WHAT: dict[str, Callable[[Path], Subject]] = {
    "training": TrainingSubject,
    "evaluation": EvaluationSubject,
    "release": ReleaseSubject,
    "index": IndexSubject,
    "watch": WatchSubject,
}


def tables(found: dict[str, list[Kill]], asked: dict[str, Answers]) -> list[Table]:
    """A row for each kind of write of each subject; a row for each subject's questions."""
    rows = [
        row(f"{subject}: {what}", [kill for kill in every if kill.what == what])
        for subject, every in found.items()
        for what in sorted({kill.what for kill in every})
    ]
    rows.append(row("all", [kill for every in found.values() for kill in every]))
    questions: list[dict[str, Cell]] = [
        {"killed": name, "answers right": one.right, "answers wrong": len(one.wrong)} for name, one in asked.items()
    ]
    return [Table(rows=rows), Table(title="Questions asked meanwhile", rows=questions)]


def row(title: str, some: list[Kill]) -> dict[str, Cell]:
    """How many of these kills ended how."""
    return {
        "killed in": title,
        "kills": len(some),
        "torn": sum(kill.left == "torn" for kill in some),
        "ended otherwise": sum(not kill.same for kill in some),
        "old or nothing is there": sum(kill.left in ("old", "none") for kill in some),
        "new is there": sum(kill.left == "new" for kill in some),
        "resumed": sum(kill.resumed for kill in some),
    }


def main() -> None:
    """Kill, look, and write the result. Exit code 1: anything was torn, ended otherwise or was answered wrongly."""
    parser = make_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--what", action="append", choices=sorted(WHAT), help="all of them by default")
    parser.add_argument("--trials", type=int, default=100, help="how many kills")
    parser.add_argument("--seed", type=int, default=17)
    chosen = parser.parse_args()
    if chosen.folder.exists() and any(chosen.folder.iterdir()):
        parser.error(f"{chosen.folder} is not empty")
    names = chosen.what or list(WHAT)
    subjects = {name: WHAT[name](chosen.folder.resolve() / name) for name in names}
    environment.prepare(chosen.folder.resolve())
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(sorted({module for one in subjects.values() for module in one.preloaded}))
    found, asked, draw = {}, {}, random.Random(chosen.seed)
    for number, (name, subject) in enumerate(subjects.items()):
        share = (chosen.trials * (number + 1)) // len(subjects) - (chosen.trials * number) // len(subjects)
        print(name, file=sys.stderr, flush=True)
        found[name], asked[name] = run_kills(subject, share, draw)
    every = [kill for some in found.values() for kill in some]
    torn = sum(kill.left == "torn" or not kill.same for kill in every)
    answers, wrong = sum(one.right for one in asked.values()), sum(len(one.wrong) for one in asked.values())
    ending = f"-{'-'.join(names)}" if chosen.what else ""
    data = f"{len(every)} kills of {', '.join(names)}, seed {chosen.seed}"
    result = Result.begin(f"crash-kills{ending}", "crash.kills", data)
    result.tables = tables(found, asked)
    result.figures = [
        Figure(asked=f"torn states and other endings after {len(every)} kills", ours=torn),
        Figure(asked=f"wrong answers meanwhile, of {answers + wrong:,}", ours=wrong),
    ]
    result.write(chosen.results)
    sys.exit(1 if torn or wrong else 0)


if __name__ == "__main__":
    main()
