"""`recommend`, `migrate`: how to train here, and bringing the settings up to date."""

from dataclasses import asdict
from typing import Any

import typer

from pipelines.cli.context import Json, ProjectName, open_project, print_json
from pipelines.records import canonical_json
from pipelines.wording import format_count


def recommend(project: ProjectName = None, json: Json = False) -> None:
    """Recommend settings for this machine.

    The training mode, the base model and other settings, with the figures of the machine, the dataset and the last
    night behind them.
    """
    from pipelines.training.hardware import GB, processes_of, this_machine, with_measured_rate
    from pipelines.training.recommend import format_advice, read_evidence, recommend

    place, params = open_project(project)
    threads = params.training.threads
    machine = with_measured_rate(this_machine(threads, processes_of(params.training)), place.cache, threads)
    found = read_evidence(place)
    rows = recommend(params, place.workspace, machine, found)
    if json:
        print_json({"machine": asdict(machine), "dataset": asdict(found) if found else None, "advice": _plain(rows)})
        return
    rate = f"{machine.rate / 1e9:,.0f} GFLOP/s"
    each = f", for each of {machine.processes} processes" if machine.processes > 1 else ""
    free = f"{machine.free / GB:.1f} of {machine.total / GB:.1f} GB free"
    typer.echo(f"{machine.name}: {free}, about {rate} in training{each}")
    if found is None:
        typer.echo(f"{place.name}: no dataset yet; run `nocturne nightly {place.name}` for exact figures")
    else:
        counts = {"example": found.examples, "token": found.tokens, "preference": found.pairs}
        typer.echo(f"{place.name}: {', '.join(format_count(number, noun) for noun, number in counts.items())}")
    for line in format_advice(rows):
        typer.echo(line)


def _plain(rows: list[Any]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]


def migrate(json: Json = False) -> None:
    """Bring the settings files up to date.

    Former names are rewritten, and missing keys are written. Values set in params.yaml move to params.local.yaml, so
    that `git pull` never conflicts with them. The former params.yaml is kept as data/params.before-migrate.yaml.
    """
    from pipelines.config.load import write_for_dvc
    from pipelines.config.migrate import kept_files
    from pipelines.config.migrate import migrate as rewritten
    from pipelines.config.workspaces import find_workspace

    place = find_workspace()
    changes = rewritten(place)
    if json:
        print_json(changes)
    else:
        for change in changes:
            typer.echo(f"{change['setting']}: {_short(change['from'])} → {_short(change['to'])}")
        kept = f"The former params.yaml is kept as {kept_files(place)[-1]}." if changes else ""
        typer.echo(kept or "The settings files are up to date.")
    write_for_dvc(place)  # says what is still to be done by a person


def _short(value: Any) -> str:
    """One word, the names of rules, or what a missing key gets."""
    if value is None:
        return "missing"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ", ".join(f"`{rule['name']}` by {rule['margin']:g}" for rule in value)
    return value if isinstance(value, str) and value else canonical_json(value)
