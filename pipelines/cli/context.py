"""What every command begins with: the workspace, its values, the project; and how facts are printed as JSON."""

import json
from typing import Annotated, Any

import typer

from pipelines import environment
from pipelines.errors import UsageError
from pipelines.params import Params, load_params, notices
from pipelines.project import Project, workspace

Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
ProjectName = Annotated[
    str | None, typer.Option("--project", "-p", help="A project of params.yaml; the first one by default.")
]


def opened(name: str | None) -> tuple[Project, Params]:
    """The named project, or the first of params.yaml.

    Raises:
        UsageError: no workspace, a mistake in params.yaml, or no such project.
    """
    place = workspace()
    environment.prepare(place)
    params = load_params(place)
    for notice in notices(place):
        typer.echo(notice, err=True)
    if name is None and not params.projects:
        raise UsageError("params.yaml names no project.", "Run `nocturne add NAME PATH_TO_REPOSITORY`.")
    return params.project(name or next(iter(params.projects)), place), params


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
