"""`registry list`, `accept`, `forget`: which MLflow registry the workspace belongs to."""

from typing import Annotated

import typer

from pipelines.cli.context import Json, print_json

registry = typer.Typer(help="The MLflow registry that this workspace belongs to.", no_args_is_help=True)


@registry.command("list")
def list_(json: Json = False) -> None:
    """List the registries that this workspace has used: the current one, and others whose data is kept."""
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
        state = "current" if one.is_current else "former; what it names is kept"
        typer.echo(f"{one.id[:8]}  {one.uri}  {state}")


@registry.command()
def accept() -> None:
    """Let the workspace belong to the registry that MLFLOW_TRACKING_URI, or its absence, names now."""
    from pipelines import environment
    from pipelines.config.workspaces import find_workspace
    from pipelines.registry import tracking

    place = find_workspace()
    environment.prepare(place)
    found = tracking.accept(place)
    typer.echo(f"This workspace belongs to registry {found[:8]} at {tracking.tracking_uri(place)} now.")
    typer.echo("What the former one names is kept; `nocturne registry forget ID` gives it up.")


@registry.command()
def forget(
    identity: Annotated[str, typer.Argument(metavar="ID", help="As `nocturne registry list` names it, or its start.")],
) -> None:
    """No longer keep what a former registry names: the next clearing puts it into the trash."""
    from pipelines.config.workspaces import find_workspace
    from pipelines.registry.identity import forget_registry

    gone = forget_registry(find_workspace(), identity)
    typer.echo(
        f"Registry {gone.id[:8]} ({gone.uri}) is forgotten. `nocturne gc` puts what only it names into the trash."
    )
