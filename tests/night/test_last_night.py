"""A night says when it began and how it ended, also when it was killed and could not say so itself."""

import os
import subprocess
import sys
import time

import pytest
from conftest import ROOT

from pipelines.dag import journal
from pipelines.errors import GatesFailed, NocturneError
from pipelines.night import last_night, lock
from pipelines.night import outcome as nights
from pipelines.night.outcome import Outcome
from pipelines.project import Project

NIGHT = """
import sys, time
from pathlib import Path
from pipelines.dag import journal
from pipelines.project import Project
from pipelines.night import last_night, lock
project = Project("moon", Path("source"), Path(sys.argv[1]))
with lock.exclusive_lock(project), last_night.record_night(project, "schedule"), journal.record(project, "training"):
    print("begun", flush=True)
    time.sleep(120)
"""


@pytest.fixture
def project(tmp_path):
    return Project("moon", tmp_path / "source", tmp_path)


@pytest.fixture
def running(project):
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", NIGHT, str(project.workspace)]
    night = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)
    assert night.stdout.readline() == "begun\n"
    yield night
    night.kill()
    night.wait()


def recorded(project, raised):
    with pytest.raises(type(raised)), last_night.record_night(project, "hand"):
        raise raised
    return last_night.read_last_night(project)


def test_a_killed_night_is_crashed_in_the_stage_that_was_at_work(project, running):
    assert last_night.read_last_night(project).state == last_night.RUNNING
    assert journal.running_step(project, last_night.read_last_night(project).began).stage == "training"
    running.kill()
    running.wait()
    night = last_night.read_last_night(project)
    assert (night.state, night.stage, night.by, night.ended) == ("crashed", "training", "schedule", None)


def test_what_a_crashed_night_left_is_not_the_progress_of_the_next(project, running):
    running.kill()
    running.wait()
    with lock.exclusive_lock(project), last_night.record_night(project, "hand"):
        assert journal.running_step(project, last_night.read_last_night(project).began) is None


def test_another_command_that_holds_the_lock_makes_no_crashed_night_a_running_one(project, running):
    running.kill()
    running.wait()
    with lock.exclusive_lock(project):
        assert last_night.read_last_night(project).state == last_night.CRASHED


def test_a_failed_night_says_at_which_stage_and_why(project):
    with (
        pytest.raises(NocturneError),
        last_night.record_night(project, "hand"),
        journal.record(project, "validation"),
    ):
        raise NocturneError("3 examples are too few.", "Add code.")
    night = last_night.read_last_night(project)
    assert (night.state, night.stage, night.fact, night.next_step) == (
        "failed",
        "validation",
        "3 examples are too few.",
        "Add code.",
    )
    assert night.began <= night.ended <= time.time()


def test_an_interrupted_night_is_no_failed_one(project):
    assert recorded(project, KeyboardInterrupt()).state == last_night.INTERRUPTED


def test_a_refused_night_keeps_the_state_of_its_outcome(project):
    def refuse():
        with last_night.record_night(project, "hand"):
            nights.write_outcome(project, Outcome("moon", "rejected", False))
            raise GatesFailed("No gain.", "Read the report.")

    with pytest.raises(GatesFailed):
        refuse()
    assert last_night.read_last_night(project).state == "rejected"


def test_a_night_that_the_command_began_goes_on_in_the_flow_as_the_same(project):
    with lock.exclusive_lock(project), last_night.record_night(project, "hand"):
        began = last_night.read_last_night(project).began
        with lock.exclusive_lock(project), last_night.record_night(project, "hand"):
            nights.write_outcome(project, Outcome("moon", "released", True, 1))
        assert lock.lock_holder(project.workspace) == {"project": "moon", "pid": os.getpid()}
    assert lock.lock_holder(project.workspace) is None
    assert (last_night.read_last_night(project).began, last_night.read_last_night(project).state) == (began, "released")


def test_by_hand_a_running_night_is_refused_and_the_schedule_waits_for_it(project, running):
    with pytest.raises(NocturneError, match=f"already running .process {running.pid}"), lock.exclusive_lock(project):
        pass
    said = []

    def told(words):
        said.append(words)
        running.kill()

    with lock.exclusive_lock(project, told):
        pass
    assert len(said) == 1
    assert "begins when it has ended" in said[0]
