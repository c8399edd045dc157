"""`registry list`, `accept`, `forget`: which MLflow registry the workspace belongs to."""

from typing import Annotated

import typer

from pipelines.cli.context import Json, format_examples, print_json

registry = typer.Typer(help="Say which MLflow registry is in use.", no_args_is_help=True)


@registry.command("list", epilog=format_examples("nocturne registry list"))
def list_(json: Json = False) -> None:
    """List the registries of this workspace.

    The current one, and former ones whose data is kept.
    """
    from pipelines.config.workspaces import find_workspace
    from pipelines.registry import identity

    found = identity.read_all_needs(find_workspace())
    if json:
        rows = [
            {"id": one.id, "uri": one.uri, "is_current": one.is_current, "projects": sorted(one.needs)} for one in found
        ]
        print_json(rows)
        return
    if not found:
        typer.echo("No registry has been used yet. Run `nocturne nightly`.")
    for one in found:
        state = "current" if one.is_current else "former; its data is kept"
        typer.echo(f"{one.id[:8]}  {one.uri}  {state}")


@registry.command(epilog=format_examples("nocturne registry accept"))
def accept() -> None:
    """Use the registry that is configured now.

    MLFLOW_TRACKING_URI names it; without the variable it is the one in mlruns/. Until then another or an emptied
    registry is refused. Data that the former registry uses is kept.
    """
    from pipelines import environment
    from pipelines.config.workspaces import find_workspace
    from pipelines.registry import tracking

    place = find_workspace()
    environment.prepare(place)
    found = tracking.accept(place)
    typer.echo(f"This workspace now uses registry {found[:8]} at {tracking.tracking_uri(place)}.")
    typer.echo("Data of the former registry is kept; `nocturne registry forget ID` gives it up.")


@registry.command(epilog=format_examples("nocturne registry forget 1a2b3c4d"))
def forget(
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="Id of a registry, or its start, from `nocturne registry list`.")
    ],
) -> None:
    """Give up the data of a former registry.

    Data that only this registry uses goes into the trash with the next `nocturne gc` or night.
    """
    from pipelines.config.workspaces import find_workspace
    from pipelines.registry.identity import forget_registry

    gone = forget_registry(find_workspace(), identity)
    typer.echo(f"Registry {gone.id[:8]} ({gone.uri}) is forgotten. `nocturne gc` puts its data into the trash.")
