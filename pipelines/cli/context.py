"""What every command begins with: the workspace, its values, the project; and how facts are printed as JSON."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import environment
from pipelines.config.load import find_notices, load_params, write_for_dvc
from pipelines.config.schema import Params
from pipelines.config.workspaces import find_workspace
from pipelines.errors import NocturneError, UsageError
from pipelines.project import Project, current_folder


def suggest_projects(incomplete: str) -> list[str]:
    """The projects whose name begins so, for the shell's completion; none where the settings cannot be read."""
    with suppress(Exception):  # a shell that completes shows no error
        return [name for name in load_params(find_workspace()).projects if name.startswith(incomplete)]
    return []


MEANT = "Name of the project. Default: the project around the current folder, else the first one."
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
ProjectName = Annotated[
    str | None,
    typer.Option("--project", "-p", metavar="NAME", help=MEANT, autocompletion=suggest_projects),
]
ProjectArgument = Annotated[str | None, typer.Argument(metavar="NAME", help=MEANT, autocompletion=suggest_projects)]


def format_examples(*lines: str) -> str:
    """Commands to copy, at the end of a help text. The backspace keeps click from wrapping them."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else ""


def open_project(name: str | None) -> tuple[Project, Params]:
    """The named project; else the one whose source is around the current folder, else the first.

    Raises:
        UsageError: no workspace, a mistake in the settings, or no such project.
    """
    place = find_workspace()
    environment.prepare(place)
    params = load_params(place)
    with suppress(NocturneError):  # who may not write here can still read
        write_for_dvc(place)
    for notice in find_notices(place):
        typer.echo(notice, err=True)
    meant = name or params.default_project(current_folder(), place)
    if meant is None:
        raise UsageError("There is no project yet.", "Add one: `nocturne add NAME PATH_TO_REPOSITORY`.")
    return params.project(meant, place), params


def choose_name(argument: str | None, option: str | None) -> str | None:
    """The project of a command that takes it as an argument and as `--project`.

    Raises:
        UsageError: both are given, and differ.
    """
    if argument and option and argument != option:
        raise UsageError(f"Two projects are given, {argument} and --project {option}.", "Give one of them.")
    return argument or option


def path_in_source(project: Project, path: str) -> str:
    """A path as the repository names it, of one that is absolute or relative to the current folder.

    Inside the source a path counts from the current folder, as in git, if something is there or it begins with a dot;
    else from the top of the source, as `nocturne search` prints paths. What lies outside comes back as it is.
    """
    root = project.source.resolve()
    from_here = exists_here(project, path) or (current_folder().is_relative_to(root) and path.startswith(("./", "../")))
    target = Path(os.path.normpath((current_folder() if from_here else root) / Path(path).expanduser()))
    return target.relative_to(root).as_posix() if target.is_relative_to(root) else path


def exists_here(project: Project, path: str) -> bool:
    """Whether the current folder is inside the source, and has a file or a folder of this name."""
    return current_folder().is_relative_to(project.source.resolve()) and (current_folder() / path).exists()


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
