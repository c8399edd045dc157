"""`add` and `doctor`: naming a repository to learn, and finding out why something does not work."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.context import Json, opened, print_json
from pipelines.errors import UsageError
from pipelines.params import NAME_RULE, RESERVED, load_params, rewrite
from pipelines.project import workspace


def add(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, - and _.")],
    source: Annotated[Path, typer.Argument(help="The path of a git repository.")],
    json: Json = False,
) -> None:
    """Add a project to params.yaml; the next night learns it."""
    from pipelines.source.git import check

    place = workspace()
    params = load_params(place)
    if not re.match(NAME_RULE, name):
        raise UsageError(f"`{name}` is no project name.", "Use lower-case letters, digits, - and _.")
    if name in params.projects:
        raise UsageError(f"params.yaml has a project `{name}` already.", f"Run `nocturne nightly {name}`.")
    if name in RESERVED:
        raise UsageError(f"`{name}` is a folder of data/ that Nocturne uses itself.", "Choose another name.")
    where = source.expanduser().resolve()
    check(where)
    rewrite(place, lambda values: values["projects"].update({name: {"source": str(where)}}))
    if json:
        print_json({"project": name, "source": str(where)})
    else:
        typer.echo(f"Added {name} ({where}). Next: nocturne nightly {name}")


def doctor(json: Json = False) -> None:
    """Check everything a night needs, and say what to do about what is missing."""
    from pipelines.cli.checkup import checks

    project, params = opened(None)
    rows: list[dict[str, Any]] = [{"check": n, "ok": ok, "detail": detail} for n, ok, detail in checks(project, params)]
    if json:
        print_json(rows)
    else:
        for row in rows:
            typer.echo(f"{'✓' if row['ok'] else '✗'} {row['check']:<14} {row['detail']}")
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)
