"""Switching what is live while questions are asked: does every answer come from one release, and none fail?

    python -m benchmarks.switches [--switches 1000] [--clients 4] EMPTY_FOLDER

Two releases of a small project hold different texts, each with vectors of its own. One thread promotes the one and
rolls back to the other, the clients search all the time, as `nocturne search` does. An answer must hold the texts of
one release only, and as many as it was asked for.
"""

import argparse
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.kills_release import CHUNKS, DIMENSION, ReleaseSubject, opened

ASKED = 20  # passages a question


def asking(folder: Path, stop: threading.Event, seen: "Counter[str]") -> None:
    """Search until told to stop, and count what came of it."""
    import numpy as np

    from pipelines.index import Hit, open_index
    from pipelines.release.indexes import served

    project, params = opened(folder)
    vector = np.full(DIMENSION, DIMENSION**-0.5, np.float32)

    def searched(live: Any) -> tuple[str, list[Hit]]:
        with open_index(project, params.index, live.index_version) as index:
            return live.manifest.night.removeprefix("night "), index.search("function", vector, ASKED)

    while not stop.is_set():
        try:
            (trial, hits), notices = served(project, params, searched)
        except Exception as error:
            seen[f"failed: {error}"] += 1
            continue
        whole = len(hits) == ASKED and {hit.path for hit in hits} == {f"src/file{trial}.py"} and not notices
        seen["right" if whole else "mixed"] += 1


def main() -> None:
    """Print how many answers were right, mixed or failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="EMPTY_FOLDER")
    parser.add_argument("--switches", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=4)
    args = parser.parse_args()
    folder = args.folder.resolve()
    subject = ReleaseSubject(folder)
    subject.prepare()
    subject.begin(1)
    subject.work(1, lambda write: None)
    from pipelines.release.publication import promote, rollback

    project, params = opened(folder)
    stop, seen = threading.Event(), Counter[str]()
    clients = [threading.Thread(target=asking, args=[folder, stop, seen]) for _ in range(args.clients)]
    for client in clients:
        client.start()
    for number in range(args.switches // 2):
        rollback(project, params, 1)
        promote(project, params, 2)
        if number % 50 == 49:
            print(f"{2 * (number + 1):,} switches, {sum(seen.values()):,} answers", flush=True)
    stop.set()
    for client in clients:
        client.join()
    print(f"{args.switches:,} switches between 2 versions of {CHUNKS} chunks, {args.clients} clients: {dict(seen)}")
    raise SystemExit(0 if set(seen) == {"right"} else 1)


if __name__ == "__main__":
    main()
