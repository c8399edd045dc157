"""Running the suite, and the folder of Data Docs that a person opens."""

import datetime
import shutil
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import great_expectations as gx
from great_expectations.core.run_identifier import RunIdentifier

from pipelines.config.schema import Params
from pipelines.records import Record, write_atomic
from pipelines.validation.page import STYLE
from pipelines.validation.suite import DRAFTS, DRIFT, EXAMPLES, SEVERITY, make_expectations
from pipelines.validation.tables import draft_table, drift_table, measure_table
from pipelines.wording import format_count

Rows = tuple[list[Record], list[Record], list[Record]]

# A run has a time in Great Expectations' file names and pages. Ours is no clock's, so that the bytes can be the same.
RUN_TIME = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
SITE = "nocturne"


def write_docs(
    folder: Path,
    project: str,
    dataset: str,
    rows: Rows,
    params: Params,
    contamination: float,
    distances: dict[str, float] | None = None,
) -> list[Record]:
    """Hold the dataset against the suite and write the Data Docs; identical input makes identical bytes.

    Args:
        folder: becomes `index.html`, `expectations/` and `validations/`.
        dataset: the dataset's fingerprint, which names the run.
        rows: train, holdout and quarantine.
        contamination: the share of held-out completions that stand in training text.
        distances: of tonight's distributions from an earlier dataset's; none when there is no earlier one.

    Returns:
        One record an expectation, in the suite's order: table, expectation (in words), severity (fail, warn), met,
        observed (a text).
    """
    train, holdout, _ = rows
    tables = {
        EXAMPLES: measure_table(train, holdout, params.dataset.recipes.on(), contamination),
        DRAFTS: draft_table(*rows),
    }
    if distances:
        tables[DRIFT] = drift_table(distances)
    suites = make_expectations(params, distances or ())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = _context(folder)
        found = {name: _validate(context, name, suites[name], tables[name], dataset) for name in suites}
        context.build_data_docs(site_names=[SITE], build_index=False)
    shutil.rmtree(folder / "static", ignore_errors=True)
    results = [_record(name, result) for name, validation in found.items() for result in validation.results]
    pages = {name: _pages(folder, name) for name in suites}
    write_atomic(folder / "index.html", _index(project, dataset, rows, results, pages).encode())
    return results


def _context(folder: Path) -> Any:
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}
    for site in list(context.variables.data_docs_sites or {}):
        context.delete_data_docs_site(site)
    page = {"view": {"module_name": "pipelines.validation.page", "class_name": "OfflinePage"}}
    context.add_data_docs_site(
        SITE,
        {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
            "site_section_builders": {"expectations": page, "validations": page, "profiling": "None"},
        },
    )
    return context


def _validate(context: Any, name: str, wanted: list[Any], table: Any, dataset: str) -> Any:
    asset = context.data_sources.add_pandas(name).add_dataframe_asset("rows")
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=wanted))
    batch = asset.add_batch_definition_whole_dataframe("all")
    definition = gx.ValidationDefinition(name=name, data=batch, suite=suite)
    return context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": table},
        run_id=RunIdentifier(run_name=dataset[:16], run_time=RUN_TIME),
    )


def _record(table: str, result: Any) -> Record:
    config = result.expectation_config
    outcome = result.result
    if not outcome:
        raise RuntimeError(f"{config.description}: {result.exception_info}")
    return {
        "table": table,
        "expectation": config.description,
        "severity": SEVERITY[config.severity.value],
        "met": bool(result.success),
        "observed": _observed(config.type, outcome["observed_value"]),
    }


def _observed(kind: str, value: float) -> str:
    """What was found, for a person: the suite's means are shares, the rest are numbers."""
    return f"{value:.1%}" if "mean" in kind else f"{value:g}"


def _pages(folder: Path, table: str) -> list[str]:
    """The pages of one table. Great Expectations only logs that it could not render a page; here it is missed."""
    found = sorted(page.relative_to(folder).as_posix() for page in folder.glob(f"*/{table}*/**/*.html"))
    found += [f"expectations/{table}.html"] if (folder / "expectations" / f"{table}.html").is_file() else []
    if len(found) != 2:
        raise RuntimeError(f"Great Expectations made {found} of two Data Docs pages for {table}")
    return found


def _index(project: str, dataset: str, rows: Rows, results: list[Record], pages: dict[str, list[str]]) -> str:
    """Great Expectations' own index fills its tables by scripts from the network; this one is plain."""
    from jinja2 import Environment, FileSystemLoader

    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    templates.filters["count"] = format_count
    train, holdout, quarantined = rows
    return templates.get_template("index.html.jinja").render(
        project=project,
        dataset=dataset,
        counts={"training": len(train), "holdout": len(holdout), "quarantined": len(quarantined)},
        results=results,
        pages=pages,
        drift=DRIFT in pages,
        failed=[r for r in results if not r["met"] and r["severity"] == "fail"],
        warned=[r for r in results if not r["met"] and r["severity"] == "warn"],
        rules=Counter(str(row.get("rule")) for row in quarantined).most_common(),
        style=STYLE,
    )
