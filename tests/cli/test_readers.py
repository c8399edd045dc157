"""Who may read a workspace and not write in it still gets answers."""

import json
import subprocess
import sys
import time

import pytest
from conftest import git, make_repository, make_workspace, unprivileged, with_database
from release.night_results import GATES, candidate_of, write_night

from flows import running
from pipelines.assistant.watch_client import STATE
from pipelines.config.load import load_params
from pipelines.locks import is_locked
from pipelines.night.last_night import LastNight
from pipelines.night.lock import HOLDER, LOCK
from pipelines.records import write_json
from pipelines.registry.releases import Releases
from pipelines.release.publish import publish_candidate


@pytest.fixture
def place(tmp_path, mlflow_database):
    """A workspace with the files that a night, `up` and `watch` leave when they are killed; nobody may write there."""
    source = make_repository(tmp_path / "moon", {"a.py": "A = 1\n"})
    commit = git(source, "rev-parse", "HEAD").strip()
    folder = with_database(make_workspace(tmp_path / "workspace", {"moon": source}), mlflow_database)
    params = load_params(folder)
    project = params.project("moon", folder)
    write_night(project, "one")
    publish_candidate(Releases(project), params, candidate_of(project, "one", commit), True, GATES)
    watch = project.watch
    left = (folder / "data" / LOCK, folder / "data" / HOLDER, folder / running.LOCK, watch / "lock", watch / STATE)
    for file in left:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    night = LastNight(time.time(), 1, "hand")
    write_json(project.night / "outcome" / "night.json", night.facts())  # it could not say that it ended
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*")) if not path.is_symlink()}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    yield folder
    for path, mode in modes.items():
        path.chmod(mode)


@pytest.mark.parametrize("command", [("status",), ("releases",), ("index", "list")])
def test_a_reader_sees_what_is_live(place, command):
    run = [sys.executable, "-c", "from pipelines.cli import main; main()", *command, "--json"]
    done = subprocess.run(run, cwd=place, capture_output=True, text=True, preexec_fn=unprivileged)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout), "one release"


def test_a_lock_is_seen_while_another_process_holds_it(tmp_path):
    file = tmp_path / "lock"
    assert not is_locked(file)
    holds = "import sys; from filelock import FileLock\nwith FileLock(sys.argv[1]): print(flush=True); input()"
    run = [sys.executable, "-c", holds, str(file)]
    with subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        assert is_locked(file)
        assert is_locked(file), "a look takes nothing"
        holder.communicate(b"\n")
    assert not is_locked(file)
