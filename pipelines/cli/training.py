"""`recommend`, `migrate`: how to train here, and bringing params.yaml up to date."""

from dataclasses import asdict
from typing import Any

import typer

from pipelines.cli.context import Json, ProjectName, opened, print_json


def recommend(project: ProjectName = None, json: Json = False) -> None:
    """Say which mode, base model and settings suit this machine, the dataset and the last night, and why."""
    from pipelines.training.advice import advise, seen, text
    from pipelines.training.machine import GB, processes_of, this_machine, with_past

    place, params = opened(project)
    threads = params.training.threads
    machine = with_past(this_machine(threads, processes_of(params.training)), place.cache, threads)
    found = seen(place)
    rows = advise(params, place.workspace, machine, found)
    if json:
        print_json({"machine": asdict(machine), "dataset": asdict(found) if found else None, "advice": _plain(rows)})
        return
    rate = f"{machine.rate / 1e9:,.0f} GFLOP/s"
    each = f", for each of {machine.processes} processes" if machine.processes > 1 else ""
    free = f"{machine.free / GB:.1f} of {machine.total / GB:.1f} GB free"
    typer.echo(f"{machine.name}: {free}, about {rate} in training{each}")
    if found is None:
        typer.echo(f"{place.name}: no dataset yet; after `nocturne nightly {place.name}` this is more exact")
    else:
        typer.echo(f"{place.name}: {found.examples:,} examples, {found.tokens:,} tokens, {found.pairs} preferences")
    for line in text(rows):
        typer.echo(line)


def _plain(rows: list[Any]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]


def migrate(json: Json = False) -> None:
    """Rewrite params.yaml where it is written as for earlier versions: training types (LOCAL_LORA, RAG), gates."""
    from pipelines.params import load_params
    from pipelines.params import migrate as rewritten
    from pipelines.project import workspace

    place = workspace()
    changes = rewritten(place)
    if json:
        print_json(changes)
    else:
        for change in changes:
            typer.echo(f"{change['setting']}: {_short(change['from'])} → {_short(change['to'])}")
        if not changes:
            typer.echo("params.yaml is written as today already.")
    load_params(place)  # says what is still to be done by a person


def _short(value: Any) -> str:
    """One word, the margins of former gates, or the names of rules."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {margin:g}" for key, margin in value.items())
    if isinstance(value, list):
        return ", ".join(f"`{rule['name']}` by {rule['margin']:g}" for rule in value)
    return str(value)
