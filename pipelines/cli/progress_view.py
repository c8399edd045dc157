"""What a person sees of a night: a line a stage with its progress, and one table at the end."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

from pipelines.dag import journal
from pipelines.evaluation.metric_specs import BITS_PER_BYTE
from pipelines.gates import top_moves, verdict_word
from pipelines.night.outcome import Outcome
from pipelines.project import Project

EVERY = 0.2  # seconds
DECISIONS = ("gates", "release", "index", "gc")
STARTING = "starting"
COLOURS = {"passed": "green", "REFUSED": "red", "warned": "yellow", "skipped": "dim"}


class Follower(threading.Thread):
    """Reads the stages' journals while the flow runs, and draws them. On a terminal, bars; else a line an end."""

    def __init__(self, project: Project, stages: list[str], output: TextIO) -> None:
        super().__init__(daemon=True)
        self.project = project
        self.stages = stages
        self.console = Console(file=output)
        self.ended = threading.Event()
        self.began = time.time()
        self.finished: set[str] = set()
        self.bars = Progress(
            TextColumn("{task.description:<11}"),
            BarColumn(28),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            transient=True,
        )

    def run(self) -> None:
        """Draw until told to end, and once more then."""
        with self.bars if self.console.is_terminal else _print_plain():
            self.bars.add_task(STARTING, total=None, count="Prefect", note="")
            while not self.ended.wait(EVERY):
                self._look()
            self._look()

    def _look(self) -> None:
        for stage in self.stages:
            entry = journal.read(self.project, stage)
            if entry is None or stage in self.finished or entry.began < self.began:
                continue
            self._drop(STARTING)
            if entry.state == "running":
                self._move(stage, entry)
            else:
                self._finish(stage, entry)

    def _move(self, stage: str, entry: journal.Entry) -> None:
        bar = next((task for task in self.bars.tasks if task.description == stage), None)
        task: TaskID = bar.id if bar else self.bars.add_task(stage, total=None, count="", note="")
        if entry.step:
            count = f"{entry.step['done']}/{entry.step['total']} {entry.step['unit']}"
            self.bars.update(
                task, total=entry.step["total"], completed=entry.step["done"], count=count, note=entry.step["note"]
            )

    def _drop(self, name: str) -> None:
        for task in self.bars.tasks:
            if task.description == name:
                self.bars.remove_task(task.id)

    def _finish(self, stage: str, entry: journal.Entry) -> None:
        self.finished.add(stage)
        self._drop(stage)
        refused = stage == "gates" and entry.facts.get("failed")
        mark = "[green]✓[/]" if entry.state == "done" and not refused else "[red]✗[/]"
        line = f"{mark} {stage:<11} {entry.seconds:7.1f} s  {format_facts(entry.facts)}"
        self.console.print(line, highlight=False, soft_wrap=True)


@contextmanager
def _print_plain() -> Iterator[None]:
    yield


@contextmanager
def follow(project: Project, stages: list[str], output: TextIO) -> Iterator[None]:
    """Draw the project's stages while the block runs."""
    follower = Follower(project, [*stages, *DECISIONS], output)
    follower.start()
    try:
        yield
    finally:
        follower.ended.set()
        follower.join()


def summarise(outcome: Outcome, output: TextIO | None = None) -> None:
    """The one table at the end of a night: what each stage did, and what each gate says."""
    console = Console(file=output or sys.stdout)
    if outcome.stages:
        facts = Column("facts", overflow="fold")  # a path that is cut short names nothing
        table = Table("stage", "time", facts, title=f"The night of {outcome.project}", title_justify="left")
        for stage in outcome.stages:
            took = f"{stage['seconds']:.1f} s" if "seconds" in stage else "–"
            table.add_row(stage["stage"], took, format_facts(stage["facts"]) if "facts" in stage else "nothing to do")
        for gate in outcome.gates:
            verdict = f"[{COLOURS[verdict_word(gate)]}]{verdict_word(gate)}[/]"
            said = [gate["reason"], f"rule: {gate['rule']}", *top_moves(gate)]
            table.add_row(f"gate: {gate['name']}", verdict, escape("\n".join(said)))
        console.print(table, highlight=False)
        if any(gate.get("metric") == "bits_per_byte" for gate in outcome.gates):
            console.print(BITS_PER_BYTE, highlight=False)


def format_facts(facts: dict[str, Any]) -> str:
    """Facts as a reader says them: `files 12, parsed 3`."""
    said = ", ".join(f"{key.replace('_', ' ')} {_figure(value)}" for key, value in facts.items() if value != "")
    return escape(said)


def _figure(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
