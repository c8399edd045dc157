"""Switches what is live while questions are asked. Every answer must come from one release, and none may fail.

    python -m benchmarks.crash.switches [--switches 1000] [--clients 4] EMPTY_FOLDER

Two releases of a small project hold different texts, each with vectors of its own. One thread promotes the one and
rolls back to the other. The clients search all the time, as `nocturne search` does. An answer must hold the texts of
one release only, and as many as it was asked for.
"""

import threading
from collections import Counter
from pathlib import Path

from benchmarks.crash.release import CHUNKS, ReleaseSubject, asking, opened
from benchmarks.result import Cell, Figure, Result, Table, make_parser

QUESTION = "Does every answer come from one release while releases are switched?"


def client(folder: Path, stop: threading.Event, seen: "Counter[str]") -> None:
    """Search until told to stop, and count what came of it."""
    ask = asking(folder)
    while not stop.is_set():
        try:
            ask()
            seen["right"] += 1
        except AssertionError as mixed:
            seen[f"mixed: {mixed}"] += 1
        except Exception as error:
            seen[f"failed: {error}"] += 1


def main() -> None:
    """Write how many answers were right, mixed or failed."""
    parser = make_parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="EMPTY_FOLDER")
    parser.add_argument("--switches", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=4)
    args = parser.parse_args()
    folder = args.folder.resolve()
    subject = ReleaseSubject(folder)
    subject.prepare()
    subject.begin(1)
    subject.work(1, lambda write: None)
    from pipelines.registry.releases import Releases
    from pipelines.release.publish import promote, rollback

    project, params = opened(folder)
    stop, seen = threading.Event(), Counter[str]()
    clients = [threading.Thread(target=client, args=[folder, stop, seen]) for _ in range(args.clients)]
    for one in clients:
        one.start()
    for number in range(args.switches // 2):
        rollback(Releases(project), params, 1)
        promote(Releases(project), params, 2)
        if number % 50 == 49:
            print(f"{2 * (number + 1):,} switches: {dict(seen)}", flush=True)
    stop.set()
    for one in clients:
        one.join()
    data = f"{args.switches:,} switches between 2 releases of {CHUNKS} chunks, {args.clients} clients"
    result = Result.begin("crash-switches", "crash.switches", data)
    mixed, failed = (
        sum(count for what, count in seen.items() if what.startswith(kind)) for kind in ("mixed", "failed")
    )
    row: dict[str, Cell] = {"switches": args.switches, "answers right": seen["right"], "mixed": mixed, "failed": failed}
    result.tables = [Table(rows=[row])]
    asked = f"answers that mix releases or fail, of {seen.total():,}"
    result.figures = [Figure(asked=asked, ours=mixed + failed)]
    result.write(args.results)
    raise SystemExit(0 if set(seen) == {"right"} else 1)


if __name__ == "__main__":
    main()
