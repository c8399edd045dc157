"""`releases`, `show`, `compare`, `promote`, `rollback`, `history`, `gc`: what can be live, what is, what is kept."""

from typing import Annotated

import typer

from pipelines.cli.context import Json, ProjectName, open_project, print_json

Version = Annotated[int, typer.Argument(help="A number that `nocturne releases` lists.")]


def releases(project: ProjectName = None, json: Json = False) -> None:
    """List the releases, newest first, with what each consists of."""
    from pipelines.cli import release_views as shown
    from pipelines.registry.releases import Releases

    place, _ = open_project(project)
    registry = Releases(place)
    registry.notice()
    found = registry.every()
    if json:
        print_json([release.facts() for release in found])
        return
    if not found:
        typer.echo(f"`{place.name}` has no release yet. Run `nocturne nightly {place.name}`.")
    for release in found:
        typer.echo(shown.format_line(release))


def show(version: Version, project: ProjectName = None, json: Json = False) -> None:
    """Explain one release whole: what it was made of, what was measured, and when it was live."""
    from pipelines.cli import release_views as shown
    from pipelines.release.compare import explain_difference

    place, _ = open_project(project)
    facts = explain_difference(place, version)
    print_json(facts) if json else shown.format_release(facts)


def compare(
    first: Annotated[int, typer.Argument(metavar="A", help="A release, by its number.")],
    second: Annotated[int, typer.Argument(metavar="B", help="Another one.")],
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Show what is different between two releases: figures, data, parameters, commits, and what each writes."""
    from pipelines.cli import release_views as shown
    from pipelines.release.compare import compare

    place, params = open_project(project)
    facts = compare(place, params, first, second)
    print_json(facts) if json else shown.format_comparison(facts)


def promote(version: Version, project: ProjectName = None, json: Json = False) -> None:
    """Make a release live: adapter and index together."""
    from pipelines.release import publish

    place, params = open_project(project)
    release = publish.promote(place, params, version)
    print_json(release.facts()) if json else typer.echo(f"Release {release.version} of {place.name} is live.")


def rollback(
    to: Annotated[int | None, typer.Option("--to", help="A release; the former champion by default.")] = None,
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Go back to an earlier release: adapter and index together."""
    from pipelines.release import publish

    place, params = open_project(project)
    release = publish.rollback(place, params, to)
    print_json(release.facts()) if json else typer.echo(f"Release {release.version} of {place.name} is live again.")


def history(project: ProjectName = None, json: Json = False) -> None:
    """Show every move of `champion`, oldest first: what was live, since when, and who moved it."""
    from pipelines.cli import release_views as shown
    from pipelines.registry.releases import Releases

    place, _ = open_project(project)
    events = Releases(place).history()
    if json:
        print_json(events)
        return
    if not events:
        typer.echo(f"No release of `{place.name}` has been live yet. Run `nocturne nightly {place.name}`.")
    for event in events:
        typer.echo(shown.format_move(event))


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what nothing needs, and since when.")] = False,
    now: Annotated[bool, typer.Option("--now", help="Empty the trash at once.")] = False,
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Put what no kept release needs into the trash, and delete what has been there for `release.trash_days`.

    `release.keep` says how many releases are kept. A night does the same at its end.
    """
    from pipelines.cli import release_views as shown
    from pipelines.night.lock import exclusive_lock
    from pipelines.release import retention

    place, params = open_project(project)
    with exclusive_lock(place):
        if dry_run:
            found = retention.find_waste(place, params)
            print_json(found.facts()) if json else shown.format_waste(found, "not needed")
            return
        done = retention.clear(place, params, at_once=now)
    print_json(done.facts()) if json else shown.format_cleared(done)
