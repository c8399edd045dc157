"""`releases`, `promote`, `rollback`: what can be live, and what is."""

from typing import Annotated

import typer

from pipelines.cli.context import Json, ProjectName, opened, print_json


def releases(project: ProjectName = None, json: Json = False) -> None:
    """List the releases, newest first, with what each consists of."""
    from pipelines.registry.releases import Releases

    place, _ = opened(project)
    found = Releases(place).every()
    if json:
        print_json([release.facts() for release in found])
        return
    if not found:
        typer.echo(f"`{place.name}` has no release yet. Run `nocturne nightly {place.name}`.")
    for release in found:
        manifest = release.manifest
        gain = next((gate["value"] for gate in manifest.gates if gate["value"] is not None), None)
        figure = f"gain {gain:+.1%}" if gain is not None else ""
        typer.echo(
            f"{release.version:>3}  {release.created}  commit {manifest.commit[:7]}  index {manifest.index_version}  "
            f"data {manifest.dataset_sha256[:8]}  {figure}  {' '.join(release.aliases)}"
        )


def promote(
    version: Annotated[int, typer.Argument(help="A number that `nocturne releases` lists.")],
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Make a release live: adapter and index together."""
    from pipelines.registry.releases import Releases

    place, _ = opened(project)
    release = Releases(place).promote(version, "promote")
    print_json(release.facts()) if json else typer.echo(f"Release {release.version} of {place.name} is live.")


def rollback(
    to: Annotated[int | None, typer.Option("--to", help="A release; the former champion by default.")] = None,
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Go back to an earlier release: adapter and index together."""
    from pipelines.registry.releases import Releases

    place, _ = opened(project)
    release = Releases(place).rollback(to)
    print_json(release.facts()) if json else typer.echo(f"Release {release.version} of {place.name} is live again.")
