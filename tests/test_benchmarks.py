"""The page of the benchmarks is what their results say, and what points at them finds them."""

import ast
import re

import pytest
from conftest import ROOT

from benchmarks.report import load_results, render, stale
from benchmarks.result import Result, Table, markdown, ratio_of_medians, shown_command

BENCHMARKS = ROOT / "benchmarks"
PEERS = [BENCHMARKS / "extraction" / "peers.py", *sorted((BENCHMARKS / "index" / "peers").glob("*.py"))]
LARGEST = 30_000  # bytes of a chart
NAMED = re.compile(r"benchmarks/[\w/]+\.(?:py|md)")


@pytest.fixture(scope="module")
def files():
    return render(load_results())


def test_the_page_and_its_charts_are_what_the_results_say(files):
    assert stale(files) == [], "run `python -m benchmarks.report`"


def test_a_changed_figure_makes_the_page_stale(files):
    results = load_results()
    changed = next(result for result in results if result.figures)
    changed.figures[0].ours = 123456
    assert stale(render(results)) != []


def test_every_chart_is_small(files):
    charts = [path for path in files if path.suffix == ".svg"]
    assert charts
    assert all(path.stat().st_size < LARGEST for path in charts)


def test_every_result_says_where_its_figures_come_from():
    results = load_results()
    assert results
    for result in results:
        assert result.figures or result.tables, result.name
        if result.source == "measured":
            assert all((result.date, result.commit, result.command, result.machine.cpu)), result.name
        else:
            assert result.machine.description, result.name


def test_no_result_names_a_folder_of_one_machine():
    for file in (BENCHMARKS / "results").glob("*.json"):
        assert not re.search(r'["\s](?:/(?:home|tmp|work|root|Users)/)', file.read_text()), file.name


@pytest.mark.parametrize("peer", PEERS, ids=lambda path: path.name)
def test_a_peer_needs_nothing_of_this_repository(peer):
    """Another environment's interpreter runs it as a script."""
    found = set()
    for node in ast.walk(ast.parse(peer.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    assert found
    assert not found & {"benchmarks", "flows", "pipelines", "tests"}
    neighbours = {file.stem for file in peer.parent.glob("*.py")}  # its folder comes first on its path
    assert not found & neighbours, "it would import a script beside it"


def test_every_benchmark_that_is_named_in_code_or_docs_is_there():
    places = [path for room in ("pipelines", "flows", "tools") for path in (ROOT / room).rglob("*.py")]
    places += [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {(name, path) for path in places for name in NAMED.findall(path.read_text())}
    assert named
    assert [(name, path) for name, path in named if not (ROOT / name).is_file()] == []


def test_a_result_survives_its_file(tmp_path):
    result = Result.begin("x", "index.semble", "some data")
    result.tables = [Table(rows=[{"a": 1, "b": None}])]
    result.write(tmp_path)
    [again] = load_results(tmp_path)
    assert again == result


def test_a_command_names_no_folder_of_this_machine(tmp_path):
    (tmp_path / "click").mkdir()
    said = shown_command("index.semble", ["--results", str(tmp_path), "--peer", "/bin/sh", str(tmp_path / "click")])
    assert said == "python -m benchmarks.index.semble --peer PYTHON click"


def test_the_interval_of_a_ratio_holds_it():
    ratio = ratio_of_medians([2.0, 2.2, 1.8, 2.1], [1.0, 1.1, 0.9, 1.0], paired=True)
    assert ratio.low <= ratio.value <= ratio.high
    assert ratio.low > 1


def test_a_row_may_lack_a_column():
    assert markdown(Table(rows=[{"a": "x", "b": 1000}, {"a": "y"}])).splitlines()[2:] == ["| x | 1,000 |", "| y |  |"]
