"""The DAG, as DVC has it: which stages a project has and in which order, which are out of date, and running one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines import journal
from pipelines.errors import NocturneError
from pipelines.journal import Entry
from pipelines.project import Project


def order(project: Project) -> list[str]:
    """The names of the project's stages, each after those it needs.

    Raises:
        NocturneError: dvc.yaml cannot be read, or has no stages for this project.
    """
    import networkx

    with _readable(project.workspace) as repo:
        graph = repo.index.graph  # an edge points from a stage to one that it needs
    ordered = networkx.lexicographical_topological_sort(graph.reverse(), key=lambda stage: stage.name)
    mine = f"@{project.name}"
    stages = [stage.name.removesuffix(mine) for stage in ordered if stage.name.endswith(mine)]
    if not stages:
        raise NocturneError(
            f"dvc.yaml has no stages for `{project.name}`.", "Restore dvc.yaml: `git checkout dvc.yaml`."
        )
    return stages


def stale(project: Project) -> list[str]:
    """The stages that `dvc repro` would run because something they need or make has changed; the snapshot, which
    always runs, counts only when it is not what DVC recorded.

    Raises:
        NocturneError: DVC cannot read the workspace, or is at work in it.
    """
    file = project.workspace / "dvc.yaml"
    targets = [f"{file}:{stage}@{project.name}" for stage in order(project)]
    with _readable(project.workspace) as repo:
        changed = repo.status(targets)
    return [_stage_of(name) for name, reasons in changed.items() if reasons != ["always changed"]]


def reproduce(project: Project, stage: str, force: bool = False) -> Entry | None:
    """Run one stage through `dvc repro`, if DVC finds it out of date; output goes to the night's log.

    Returns:
        What the stage said, or None when there was nothing to do.

    Raises:
        NocturneError: the stage failed; its own words when it left any.
    """
    log = project.night / journal.LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    (project.night / f"{stage}.json").unlink(missing_ok=True)
    options = ["--force"] if force else []
    command = [sys.executable, "-m", "dvc", "repro", "--single-item", *options, f"{stage}@{project.name}"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environ = {**os.environ, "PATH": path, journal.NIGHT_PID: str(os.getpid())}
    before = log.stat().st_size if log.exists() else 0
    with open(log, "ab") as output:
        done = subprocess.run(
            command, cwd=project.workspace, env=environ, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    said = journal.read(project, stage)
    if done.returncode == 0:
        return said
    if said is not None and said.error is not None:
        raise NocturneError(said.error["fact"], said.error["next_step"])
    if said is not None:
        fact, step = f"{stage} was killed.", f"Run `nocturne nightly {project.name}` again; it goes on where it was."
        raise NocturneError(fact, step)
    raise NocturneError(
        f"DVC could not run {stage}: {_last_error(log, before)}", f"The details are at the end of {log}."
    )


def output_hash(project: Project, stage: str) -> str:
    """What DVC calls the folder that a stage made last (dvc.lock); its bytes can be had by that name, see `stored`.

    Raises:
        NocturneError: DVC has not run the stage.
    """
    import yaml

    lock = project.workspace / "dvc.lock"
    stages = (yaml.safe_load(lock.read_text()) or {}).get("stages", {}) if lock.is_file() else {}
    made = stages.get(f"{stage}@{project.name}")
    if not made:
        raise NocturneError(
            f"DVC has not made {stage} of {project.name} yet.", f"Run `nocturne nightly {project.name}`."
        )
    return str(made["outs"][0]["md5"])


def stored(project: Project, folder_hash: str) -> dict[str, Path] | None:
    """The files of a stage's folder as DVC's cache has them, by their name in it; None when some are missing.

    Args:
        folder_hash: as `output_hash` gave it when the stage had run.
    """
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    with _readable(project.workspace) as repo:
        cache = repo.cache.local
        try:
            tree = Tree.load(cache, HashInfo("md5", folder_hash))
        except FileNotFoundError:
            return None
        found = {"/".join(key): Path(cache.oid_to_path(file.value)) for key, _, file in tree}
    return found if all(path.is_file() for path in found.values()) else None


def _stage_of(address: str) -> str:
    """`dvc.yaml:training@demo` (DVC names the file when it is not in the current folder) to `training`."""
    return address.rsplit(":", 1)[-1].split("@")[0]


def _last_error(log: Path, since: int) -> str:
    said = log.read_bytes()[since:].decode(errors="replace")
    lines = [line for line in said.splitlines() if line.startswith("ERROR: ")]
    return lines[-1].removeprefix("ERROR: ") if lines else "it gave no reason."


@contextmanager
def _readable(workspace: Path) -> Iterator[Any]:
    """DVC's view of the workspace; its errors become ours."""
    import logging

    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.ERROR)
    try:
        yield Repo(str(workspace))
    except DvcException as error:
        reason = " ".join(str(error).split())[:200]
        step = "If `dvc repro` is running, wait for it; else restore .dvc and dvc.yaml: `git checkout .dvc dvc.yaml`."
        raise NocturneError(f"DVC cannot read {workspace}: {reason}", step) from None
