"""`index list`, `verify`, `rebuild`, `move`, `backup`, `restore`: the versions of the index, and looking after them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.context import Json, ProjectName, format_examples, open_project, print_json
from pipelines.wording import format_count

index = typer.Typer(help="Check, repair, move and back up the index.", no_args_is_help=True)
Version = Annotated[
    str | None,
    typer.Argument(
        metavar="VERSION", help="Name of a version, from `nocturne index list`. Default: every version of a release."
    ),
]
EMBEDDED = "embedded"


@index.command("list", epilog=format_examples("nocturne index list"))
def list_(project: ProjectName = None, json: Json = False) -> None:
    """List the versions of the index.

    Each line says whether the version is intact, its chunks, encoder and size, its memory, and its releases.
    """
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


@index.command(epilog=format_examples("nocturne index verify"))
def verify(version: Version = None, project: ProjectName = None, json: Json = False) -> None:
    """Check that versions are intact.

    It checks the manifest, every byte, the number of chunks, and that queries find their own chunks. Exit code 1:
    something is wrong.
    """
    from pipelines.release import index_versions

    place, params = open_project(project)
    found = index_versions.verify_version(place, params, version)
    if json:
        print_json(found)
    for name, wrong in found.items():
        for line in [] if json else ([f"{name}  intact"] if not wrong else [f"{name}  {one}" for one in wrong]):
            typer.echo(line)
    if any(found.values()):
        typer.echo(f"→ Run `nocturne index rebuild --project {place.name}`.", err=True)
        raise typer.Exit(1)


@index.command(epilog=format_examples("nocturne index rebuild"))
def rebuild(version: Version = None, project: ProjectName = None, json: Json = False) -> None:
    """Build damaged or missing versions again.

    Content and name stay the same, and kept vectors are used again.
    """
    from pipelines.release import index_versions

    place, params = open_project(project)
    done = index_versions.rebuild_version(place, params, version)
    if json:
        print_json(done)
    for name, failed in {} if json else done.items():
        typer.echo(f"{name}  {failed or 'intact'}")
    if not done and not json:
        typer.echo("Every version of a release is intact.")
    if any(done.values()):
        raise typer.Exit(1)


@index.command(epilog=format_examples("nocturne index move http://127.0.0.1:6333", "nocturne index move embedded"))
def move(
    url: Annotated[str, typer.Argument(metavar="URL|embedded", help="URL of a Qdrant server, or the word embedded.")],
    json: Json = False,
) -> None:
    """Move all indexes to a server, or back.

    The index of every release of all projects is copied and checked. Then index.url is set in params.local.yaml. The
    copies at the old place are not deleted.
    """
    from pipelines.release import index_versions

    place, params = open_project(None)
    moved = index_versions.move(place.workspace, params, "" if url == EMBEDDED else url)
    if json:
        print_json(moved)
        return
    for name, versions in moved.items():
        typer.echo(f"{name}  {format_count(len(versions), 'version')}")
    typer.echo(
        f"index.url is {url if url != EMBEDDED else 'empty: embedded'}. The copies at the old place were not deleted."
    )


@index.command(epilog=format_examples("nocturne index backup index.tar.gz"))
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet, such as index.tar.gz.")],
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Write the index of every release to one file."""
    from pipelines.release import index_versions

    place, params = open_project(project)
    _tell(index_versions.backup(place, params, file), f"in {file}", json)


@index.command(epilog=format_examples("nocturne index restore index.tar.gz"))
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `nocturne index backup` wrote.")],
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Restore versions from a backup.

    Versions that are missing or damaged are built from the file. Intact ones stay as they are.
    """
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
        return f"version {row['version']} is damaged or missing → nocturne index rebuild {row['version']}"
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
    """`0123456789ab  live  12,345 chunks  …`."""
    of = f"release {', '.join(map(str, row['releases']))}" if row["releases"] else "no release"
    if not row["whole"]:
        return f"{row['version']}  is damaged or missing  {of}"
    size = f"{row['bytes'] / 1e6:,.1f} MB" if row["bytes"] else "on the server"
    held = f"{format_count(row['count'], 'chunk')}  {row['encoder']}  {row['dimension']} dimensions  {size}"
    if row["memory"]:
        held += f"  {row['layout'] or 'float32'}, recall {row['recall']:.3f}  {describe_memory(row['memory'])}"
    return f"{row['version']}  {'live' if row['live'] else 'kept'}  {held}  {of}"
