"""`index list`, `verify`, `rebuild`, `move`, `backup`, `restore`: the versions of the index, and looking after them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.context import Json, ProjectName, open_project, print_json
from pipelines.wording import format_count

index = typer.Typer(help="The versions of the index: list, check, mend, move, back up.", no_args_is_help=True)
Version = Annotated[
    str | None, typer.Argument(help="As `nocturne index list` names it; each that a release names by default.")
]
EMBEDDED = "embedded"


@index.command("list")
def list_(project: ProjectName = None, json: Json = False) -> None:
    """List every version: what it holds, what it takes, which releases name it, whether it is whole."""
    from pipelines.release import index_versions

    place, params = open_project(project)
    rows = index_versions.list_versions(place, params)
    if json:
        print_json(rows)
        return
    if not rows:
        typer.echo(f"`{place.name}` has no index yet. Run `nocturne nightly {place.name}`.")
    for row in rows:
        typer.echo(_line(row))


@index.command()
def verify(version: Version = None, project: ProjectName = None, json: Json = False) -> None:
    """Check the seal, every byte, the count and searches for own chunks; exit code 1 when anything is wrong."""
    from pipelines.release import index_versions

    place, params = open_project(project)
    found = index_versions.verify_version(place, params, version)
    if json:
        print_json(found)
    for name, wrong in found.items():
        for line in [] if json else ([f"{name}  whole"] if not wrong else [f"{name}  {one}" for one in wrong]):
            typer.echo(line)
    if any(found.values()):
        typer.echo(f"→ Run `nocturne index rebuild --project {place.name}`.", err=True)
        raise typer.Exit(1)


@index.command()
def rebuild(version: Version = None, project: ProjectName = None, json: Json = False) -> None:
    """Build what is torn or missing again: the same content under the same name, from the vectors that are kept."""
    from pipelines.release import index_versions

    place, params = open_project(project)
    done = index_versions.rebuild_version(place, params, version)
    if json:
        print_json(done)
    for name, failed in {} if json else done.items():
        typer.echo(f"{name}  {failed or 'whole'}")
    if not done and not json:
        typer.echo("Every version that a release names is whole.")
    if any(done.values()):
        raise typer.Exit(1)


@index.command()
def move(
    url: Annotated[str, typer.Argument(help="A Qdrant server, as http://127.0.0.1:6333; or `embedded`.")],
    json: Json = False,
) -> None:
    """Bring every release's index, of all projects, to a server or back, check it, and set index.url."""
    from pipelines.release import index_versions

    place, params = open_project(None)
    moved = index_versions.move(place.workspace, params, "" if url == EMBEDDED else url)
    if json:
        print_json(moved)
        return
    for name, versions in moved.items():
        typer.echo(f"{name}  {format_count(len(versions), 'version')}")
    typer.echo(f"index.url is {url if url != EMBEDDED else 'empty: embedded'}. What is at the old place stays there.")


@index.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A file that is not there yet, such as index.tar.gz.")],
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Write every version that a release names to one file."""
    from pipelines.release import index_versions

    place, params = open_project(project)
    _tell(index_versions.backup(place, params, file), f"in {file}", json)


@index.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `nocturne index backup` wrote.")],
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Build the versions of a backup that are missing or torn; whole ones stay as they are."""
    from pipelines.release import index_versions

    place, params = open_project(project)
    _tell(index_versions.restore(place, params, file), f"of {file}, whole now", json)


def _tell(versions: list[str], words: str, json: bool) -> None:
    said = f"{format_count(len(versions), 'version')} {words}: {', '.join(versions)}"
    print_json(versions) if json else typer.echo(said)


def describe_index(row: dict[str, Any]) -> str:
    """The live index in one line, for `status`."""
    if "error" in row:
        return str(row["error"])
    if not row["whole"]:
        return f"version {row['version']} is torn or missing → nocturne index rebuild {row['version']}"
    kept = f", {row['layout'] or 'float32'}, {describe_memory(row['memory'])}" if row["memory"] else ", on the server"
    return f"{format_count(row['count'], 'chunk')}{kept}; {describe_lag(row.get('behind'))}"


def describe_lag(behind: dict[str, int] | None) -> str:
    """How far the index is behind the source."""
    if behind is None:
        return "its commit is no longer in the source"
    if not behind["files"]:
        return "up to date with the source"
    commits, files = behind["commits"], behind["files"]
    since = f"{format_count(commits, 'commit')} behind the source, " if commits else ""
    return f"{since}{format_count(files, 'file')} changed since"


def describe_memory(memory: dict[str, Any]) -> str:
    """`needs 31 of 500 MB, 24 MB in memory now`, and what to do when that is too much."""
    needed, cached, budget = (memory[key] / 1e6 for key in ("needed", "cached", "budget"))
    said = f"needs {needed:,.0f} of {budget:,.0f} MB, {cached:,.0f} MB in memory now"
    if memory["state"] == "ok":
        return said
    return f"{said}: {memory['state']}; raise index.memory_mb, exclude files, or use a server (index.url)"


def _line(row: dict[str, Any]) -> str:
    """`0123456789ab  live  whole  12,345 chunks  …`."""
    of = f"release {', '.join(map(str, row['releases']))}" if row["releases"] else "no release"
    if not row["whole"]:
        return f"{row['version']}  is torn or missing  {of}"
    size = f"{row['bytes'] / 1e6:,.1f} MB" if row["bytes"] else "on the server"
    held = f"{format_count(row['count'], 'chunk')}  {row['encoder']}  {row['dimension']} dimensions  {size}"
    if row["memory"]:
        held += f"  {row['layout'] or 'float32'}, recall {row['recall']:.3f}  {describe_memory(row['memory'])}"
    return f"{row['version']}  {'live' if row['live'] else 'kept'}  {held}  {of}"
