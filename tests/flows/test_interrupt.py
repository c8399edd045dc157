"""Ctrl-C and SIGTERM end a night that trains within seconds, in one sentence, with all that it had started."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from conftest import make_repository, make_workspace, own_code
from test_nightly import SMALL, so_far, wait_until

from pipelines.cli.interrupt import EXIT_CODE, SENTENCE
from pipelines.config.load import load_params
from pipelines.night import last_night


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("interrupt")
    source = make_repository(folder / "source", own_code("pipelines/gates"))
    long = {**SMALL, "training": {**SMALL["training"], "max_steps": 2000}}
    place = make_workspace(folder / "workspace", {"demo": source}, **long)
    return load_params(place).project("demo", place)


def trains(project, night):
    """Whether it is this night that trains, and not what one before it left."""
    began = last_night.read_last_night(project)
    return began is not None and began.pid == night.pid and so_far(project, "training", began.began) > 0


def processes_of(place):
    """Stages, and the night's Prefect server."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PREFECT_HOME") == str(place / ".prefect") and process.status() != "zombie":
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("by", ["Ctrl-C, to the whole group", "SIGTERM, to the process"])
def test_an_interrupted_training_ends_at_once_and_says_one_sentence(project, by):
    night = subprocess.Popen(
        [sys.executable, "-c", "from pipelines.cli import main; main()", "nightly"],
        cwd=project.workspace,
        env={name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: trains(project, night), night, 400)
        assert len(processes_of(project.workspace)) > 1
        if by.startswith("Ctrl-C"):
            os.killpg(night.pid, signal.SIGINT)
        else:
            night.terminate()
        stdout, stderr = night.communicate(timeout=45)  # it was 225 seconds
    finally:
        night.kill()
    assert night.returncode == EXIT_CODE
    assert stderr.strip().splitlines()[-1] == SENTENCE
    assert "Traceback" not in stdout + stderr
    assert "Unexpected" not in stdout + stderr
    assert processes_of(project.workspace) == []
    assert (last_night.read_last_night(project).state, last_night.read_last_night(project).stage) == (
        "interrupted",
        "training",
    )
