"""The workspaces that a user has, one path a line in a file of the user's configuration: found from anywhere."""

import os
from pathlib import Path

import platformdirs

from pipelines.config import layers
from pipelines.errors import NocturneError, UsageError
from pipelines.project import current_folder, nearest, source_path
from pipelines.records import write_atomic

OUR_DAG = "-m pipelines "  # what every stage of dvc.yaml runs


def workspaces_file() -> Path:
    """Where the workspaces are named: `~/.config/nocturne/workspaces` on Linux, by platformdirs."""
    return Path(platformdirs.user_config_dir("nocturne")) / "workspaces"


def is_workspace(folder: Path) -> bool:
    """Whether a folder has what a workspace has."""
    return (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file()


def is_nocturne(folder: Path) -> bool:
    """Whether a folder's DAG is Nocturne's: a project that uses DVC itself has a params.yaml and a dvc.yaml too."""
    return is_workspace(folder) and OUR_DAG in (folder / "dvc.yaml").read_text(errors="replace")


def find_workspace() -> Path:
    """NOCTURNE_HOME; else the workspace around the current folder; else the one that learns it, or the only one known.

    Raises:
        UsageError: none of these is there.
    """
    home = os.environ.get("NOCTURNE_HOME")
    start = Path(home) if home else current_folder()
    is_one = is_workspace if home else is_nocturne
    for folder in (start, *start.parents):
        if is_one(folder):
            return folder.resolve()
    if home:
        raise UsageError(
            f"NOCTURNE_HOME is {home}; neither this folder nor one above it has params.yaml and dvc.yaml.",
            "Set NOCTURNE_HOME to your clone of Nocturne, or unset it and run the command there.",
        )
    return find_workspace_learning(start)


def known_workspaces() -> list[Path]:
    """The workspaces of the user's file that are still there."""
    try:
        lines = workspaces_file().read_text(errors="replace").splitlines()
    except OSError:
        return []
    named = [Path(line.strip()) for line in lines if line.strip() and not line.startswith("#")]
    return [folder for folder in dict.fromkeys(named) if is_workspace(folder)]


def register_workspace(workspace: Path) -> Path | None:
    """Name a workspace in the user's file; returns the file, or None where it is named already or cannot be."""
    file = workspaces_file()
    if workspace in known_workspaces():
        return None
    try:
        text = file.read_text(errors="replace") if file.exists() else ""
        write_atomic(file, f"{text.rstrip()}\n{workspace}\n".lstrip().encode())
    except OSError:  # a home that cannot be written to: commands work in the workspace as before
        return None
    return file


def find_workspace_learning(folder: Path) -> Path:
    """The known workspace with a project whose source contains a folder, the innermost one; else the only one known.

    Raises:
        UsageError: no or several workspaces are known, and none has such a project.
    """
    places = known_workspaces()
    sources = {(place, source): source for place in places for source in _sources(place)}
    found = nearest(sources, folder)
    if found:
        return found[0]
    if len(places) == 1:
        return places[0]
    if places:
        named = ", ".join(map(str, places))
        raise UsageError(
            f"{folder} is neither in a workspace nor in a project's repository; the workspaces are {named}.",
            "Run the command in a workspace or in a project's repository, or set NOCTURNE_HOME to a workspace.",
        )
    raise UsageError(
        f"{folder} is not in a Nocturne workspace: no folder above it has Nocturne's params.yaml and dvc.yaml.",
        "Run the command in your clone of Nocturne, or set NOCTURNE_HOME to it. After `nocturne add`, commands also "
        "work in a project's own repository.",
    )


def _sources(workspace: Path) -> list[Path]:
    """Where the projects of a workspace are; none when its files cannot be read, which is said once it is used."""
    try:
        projects = layers.merge(*layers.read_layers(workspace))[0]["projects"]
        return [source_path(workspace, project["source"]) for project in projects.values()]
    except (NocturneError, AttributeError, KeyError, TypeError, RuntimeError):
        return []
