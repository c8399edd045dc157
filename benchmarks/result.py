"""What every benchmark writes: one JSON file with its figures, their date, commit, machine and command.

    result = Result.begin("index-semble", "index.semble", args)
    result.tables.append(Table(rows=[{"sources": "click", "index, ms": 1010}]))
    result.write(args.results)

`python -m benchmarks.report` makes benchmarks/README.md of these files.
"""

import argparse
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

HOME = Path(__file__).resolve().parents[1]
RESULTS = HOME / "benchmarks" / "results"
LIBRARIES = ("numpy", "openvino", "qdrant-edge-py", "tokenizers", "torch", "transformers", "tree-sitter")
RESAMPLES, CONFIDENCE, SEED = 2000, 0.95, 17


class Strict(BaseModel):
    """A record that refuses unknown keys, so that a misspelt one in a file is seen."""

    model_config = ConfigDict(extra="forbid")


class Interval(Strict):
    """An estimate with the bounds of its interval, in the unit of the figure."""

    value: float
    low: float | None = None
    high: float | None = None


Cell = str | int | float | Interval | None


class Machine(Strict):
    """Where a benchmark ran. A figure from an earlier text has only `description`.

    Attributes:
        description: the machine as the earlier text says it.
        cpu: the processor's model.
        cores: cores that this process may use.
        memory_gb: physical memory in GB (10**9 bytes).
        gpu: the names of all GPUs, None without one.
        load: processes that waited for a core at the start, averaged over a minute; much above 0 spoils times.
        system: operating system and architecture.
        python: Python's version.
        libraries: name → version of the libraries that decide speed.
    """

    description: str | None = None
    cpu: str | None = None
    cores: int | None = None
    memory_gb: float | None = None
    gpu: str | None = None
    load: float | None = None
    system: str | None = None
    python: str | None = None
    libraries: dict[str, str] | None = None


class Figure(Strict):
    """One answer for the first table of the page.

    Attributes:
        asked: what was measured, with the data it was measured on.
        ours: Nocturne's figure.
        unit: of `ours` and `theirs`; empty for a share or a count.
        peer: name and version of what Nocturne is compared with.
        theirs: the peer's figure.
        ratio: above 1 where Nocturne is better, with its interval where the benchmark has one.
    """

    asked: str
    ours: float | Interval
    unit: str = ""
    peer: str = ""
    theirs: float | None = None
    ratio: Interval | None = None


class Table(Strict):
    """Figures in rows; a column's name tells its unit."""

    title: str = ""
    rows: list[dict[str, Cell]]


class Chart(Strict):
    """A bar for each row of a table.

    Attributes:
        title: what the bars show, with the unit.
        labels: the column that names a bar.
        values: the column that gives its length.
        table: which of the result's tables, from 0.
        only: the rows with these labels; empty for all.
    """

    title: str
    labels: str
    values: str
    table: int = 0
    only: list[str] = []


class Result(Strict):
    """One benchmark's result on one set of data.

    Attributes:
        name: the file's name without `.json`.
        benchmark: the module below `benchmarks` that measures it; empty where `command` is none of them.
        question: what is asked, where no module says it.
        data: what it was measured on.
        date: the day in UTC, as YYYY-MM-DD; None where the earlier text has none.
        commit: the commit that was measured; `-dirty` after it says that files were changed. None where not known.
        command: what makes the result again. Paths are shortened to their last part.
        source: `measured` by this command, or `carried over` by hand from an earlier text.
        notes: what a reader needs to judge the figures, a sentence or two each.
    """

    name: str
    benchmark: str = ""
    question: str = ""
    data: str
    date: str | None = None
    commit: str | None = None
    machine: Machine
    command: str
    source: Literal["measured", "carried over"] = "measured"
    figures: list[Figure] = Field(default_factory=list)
    tables: list[Table] = Field(default_factory=list)
    chart: Chart | None = None
    notes: list[str] = Field(default_factory=list)

    @classmethod
    def begin(cls, name: str, benchmark: str, data: str = "") -> "Result":
        """An empty result of the running command, with today's date, the commit and this machine."""
        return cls(
            name=name,
            benchmark=benchmark,
            data=data,
            date=f"{datetime.now(UTC):%Y-%m-%d}",
            commit=_commit(),
            machine=this_machine(),
            command=shown_command(benchmark, sys.argv[1:]),
        )

    def write(self, folder: Path) -> Path:
        """Write the file, print the tables, and return the file's path."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.name}.json"
        file.write_text(self.model_dump_json(indent=1, exclude_defaults=True) + "\n")
        print("\n\n".join(markdown(table) for table in self.tables))
        print(f"\nThe result is in {file.name}. Run `python -m benchmarks.report` to put it on the page.")
        return file


def make_parser(module_docstring: str | None) -> argparse.ArgumentParser:
    """A parser that shows the module's docstring and knows `--results`."""
    parser = argparse.ArgumentParser(description=module_docstring, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder that gets the JSON file")
    return parser


def ratio_of_medians(theirs: Sequence[float], ours: Sequence[float], paired: bool) -> Interval:
    """The median of the peer's times over the median of ours, with a 95% bootstrap interval.

    Args:
        theirs, ours: seconds of each run, in any one unit.
        paired: whether entry n of both is the same question or turn; then both are drawn together.
    """
    one, two = np.asarray(theirs, dtype=float), np.asarray(ours, dtype=float)
    draw = np.random.default_rng(SEED)
    rows = draw.integers(0, len(one), (RESAMPLES, len(one)))
    others = rows if paired else draw.integers(0, len(two), (RESAMPLES, len(two)))
    ratios = np.median(one[rows], axis=1) / np.median(two[others], axis=1)
    low, high = np.quantile(ratios, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value=round_to(np.median(one) / np.median(two)), low=round_to(low), high=round_to(high))


def round_to(value: float, digits: int = 4) -> float:
    """The number with so many significant digits: more would only make the files differ."""
    return float(f"{float(value):.{digits}g}")


def this_machine() -> Machine:
    """The machine that this process runs on."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Machine(
        cpu=_cpu(),
        cores=cores,
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        gpu=_told("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").replace("\n", ", ") or None,
        load=round(os.getloadavg()[0], 1),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
    )


def _cpu() -> str:
    """The processor's model; Linux and macOS keep it in different places."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        return named[0] if named else platform.machine()
    return _told("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()


def _commit() -> str | None:
    """Seven digits of the commit, and whether more than results differ from it; None without git."""
    git = ("git", "-C", str(HOME))
    commit = _told(*git, "rev-parse", "--short=7", "HEAD")
    made = (":!benchmarks/results", ":!benchmarks/README.md")
    changed = _told(*git, "status", "--porcelain", "--untracked-files=no", "--", ".", *made)
    return f"{commit}-dirty" if commit and changed else commit or None


def _told(*command: str) -> str:
    """What a command prints; nothing where it is not installed or fails."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def shown_command(benchmark: str, arguments: Sequence[str]) -> str:
    """The command as another person would type it: without `--results`, and each path as its last part."""
    results = list(arguments).index("--results") if "--results" in arguments else len(arguments)
    shown = [_shortened(argument) for argument in (*arguments[:results], *arguments[results + 2 :])]
    return " ".join(["python", "-m", f"benchmarks.{benchmark}", *shown])


def _shortened(argument: str) -> str:
    path = Path(argument)
    if not path.is_absolute() and ".." not in path.parts:
        return argument
    if path.is_file() and os.access(path, os.X_OK):
        return "PYTHON"  # a peer's interpreter is the only program that is given
    return path.resolve().name


def markdown(table: Table) -> str:
    """The table in Markdown, with a column for each key of any row."""
    columns = list(dict.fromkeys(key for row in table.rows for key in row))
    text = {key: any(isinstance(row.get(key), str) for row in table.rows) for key in columns}
    lines = [columns, ["---" if text[key] else "---:" for key in columns]]
    lines += [[shown(row.get(key)) for key in columns] for row in table.rows]
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"**{table.title}**\n\n{body}" if table.title else body


def shown(cell: Cell) -> str:
    """A number for people: thousands with commas, otherwise as many digits as the file has."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.replace("|", "\\|")
    if isinstance(cell, Interval):
        bounds = "" if cell.low is None or cell.high is None else f" ({shown(cell.low)} to {shown(cell.high)})"
        return shown(cell.value) + bounds
    return f"{cell:,}" if isinstance(cell, int) or not cell.is_integer() else f"{cell:,.0f}"
