"""`add` and `doctor`: naming a repository to learn, and finding out why something does not work."""

import re
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.context import Json, open_project, print_json
from pipelines.config.layers import override
from pipelines.config.load import load_params, write_for_dvc
from pipelines.config.schema import NAME_RULE, NAME_WORDS, RESERVED
from pipelines.config.workspaces import find_workspace
from pipelines.errors import UsageError

URL = r"[a-z][a-z0-9+.-]*://.+|[^/\s]+@[^/\s]+:.+"  # https://…, ssh://…, git@host:…


def add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the project: lower-case letters, digits, - and _.")
    ],
    source: Annotated[str, typer.Argument(metavar="PATH", help="Path of a git repository on this machine.")],
    json: Json = False,
) -> None:
    """Add a git repository as a project.

    It is written to params.local.yaml, and the next night learns it.
    """
    from pipelines.source.git import NotARepository, check_repository

    place = find_workspace()
    params = load_params(place)
    if not re.match(NAME_RULE, name):
        raise UsageError(f"`{name}` is not a project name.", f"{NAME_WORDS[0].upper()}{NAME_WORDS[1:]}.")
    if name in params.projects:
        raise UsageError(
            f"There is a project `{name}` already, of {params.projects[name].source}.",
            f"Run `nocturne nightly {name}` to learn it, or choose another name.",
        )
    if name in RESERVED:
        raise UsageError(f"`{name}` is a folder of data/ that Nocturne uses itself.", "Choose another name.")
    if re.fullmatch(URL, source, re.IGNORECASE) and not Path(source).exists():
        folder = _clone_name(source)
        raise UsageError(
            f"`{source}` is a URL; a project needs a repository on this machine.",
            f"Run `git clone {shlex.quote(source)} {folder}`, then `nocturne add {name} {folder}`.",
        )
    where = Path(source).expanduser().resolve()
    try:
        check_repository(where)
    except NotARepository as error:  # of a project that is there a failure, of an argument wrong use
        raise UsageError(error.fact, error.next_step) from None
    override(place, {"projects": {name: {"source": str(where)}}})
    write_for_dvc(place)
    enter(place)
    if json:
        print_json({"project": name, "source": str(where)})
    else:
        typer.echo(f"Added {name} ({where}). Next: nocturne nightly {name}")


def _clone_name(url: str) -> str:
    """The folder that `git clone` would make."""
    last = re.split(r"[/:]", url.rstrip("/"))[-1].removesuffix(".git")
    return shlex.quote(last or "repository")


def enter(place: Path) -> None:
    """Name the workspace in the user's configuration, and say so the first time."""
    from pipelines.config.workspaces import register_workspace as write

    file = write(place)
    if file:
        typer.echo(f"{file} names this workspace now: commands also work in a project's own repository.", err=True)


def doctor(json: Json = False) -> None:
    """Check what a night needs.

    How the last night ended is checked too. Each check that fails says what to do. Exit code 1: one failed.
    """
    from pipelines.cli.doctor import run_checks

    project, params = open_project(None)
    rows: list[dict[str, Any]] = [
        {"check": n, "ok": ok, "detail": detail} for n, ok, detail in run_checks(project, params)
    ]
    if json:
        print_json(rows)
    else:
        for row in rows:
            typer.echo(f"{'✓' if row['ok'] else '✗'} {row['check']:<14} {row['detail']}")
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)
