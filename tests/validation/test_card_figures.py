"""Every figure of the dataset's card and of the Data Docs' first page stands where its row and column say: all figures
differ, and each cell is held against the data by its names."""

from collections.abc import Iterator
from itertools import count

import page_tables
import pytest
from page_tables import the

from pipelines.validation.card import Contents, card_figures, write_card
from pipelines.validation.docs import _index


def some_rows(numbers: Iterator[int], language: str, license: str, amount: int) -> list[dict]:
    return [
        {
            **{"task": "explain", "language": language, "license": license, "path": f"{language}/{n}", "commit": "c"},
            **{
                "tokens": next(numbers),
                "completion": "x" * next(numbers),
                "prompt": "",
                "request": "",
                "start_line": 1,
            },
            **{"example_id": f"{language}{n}", "quality": 0.5, "quality_parts": {"length": 0.1, "code": 0.7}},
        }
        for n in range(amount)
    ]


def some_contents() -> Contents:
    numbers = count(101)
    recipes = {
        name: {"train": 7001 + n, "holdout": 7101 + n, "quarantined": 7201 + n, "share": 0.11 * (n + 1)}
        for n, name in enumerate(["tests", "explain"])
    }
    action = {"category": "secret", "kind": "AWS key", "action": "redact"}
    return Contents(
        train=some_rows(numbers, "python", "MIT", 5) + some_rows(numbers, "go", "", 3),
        holdout=some_rows(numbers, "python", "MIT", 2) + some_rows(numbers, "rust", "BSD", 4),
        preferences=[],
        quarantined=[{"rule": "too_long"}] * 2 + [{"rule": "echo"}] * 3,
        summary={"recipes": recipes, "contamination": {"rate": 0.0, "method": ""}},
        findings=[{**action, "path": path} for path in ("a", "a", "b")],
        base={"base_model": "b", "identity": "i"},
    )


@pytest.fixture(scope="module", params=["html", "md"])
def card(request, tmp_path_factory) -> tuple[dict, dict]:
    """The tables of a card, with the columns' names in small letters, and what the card says as data."""
    folder = tmp_path_factory.mktemp("card")
    write_card(folder, "moon", "d", some_contents())
    text = (folder / f"card.{request.param}").read_text()
    tables = page_tables.of_html(text) if request.param == "html" else page_tables.of_markdown(text)
    lower = {
        names.lower(): {row: {name.lower(): cell for name, cell in cells.items()} for row, cells in table.items()}
        for names, table in tables.items()
    }
    return lower, card_figures(some_contents())


def holds(row: dict, **wanted: object) -> None:
    assert {name: row[name] for name in wanted} == {name: str(value) for name, value in wanted.items()}


def test_the_card_counts_languages_and_licences_by_split(card):
    tables, told = card
    for title, key in (("language", "languages"), ("licence", "licenses")):
        table = the(tables, title)
        assert set(table) == set(told[key])
        for name, counts in told[key].items():
            holds(table[name], training=counts["training"], holdout=counts["holdout"])
    assert told["languages"]["python"] == {"training": 5, "holdout": 2}


def test_the_card_shows_each_recipe_each_split_and_each_finding_under_its_name(card):
    tables, told = card
    for name, recipe in told["recipes"].items():
        holds(the(tables, "recipe")[name], training=f"{recipe['train']:,}", holdout=f"{recipe['holdout']:,}")
        holds(the(tables, "recipe")[name], quarantined=f"{recipe['quarantined']:,}")
    for name, split in told["splits"].items():
        holds(
            the(tables, "rows", "tokens")[name], rows=split["rows"], files=split["files"], tokens=f"{split['tokens']:,}"
        )
    holds(the(tables, "category")["secret"], kind="AWS key", findings=3, files=2)


def test_the_card_shows_each_quantile_and_each_part_of_quality_under_its_name(card):
    tables, told = card
    table = the(tables, "least", "median")
    assert table
    assert set(table) == set(told["lengths"])
    for name, quantiles in told["lengths"].items():
        assert table[name] == {quantile: str(value) for quantile, value in quantiles.items()}
    assert told["quality"]["parts"]
    for name, part in told["quality"]["parts"].items():
        holds(the(tables, "part")[name], mean=f"{part['mean']:.2f}")
        assert the(tables, "part")[name]["examples that it applies to"] == str(part["examples"])


def test_the_data_docs_show_each_expectation_with_what_was_found_and_each_rule_with_its_count():
    results = [
        {
            "table": f"table {n}",
            "expectation": f"expected {n}",
            "observed": f"{n + 3}",
            "severity": "warn",
            "met": n == 0,
        }
        for n in range(3)
    ]
    quarantined = [{"rule": "too_long"}] * 7 + [{"rule": "echo"}] * 4
    page = _index("moon", "d", ([{}] * 5, [{}] * 6, quarantined), results, {})
    table = the(page_tables.of_html(page, key="Expectation"), "Expectation")
    for result in results:
        row = table[result["expectation"]]
        assert (row["Found"], row["Table"]) == (result["observed"], result["table"])
        assert row[""] == ("✓" if result["met"] else "!")
    for number, name in ((5, "training"), (6, "holdout"), (11, "quarantined")):
        assert f"<b>{number}</b> {name}" in page
    assert "<td>too_long</td><td>7</td>" in page
    assert "<td>echo</td><td>4</td>" in page
