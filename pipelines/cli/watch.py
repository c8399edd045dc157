"""`watch`: the search kept in step with the files between two nights."""

import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

import typer

from pipelines.cli.context import Json, ProjectArgument, ProjectName, choose_name, open_project, print_json
from pipelines.config.load import load_params
from pipelines.wording import format_count

if TYPE_CHECKING:
    from pipelines.progress import Step

SHOWN = 3  # files named in a line
FEW = 64  # files that are taken before one could read how far they are
EVERY_S = 0.5


def watch(name: ProjectArgument = None, project: ProjectName = None, json: Json = False) -> None:
    """Keep the search in step with edited files.

    A saved file is searchable a moment later, on top of the live release. Only tracked files count: `git add` a new
    one. Nothing is released; the next night learns what changed. Ctrl-C ends it.
    """
    from pipelines.progress import show_progress
    from pipelines.registry.releases import Releases
    from pipelines.watch.watch import Event, Watch

    place, _ = open_project(choose_name(name, project))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def told(event: Event) -> None:
        if json:
            print_json(facts_of(event))
        else:
            typer.echo(format_line(event), err=bool(event.error))

    typer.echo(f"Watching {place.source}; Ctrl-C ends it", err=True)
    with show_progress(Progress(sys.stderr)):
        Watch(place, lambda: load_params(place.workspace), lambda: Releases(place).champion(), told).run(stop)


class Progress:
    """How far a change of many files is: on a terminal one line that is written over, else a line now and then."""

    def __init__(self, output: TextIO) -> None:
        self._output, self._told = output, 0.0

    def __call__(self, step: "Step") -> None:
        """Tell of a step, unless it is one of few or comes too soon."""
        ended = step.done == step.total
        if step.total <= FEW or (time.monotonic() - self._told < EVERY_S and not ended):
            return
        self._told = time.monotonic()
        words = f"{step.done:,} of {step.total:,} {step.unit} taken"
        if not self._output.isatty():
            self._output.write(f"{words}\n")
        else:
            self._output.write(f"\r{words}" if not ended else "\r\033[K")
        self._output.flush()


def facts_of(event: Any) -> dict[str, Any]:
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


def format_line(event: Any) -> str:
    """One event for people."""
    if event.error:
        return f"Not indexed yet, will be tried again: {event.error}"
    taken = event.taken
    files = [*taken.changed, *(f"{path} (gone)" for path in taken.gone)]
    if not files:
        return f"Up to date with release {event.release}"
    named = ", ".join(files[:SHOWN]) + (f" and {len(files) - SHOWN:,} more" if len(files) > SHOWN else "")
    passages = format_count(taken.passages, "passage")
    return f"{named}: {passages}, {taken.embedded:,} embedded; searchable in {event.seconds:.2f} s"
