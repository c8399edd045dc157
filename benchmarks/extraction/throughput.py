"""How fast extraction is beside libraries that chunk code or list its symbols, and how its memory grows.

    python -m benchmarks.extraction.throughput --peers FOLDER --repositories REPOSITORY [REPOSITORY ...]

The files of all repositories that have a parser here go into one git repository. Each peer reads them from disk, makes
syntax-aware chunks of 1,600 characters or symbols, with its own defaults otherwise, and writes JSON Lines. tree-sitter
only parses. Extraction does its whole stage: it reads from git, looks for secrets and personal data with two scanners,
makes symbols with documentation and facts, chunks, spans and licences, and writes a cache and five files.

Every run is a command of its own on the same files; the peers and extraction take turns. `seconds` are from the first
line of work to the last. Those of the whole command, and its CPU seconds, count its start and its processes too. Of
several runs the best counts. One changed file and an unchanged repository are measured too, and the peak memory at once
and ten times the input. Peers live in a virtual environment in FOLDER, which is made when missing.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median

import psutil
import yaml

from benchmarks.extraction.peers import PEERS
from benchmarks.result import (
    HOME,
    Cell,
    Chart,
    Figure,
    Interval,
    Result,
    Table,
    make_parser,
    ratio_of_medians,
    round_to,
)
from pipelines.extraction.workers import cores
from pipelines.source import tracked
from pipelines.syntax.languages import language_of

QUESTION = "How fast is extraction beside libraries that split code?"
GIT = ["git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@localhost"]
POLL_SECONDS = 0.02
MAX_BYTES = 512 * 1024


def gather(repositories: list[Path], folder: Path, copies: int = 1) -> int:
    """One repository with the source files of all, each copy with a first line of its own; returns their bytes."""
    total = 0
    for copy in range(copies):
        for root in repositories:
            for file in tracked.tracked_files(root)[0]:
                language = language_of(file.path)
                if language is None or file.size > MAX_BYTES:
                    continue
                content = (root / file.path).read_bytes()
                mark = b"#" if language.name == "python" else b"//"
                place = folder / f"copy{copy}" / root.name / file.path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content if copy == 0 else mark + b" copy %d\n" % copy + content)
                total += place.stat().st_size
    _commit(folder)
    return total


def workspace(folder: Path, source: Path) -> None:
    """A workspace whose project is `source`, with its snapshot taken."""
    folder.mkdir()
    shutil.copy(HOME / "dvc.yaml", folder / "dvc.yaml")
    shutil.copytree(HOME / "data" / "models", folder / "data" / "models")
    values = yaml.safe_load((HOME / "params.yaml").read_text())
    values["projects"] = {"all": {"source": str(source)}}
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


def stage(name: str, folder: Path) -> dict[str, float]:
    """Run one stage; returns its `seconds` by its journal and what `_watched` says of the command."""
    seen, _ = _watched([sys.executable, "-m", "pipelines", name, "all"], folder)
    return {**seen, "seconds": _journal(folder, name)["seconds"]}


def peer(python: Path, name: str, source: Path, processes: int) -> dict[str, float]:
    """Let a peer read a repository's files; returns `seconds`, `made` and how many files `failed`, and what `_watched`
    says of the command."""
    script = Path(__file__).with_name("peers.py")
    seen, told = _watched([str(python), str(script), name, str(source), str(processes)], source)
    return {**seen, **json.loads(told.splitlines()[-1])}


def environment(folder: Path) -> Path:
    """The peers' own Python, set up on first use."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        wanted = sorted({package for packages, _ in PEERS.values() for package in packages})
        subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted], check=True)
    return python


def rounds(folder: Path, python: Path | None, times: int) -> dict[str, list[dict[str, float]]]:
    """Cold extraction and every peer in turn, then what is warm; every run's figures, by name."""
    source = folder / "source"
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(times):
        shutil.rmtree(folder / "work" / "data" / "all" / ".cache", ignore_errors=True)
        found.setdefault("ours, from nothing", []).append(stage("extraction", folder / "work"))
        if python:
            for name in PEERS:
                found.setdefault(name, []).append(peer(python, name, source / "copy0", cores()))
    edited = next(path for path in sorted(source.rglob("*.py")) if path.stat().st_size)
    for number in range(times):
        found.setdefault("ours, nothing changed", []).append(stage("extraction", folder / "work"))
        edited.write_bytes(edited.read_bytes() + b"# edit %d\n" % number)
        stage("snapshot", folder / "work")
        found.setdefault("ours, one file changed", []).append(stage("extraction", folder / "work"))
    return found


def _watched(command: list[str], folder: Path) -> tuple[dict[str, float], str]:
    """Run a command; returns how long it took (`whole`), its `cpu` seconds, the most bytes of memory that it and its
    children held at one time (`peak`), and what it printed."""
    before, peak, began = resource.getrusage(resource.RUSAGE_CHILDREN), 0, time.perf_counter()
    with tempfile.TemporaryFile("w+") as printed:
        environ = {**os.environ, "PYTHONPATH": str(HOME), "NOCTURNE_HOME": str(folder)}
        process = psutil.Popen(command, cwd=folder, env=environ, stdout=printed)
        while process.poll() is None:
            peak = max(peak, sum(map(_held, [process, *process.children(recursive=True)])))
            time.sleep(POLL_SECONDS)
        whole = time.perf_counter() - began
        printed.seek(0)
        told = printed.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed in {folder}.")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"whole": whole, "cpu": cpu, "peak": peak}, told


def _held(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _journal(folder: Path, name: str) -> dict:
    return json.loads((folder / "data" / "all" / ".night" / f"{name}.json").read_text())


def _commit(folder: Path) -> None:
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*GIT, *arguments], cwd=folder, check=True)


def prepared(folder: Path, repositories: list[Path], copies: int) -> int:
    """A source and a workspace with its snapshot below `folder`; returns the source's bytes."""
    size = gather(repositories, folder / "source", copies)
    workspace(folder / "work", folder / "source")
    stage("snapshot", folder / "work")
    return size


def row(name: str, runs: list[dict[str, float]], size: int, symbols: int) -> dict[str, Cell]:
    """The best of a program's runs on `size` bytes of source."""
    seconds, whole, cpu = (min(run[key] for run in runs) for key in ("seconds", "whole", "cpu"))
    return {
        "program": name,
        "makes": round(runs[0].get("made", symbols)),
        "seconds": round_to(seconds, 3),
        "whole command, s": round_to(whole, 3),
        "CPU seconds": round_to(cpu, 3),
        "MB/s": round_to(size / 1e6 / seconds, 3),
    }


def compare(found: dict[str, list[dict[str, float]]]) -> list[Figure]:
    """CPU seconds of extraction beside each peer, with intervals where there are several rounds."""
    mine = [run["cpu"] for run in found["ours, from nothing"]]
    figures = []
    for name in PEERS:
        if name in found:
            theirs = [run["cpu"] for run in found[name]]
            ratio = ratio_of_medians(theirs, mine, paired=True)
            ratio = ratio if len(mine) > 1 else Interval(value=ratio.value)
            asked = "CPU seconds, from nothing, median; ours makes more than chunks"
            ours, other = (round_to(median(some), 3) for some in (mine, theirs))
            figures.append(Figure(asked=asked, ours=ours, unit="s", peer=name, theirs=other, ratio=ratio))
    return figures


def main() -> None:
    """Measure, and write the result."""
    parser = make_parser(__doc__)
    parser.add_argument("--repositories", type=Path, nargs="+", required=True)
    parser.add_argument("--peers", type=Path, help="the peers' virtual environment; without it none is measured")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    repositories = [path.resolve() for path in args.repositories]
    with tempfile.TemporaryDirectory() as name:
        once, tenfold = Path(name) / "once", Path(name) / "tenfold"
        size = prepared(once, repositories, 1)
        found = rounds(once, environment(args.peers) if args.peers else None, args.rounds)
        counts = _journal(once / "work", "extraction")["facts"]
        data = f"{counts['files']:,} files, {size / 1e6:.1f} MB of {', '.join(path.name for path in repositories)}"
        result = Result.begin("extraction-throughput", "extraction.throughput", data)
        peak = max(run["peak"] for run in found["ours, from nothing"])
        large = prepared(tenfold, repositories, 10)
        cold = stage("extraction", tenfold / "work")
    sizes = ((size, peak, min(run["cpu"] for run in found["ours, from nothing"])), (large, cold["peak"], cold["cpu"]))
    memory: list[dict[str, Cell]] = [
        {"source, MB": round_to(source / 1e6, 3), "peak, MB": round(most / 1e6), "CPU seconds": round_to(cpu, 3)}
        for source, most, cpu in sizes
    ]
    programs = [row(name, runs, size, counts["symbols"]) for name, runs in found.items()]
    result.tables = [Table(rows=programs), Table(title="Peak memory of extraction", rows=memory)]
    grew = round_to(cold["peak"] / peak, 3)
    asked = f"peak memory at {large / 1e6:.1f} MB of source, in times of that at {size / 1e6:.1f} MB"
    result.figures = [*compare(found), Figure(asked=asked, ours=grew)]
    result.chart = Chart(title="CPU seconds of the whole command", labels="program", values="CPU seconds")
    result.notes = [f"The table has the best of {args.rounds} runs, the ratios are of medians."]
    result.write(args.results)


if __name__ == "__main__":
    main()
