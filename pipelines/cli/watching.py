"""`watch`: the search kept in step with the files between two nights."""

import signal
import threading
from typing import Any

import typer

from pipelines.cli.context import Json, ProjectName, opened, print_json

SHOWN = 3  # files named in a line


def watch(project: ProjectName = None, json: Json = False) -> None:
    """Keep search and answers in step with the files while they are edited, on top of the live release; Ctrl-C ends it.

    Tracked files only, as at night: `git add` a new one. Nothing is released by it; the next night learns what changed.
    """
    from pipelines.registry.releases import Releases
    from pipelines.watching.watch import Event, Watch

    place, _ = opened(project)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def told(event: Event) -> None:
        if json:
            print_json(facts(event))
        else:
            typer.echo(line(event), err=bool(event.error))

    typer.echo(f"Watching {place.source}; Ctrl-C ends it", err=True)
    Watch(place, lambda: opened(project)[1], lambda: Releases(place).champion(), told).run(stop)


def facts(event: Any) -> dict[str, Any]:
    """Plain values, for JSON."""
    taken = event.taken
    return {
        "release": event.release,
        "changed": list(taken.changed),
        "gone": list(taken.gone),
        "passages": taken.passages,
        "embedded": taken.embedded,
        "seconds": round(event.seconds, 3),
        "error": event.error or None,
    }


def line(event: Any) -> str:
    """One event for people."""
    if event.error:
        return f"Not taken, tried again: {event.error}"
    taken = event.taken
    files = [*taken.changed, *(f"{path} (gone)" for path in taken.gone)]
    if not files:
        return f"Up to date with release {event.release}"
    named = ", ".join(files[:SHOWN]) + (f" and {len(files) - SHOWN:,} more" if len(files) > SHOWN else "")
    return f"{named}: {taken.passages:,} passages, {taken.embedded:,} embedded; searchable in {event.seconds:.2f} s"
