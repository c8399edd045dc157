"""`trace`, `forget`, `data restore`: where code went, and keeping it out."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.context import (
    Json,
    ProjectName,
    exists_here,
    format_examples,
    open_project,
    path_in_source,
    print_json,
)
from pipelines.config.layers import LOCAL
from pipelines.project import current_folder
from pipelines.wording import format_count

NAMED = 5

data = typer.Typer(help="Restore the dataset of a release.", no_args_is_help=True)


def trace(
    where: Annotated[
        str,
        typer.Argument(
            metavar="PATH[:LINE]",
            help="A file, and a line from 1. The path counts from the current folder inside the repository, else from "
            "the repository's top.",
        ),
    ],
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Show which releases learned from some code.

    With the datasets and the examples that saw the file, or the line of it.
    """
    from pipelines.errors import UsageError
    from pipelines.lineage import trace as lineage

    found = re.fullmatch(r"(.+?)(?::(\d+))?", where)
    if found is None:
        raise UsageError(f"`{where}` is not PATH or PATH:LINE.", "Write it such as `nocturne trace src/app.py:12`.")
    path, line = found.group(1), found.group(2)
    place, _ = open_project(project)
    seen = lineage.trace(place, lineage.parse_location(path_in_source(place, path), int(line) if line else None))
    if json:
        print_json(lineage.facts_of(seen))
        return
    known = [one for one in seen if one.releases]
    if not known:
        typer.echo(f"No release of {place.name} was made from a dataset that has {where}.")
    for one in known:
        _dataset(one)
    removed = sorted(number for one in seen if not one.releases for number in one.removed)
    if removed:
        numbers = ", ".join(map(str, removed))
        typer.echo(f"removed: release {numbers}. Adapter and dataset were deleted; whether they saw it is unknown.")
    heirs = sorted({number for one in seen if not one.releases for number in one.inherited})
    if heirs:
        typer.echo(f"release {', '.join(map(str, heirs))} began with the adapter of a removed one.")


def _dataset(seen: Any) -> None:
    numbers = ", ".join([*map(str, seen.releases), *(f"{number} (removed)" for number in seen.removed)])
    typer.echo(f"dataset {seen.dataset[:8]}  release {numbers}  {' '.join(seen.aliases)}")
    if seen.inherited and seen.trained:
        typer.echo(f"  learned as well by release {', '.join(map(str, seen.inherited))}, which began with its adapter")
    if seen.examples is None:
        typer.echo("  DVC no longer has this dataset: whether it saw the code is unknown")
        return
    for split, words in (("train", "trained on"), ("holdout", "held out")):
        rows = seen.examples[split]
        if rows:
            typer.echo(f"  {words}: {format_count(len(rows), 'example')}")
        for row in rows[:NAMED]:
            place = f"{row['path']}:{row['start_line']}-{row['end_line']}"
            typer.echo(f"    {row['example_id']}  {row['task']:<12} {place}  {row['commit'][:7]}")
        if len(rows) > NAMED:
            typer.echo(f"    and {len(rows) - NAMED} more; all of them with --json")


def forget(
    entry: Annotated[
        str, typer.Argument(metavar="PATTERN", help="A path, a .gitignore pattern, or the hash of a git blob in full.")
    ],
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Keep some code out from now on.

    It is taken out of every index at once, and never read again. The command names the releases whose adapters learned
    from it: an adapter cannot unlearn, so the next night trains one without it.
    """
    from pipelines.lineage import trace as lineage
    from pipelines.lineage.forget import forget as keep_out

    place, params = open_project(project)
    if current_folder() != place.source and exists_here(place, entry):
        entry = path_in_source(place, entry)
    done = keep_out(place, params, entry)
    if json:
        facts = {"entry": entry, "chunks": done.chunks, "unreadable": done.unreadable, "trained": done.trained}
        print_json({**facts, "seen": lineage.facts_of(done.seen)})
        return
    typer.echo(f"Kept out from now on: {entry} (projects.{place.name}.forget in {LOCAL})")
    for number, count in sorted(done.chunks.items()):
        typer.echo(f"release {number}: {format_count(count, 'chunk')} taken out of its index")
    for number in done.unreadable:
        typer.echo(f"release {number}: its index is missing or damaged; nothing can be found in it")
    if done.trained:
        numbers = ", ".join(map(str, done.trained))
        typer.echo(f"Adapters trained on it: release {numbers}. An adapter cannot unlearn.")
        typer.echo(f"→ Run `nocturne nightly {place.name}`: it trains one without it.")
    elif not done.chunks:
        typer.echo("No kept release has seen it.")


@data.command(epilog=format_examples("nocturne data restore 3", "nocturne data restore 3 --to /tmp/dataset"))
def restore(
    version: Annotated[int, typer.Argument(metavar="RELEASE", help="Number of a release, from `nocturne releases`.")],
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="An empty folder. Default: data/PROJECT/.restored/RELEASE."),
    ] = None,
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Restore the dataset of a release.

    The files have the same bytes as when the release was made.
    """
    from pipelines.lineage.datasets import restore as bring_back

    place, _ = open_project(project)
    folder = to or place.folder / ".restored" / str(version)
    files = bring_back(place, version, folder)
    if json:
        print_json({"version": version, "folder": str(folder), "files": [file.name for file in files]})
    else:
        typer.echo(
            f"The dataset of release {version} is in {folder}: {format_count(len(files), 'file')}, the same bytes."
        )
