"""The DAG, as DVC has it: which stages a project has and in which order, which are out of date, and running one."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipelines.config.load import write_for_dvc
from pipelines.dag import journal
from pipelines.dag.journal import Entry
from pipelines.errors import NocturneError
from pipelines.project import Project

END_WITHIN = 5  # seconds


def stage_order(project: Project) -> list[str]:
    """The names of the project's stages, each after those it needs.

    Raises:
        NocturneError: dvc.yaml cannot be read, or has no stages for this project.
    """
    import networkx

    with open_repository(project.workspace) as repo:
        graph = repo.index.graph  # an edge points from a stage to one that it needs
    ordered = networkx.lexicographical_topological_sort(graph.reverse(), key=lambda stage: stage.name)
    mine = f"@{project.name}"
    stages = [stage.name.removesuffix(mine) for stage in ordered if stage.name.endswith(mine)]
    if not stages:
        raise NocturneError(
            f"dvc.yaml has no stages for `{project.name}`.", "Restore dvc.yaml: `git checkout dvc.yaml`."
        )
    return stages


def find_stale(project: Project) -> list[str]:
    """The stages that `dvc repro` would run because something they need or make has changed; the snapshot, which
    always runs, counts only when it is not what DVC recorded.

    Raises:
        NocturneError: DVC cannot read the workspace, or is at work in it.
    """
    targets = [_address(project, stage) for stage in stage_order(project)]
    with open_repository(project.workspace) as repo:
        changed = repo.status(targets)
    return [_stage_of(name) for name, reasons in changed.items() if reasons != ["always changed"]]


def reproduce(project: Project, stage: str, force: bool = False) -> Entry | None:
    """Run one stage as `dvc repro` does, if DVC finds it out of date; output goes to the night's log.

    Returns:
        What the stage said, or None when there was nothing to do.

    Raises:
        NocturneError: the stage failed; its own words when it left any.
    """
    log = project.night / journal.LOG
    (project.night / f"{stage}.json").unlink(missing_ok=True)
    try:
        with journal.redirect_output(log):
            _keep_signal_handlers(lambda: _run(project, stage, force))
    except NocturneError as unsaid:
        raise _words(project, stage, unsaid) from None
    return journal.read(project, stage)


def _words(project: Project, stage: str, unsaid: NocturneError) -> NocturneError:
    """Why a stage failed: in its own words, or in DVC's when the stage never began or had done its part."""
    said = journal.read(project, stage)
    if said is None:
        return NocturneError(f"{stage} did not start. {unsaid.fact}", unsaid.next_step)
    if said.error is not None:
        return NocturneError(said.error["fact"], said.error["next_step"])
    if said.state == "done":
        return NocturneError(f"What {stage} made was not taken in. {unsaid.fact}", unsaid.next_step)
    return NocturneError(
        f"{stage} was killed.", f"Run `nocturne nightly {project.name}` again; it goes on where it was."
    )


def _run(project: Project, stage: str, force: bool) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    changed = {"PATH": path, journal.NIGHT_PID: str(os.getpid())}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)  # DVC hands its own environment to the stage
    try:
        with (
            contextlib.chdir(project.workspace),
            open_repository(project.workspace) as repo,
        ):  # DVC refuses to work from outside
            repo.reproduce(_address(project, stage), single_item=True, force=force)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _keep_signal_handlers(call: Callable[[], None]) -> None:
    """Call it in a thread of its own: in the main one DVC ignores SIGINT while a stage runs, and so would a night."""
    raised: list[BaseException] = []

    def kept() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=kept, daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:  # Ctrl-C, or a request to end
        _end_stages()
        thread.join(END_WITHIN)  # DVC frees its locks
        raise
    if raised:
        raise raised[0]


def _end_stages() -> None:
    """Kill the stages that this process has begun: each goes on from its last checkpoint the next time."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended
            if process.environ().get(journal.NIGHT_PID) == str(os.getpid()):
                process.kill()


def output_hash(project: Project, stage: str) -> str:
    """What DVC calls the folder that a stage made last (dvc.lock). `read_stored` reads its bytes by that name.

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
    folder = project.path(stage).relative_to(project.workspace).as_posix()
    return next(str(out["md5"]) for out in made["outs"] if out["path"] == folder)


def read_stored(project: Project, folder_hash: str) -> dict[str, Path] | None:
    """The files of a stage's folder as DVC's cache has them, by their name in it; None when some are missing.

    Args:
        folder_hash: as `output_hash` gave it when the stage had run; empty for a release that has no such folder.
    """
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    if not folder_hash:
        return None
    with open_repository(project.workspace) as repo:
        cache = repo.cache.local
        try:
            tree = Tree.load(cache, HashInfo("md5", folder_hash))
        except FileNotFoundError:
            return None
        found = {"/".join(key): Path(cache.oid_to_path(file.value)) for key, _, file in tree}
    return found if all(path.is_file() for path in found.values()) else None


def _address(project: Project, stage: str) -> str:
    return f"{project.workspace / 'dvc.yaml'}:{stage}@{project.name}"


def _stage_of(address: str) -> str:
    """`dvc.yaml:training@demo` (DVC names the file when it is not in the current folder) to `training`."""
    return address.rsplit(":", 1)[-1].split("@")[0]


@contextlib.contextmanager
def open_repository(workspace: Path) -> Iterator[Any]:
    """DVC at work in the workspace, with the values that count at this moment; its errors become ours.

    Raises:
        NocturneError: params.yaml is wrong, or DVC cannot work.
    """
    import logging

    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    write_for_dvc(workspace)
    logging.getLogger("dvc").setLevel(logging.ERROR)
    try:
        with Repo(str(workspace)) as repo:
            yield repo
    except DvcException as error:
        reason = " ".join(str(error.__cause__ or error).split())[:200]
        step = "If `dvc repro` is running, wait for it; else restore .dvc and dvc.yaml: `git checkout .dvc dvc.yaml`."
        raise NocturneError(f"DVC cannot work in {workspace}: {reason}", step) from None
