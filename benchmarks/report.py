"""Makes benchmarks/README.md and its charts of the files in benchmarks/results.

    python -m benchmarks.report [--check]

Each module that measures something has a `QUESTION`, and its docstring says how it measures. Both are read as text, so
no benchmark is imported. `--check` writes nothing and ends with exit code 1 when a file is out of date.
"""

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chart import draw_bars
from benchmarks.result import HOME, RESULTS, Figure, Interval, Machine, Result, markdown, shown

README = HOME / "benchmarks" / "README.md"
AREAS = {
    "training": "Training",
    "gates": "Gates",
    "index": "Index and search",
    "extraction": "Extraction",
    "data": "Data",
    "crash": "Crashes",
}
HEAD = """# Benchmarks

This page is made by `python -m benchmarks.report` from the files in `benchmarks/results/`. Do not edit it.

A benchmark writes one JSON file with its figures, date, commit, machine and command. Run the command again to replace
the file, then run `python -m benchmarks.report`. "Carried over" marks figures that an earlier text held: nobody has run
them again since. Times depend on the machine, so compare figures of one run only.

## Answers

A ratio above 1 means that Nocturne is better. An interval stands in brackets and is of 95% unless the section says
otherwise. The date is the day of the run.
"""


@dataclass
class Section:
    """A question, how it is measured, and the results that answer it."""

    area: str
    question: str
    explanation: str
    results: list[Result] = field(default_factory=list)


def load_results(folder: Path = RESULTS) -> list[Result]:
    """Every result, by name.

    Raises:
        pydantic.ValidationError: a file lacks a key or has an unknown one.
        ValueError: a file's name is not the result's.
    """
    found = []
    for file in sorted(folder.glob("*.json"), key=lambda file: file.stem):
        result = Result.model_validate_json(file.read_text())
        if result.name != file.stem:
            raise ValueError(f"{file.name} holds the result {result.name!r}. Rename the file or its `name`.")
        found.append(result)
    return found


def read_sections(results: Sequence[Result]) -> list[Section]:
    """A section for each module with a QUESTION, and for each result without a module; by area."""
    by_module: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_module[result.benchmark].append(result)
    found = []
    for file in sorted((HOME / "benchmarks").glob("*/*.py")):
        tree = ast.parse(file.read_text())
        if question := _question(tree):
            explanation = (ast.get_docstring(tree) or "").partition("\n")[2].strip("\n")
            own = by_module.pop(f"{file.parent.name}.{file.stem}", [])
            found.append(Section(file.parent.name, question, explanation, own))
    for alone in by_module.pop("", []):
        found.append(Section(alone.name.split("-")[0], alone.question, "", [alone]))
    if by_module:
        raise ValueError(f"No module below benchmarks/ has a QUESTION for {', '.join(sorted(by_module))}.")
    return sorted(found, key=lambda section: list(AREAS).index(section.area))


def _question(tree: ast.Module) -> str:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["QUESTION"]:
            return str(ast.literal_eval(node.value))
    return ""


def render(results: Sequence[Result]) -> dict[Path, str]:
    """Path → text of the page and of every chart."""
    sections = read_sections(results)
    parts, area = [HEAD, _answers(sections) + "\n"], ""
    for section in sections:
        if section.area != area:
            area = section.area
            parts.append(f"## {AREAS[area]}\n")
        parts.append(_section(section))
    charts = {RESULTS / f"{result.name}.svg": _chart(result) for result in results if result.chart}
    return {README: "\n".join(parts).rstrip("\n") + "\n", **charts}


def _answers(sections: Sequence[Section]) -> str:
    lines = ["| question | what was measured | ours | peer | ratio | date |", "| --- | --- | ---: | --- | ---: | --- |"]
    for section in sections:
        asked = f"[{section.question}](#{_anchor(section.question)})"
        rows = [(figure, result) for result in section.results for figure in result.figures]
        for figure, result in rows:
            lines.append(f"| {asked} | {_answer(figure)} | {result.date or 'not known'} |")
            asked = ""
        if not rows:
            lines.append(f"| {asked} | not measured here yet | | | | |")
    return "\n".join(lines)


def _answer(figure: Figure) -> str:
    unit = f" {figure.unit}" if figure.unit else ""
    theirs = "" if figure.theirs is None else f": {shown(figure.theirs)}{unit}"
    ratio = shown(figure.ratio) if figure.ratio else ""
    return f"{figure.asked} | {shown(figure.ours)}{unit} | {figure.peer}{theirs} | {ratio}"


def _anchor(title: str) -> str:
    """A heading's anchor as forges make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _section(section: Section) -> str:
    parts = [f"### {section.question}"]
    if section.explanation:
        parts.append(section.explanation)
    if not section.results:
        parts.append("No result is stored yet. Run the command to get one.")
    parts += [_result(result) for result in section.results]
    return "\n\n".join(parts) + "\n"


def _result(result: Result) -> str:
    facts = [result.date or "date not known", *([f"commit {result.commit}"] if result.commit else [])]
    facts += [_machine(result.machine)]
    origin = "carried over" if result.source == "carried over" else "measured"
    file = f"[{result.name}.json](results/{result.name}.json)"
    command = f"`{result.command}`" if result.command else "measured by hand: no command makes it again"
    parts = [f"#### {result.data}", f"{command}  \n{file}, {origin}: {'; '.join(facts)}"]
    if result.chart:
        parts.append(f"![{result.chart.title}](results/{result.name}.svg)")
    parts += ["\n".join(f"- {note}" for note in result.notes)] if result.notes else []
    tables = "\n\n".join(markdown(table) for table in result.tables)
    parts += [f"<details><summary>All figures</summary>\n\n{tables}\n\n</details>"] if tables else []
    return "\n\n".join(parts)


def _machine(machine: Machine) -> str:
    if machine.description is not None:
        return machine.description
    facts = [f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB", f"GPU: {machine.gpu or 'none'}"]
    facts += [] if machine.load is None else [f"load at the start {machine.load:g}"]
    libraries = ", ".join(f"{name} {version}" for name, version in sorted((machine.libraries or {}).items()))
    return "; ".join([*facts, f"{machine.system}, Python {machine.python}", libraries])


def _chart(result: Result) -> str:
    chart = result.chart
    assert chart is not None
    bars = []
    for row in result.tables[chart.table].rows:
        label, value = str(row[chart.labels]), row.get(chart.values)
        length = value.value if isinstance(value, Interval) else value
        if isinstance(length, int | float) and (not chart.only or label in chart.only):
            bars.append((label, float(length), shown(length)))
    return draw_bars(chart.title, bars)


def stale(files: dict[Path, str]) -> list[Path]:
    """The files that are not as they should be, and the charts of results that are gone."""
    wrong = [path for path, text in files.items() if not path.is_file() or path.read_text() != text]
    return wrong + [path for path in sorted(RESULTS.glob("*.svg")) if path not in files]


def main() -> None:
    """Write what is out of date, or only name it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when a file is out of date")
    args = parser.parse_args()
    files = render(load_results())
    wrong = stale(files)
    for path in wrong:
        print(f"{'out of date' if args.check else 'written'}: {path.relative_to(HOME)}")
        if not args.check and path in files:
            path.write_text(files[path])
        elif not args.check:
            path.unlink()
    if args.check and wrong:
        sys.exit("Run `python -m benchmarks.report`.")


if __name__ == "__main__":
    main()
