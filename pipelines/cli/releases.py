"""`releases`, `show`, `compare`, `promote`, `rollback`, `history`, `gc`: what can be live, what is, what is kept."""

from typing import Annotated

import typer

from pipelines.cli.context import Json, ProjectName, open_project, print_json

Version = Annotated[int, typer.Argument(metavar="RELEASE", help="Number of a release, from `nocturne releases`.")]


def releases(project: ProjectName = None, json: Json = False) -> None:
    """List the releases, newest first.

    Each line has the commit, the index, the dataset, the gain over the base model, and the aliases.
    """
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
    """Show everything about one release.

    What it was made of, its figures with intervals, its gates, its runs in MLflow, and when it was live.
    """
    from pipelines.cli import release_views as shown
    from pipelines.release.compare import explain_difference

    place, _ = open_project(project)
    facts = explain_difference(place, version)
    print_json(facts) if json else shown.format_release(facts)


def compare(
    first: Annotated[int, typer.Argument(metavar="RELEASE", help="Number of the first release.")],
    second: Annotated[int, typer.Argument(metavar="OTHER", help="Number of the release to compare it with.")],
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Show how two releases differ.

    It compares figures, examples and files, parameters, commits, and what each model wrote for the same examples.
    """
    from pipelines.cli import release_views as shown
    from pipelines.release.compare import compare

    place, params = open_project(project)
    facts = compare(place, params, first, second)
    print_json(facts) if json else shown.format_comparison(facts)


def promote(version: Version, project: ProjectName = None, json: Json = False) -> None:
    """Make a release live.

    Adapter and index change together. Moving the alias `champion` in MLflow's page does the same.
    """
    from pipelines.registry.releases import Releases
    from pipelines.release import publish

    place, params = open_project(project)
    release = publish.promote(Releases(place), params, version)
    print_json(release.facts()) if json else typer.echo(f"Release {release.version} of {place.name} is live.")


def rollback(
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="RELEASE", help="Number of the release. Default: the one that was live before."),
    ] = None,
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Go back to an earlier release.

    Adapter and index change together.
    """
    from pipelines.registry.releases import Releases
    from pipelines.release import publish

    place, params = open_project(project)
    release = publish.rollback(Releases(place), params, to)
    print_json(release.facts()) if json else typer.echo(f"Release {release.version} of {place.name} is live again.")


def history(project: ProjectName = None, json: Json = False) -> None:
    """List every change of the live release.

    Oldest first: what was live, since when, and who changed it, by hand in MLflow too.
    """
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would go into the trash; change nothing.")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="Delete at once, without waiting in the trash.")] = False,
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Delete data that no kept release uses.

    Releases beyond `release.keep`, and the data that only they used, go into the trash. They are deleted after
    `release.trash_days` days. A night does the same at its end.
    """
    from pipelines.cli import release_views as shown
    from pipelines.night.lock import exclusive_lock
    from pipelines.registry.releases import Releases
    from pipelines.release import retention

    place, params = open_project(project)
    with exclusive_lock(place):
        if dry_run:
            found = retention.find_waste(Releases(place), params)
            print_json(found.facts()) if json else shown.format_waste(found, "not needed")
            return
        done = retention.clear(Releases(place), params, at_once=now)
    print_json(done.facts()) if json else shown.format_cleared(done)
