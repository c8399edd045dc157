"""`nocturne up`, untouched: nights begin by themselves, params.yaml is followed, and there is one a workspace.

The tests of this file share one `up`; what one needs of another is a fixture.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from types import SimpleNamespace

import psutil
import pytest
import yaml
from conftest import make_repository, make_workspace

from flows import running as servers
from flows import schedule
from flows.up import up
from pipelines.cli.schedule_view import describe_schedule
from pipelines.config.load import load_params
from pipelines.errors import NocturneError, UsageError
from pipelines.night import last_night

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def asked(url, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    for _ in range(10):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503:  # "try again": so its own client does, while another process writes
                raise
            time.sleep(1)
    raise AssertionError(f"{url} is not available")


def until(process, start):
    """The first line that begins so."""
    for line in iter(process.stdout.readline, ""):
        if line.startswith(start):
            return line.strip()
    raise AssertionError(f"it ended without saying {start}")


def wait_for(found, seconds=300):
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(1)
    return result


def change(place, **values):
    params = yaml.safe_load((place / "params.yaml").read_text())
    (place / "params.yaml").write_text(yaml.safe_dump({**params, **values}, sort_keys=False))


class Up:
    """A `nocturne up` of the workspace, and what it can be asked."""

    def __init__(self, place):
        self.place = place
        self.ports = free_port(), free_port()
        self.said = {}

    def start(self):
        command = ["up", "--prefect-port", str(self.ports[0]), "--mlflow-port", str(self.ports[1])]
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from pipelines.cli import main; main()", *command],
            cwd=self.place,
            env={**os.environ, "NOCTURNE_HOME": str(self.place)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = {start: until(self.process, start) for start in ("Prefect ", "Schedule", "Next")}

    def prefect(self, path, body):
        return asked(f"http://127.0.0.1:{self.ports[0]}/api/{path}", body)

    def deployments(self):
        found = self.prefect("deployments/filter", {})
        return {
            one["name"]: SimpleNamespace(
                paused=one["paused"], crons=[each["schedule"]["cron"] for each in one["schedules"]]
            )
            for one in found
        }

    def runs(self, word):
        """Whether a part of it whose command has this word is running."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(servers.PART_OF) == str(self.place) and word in process.cmdline():
                    return True
        return False

    def ended_runs(self):
        runs = self.prefect("flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": list(ENDED)}}}})
        return [run for run in runs if run["auto_scheduled"]]


@pytest.fixture(scope="module")
def one_up(tmp_path_factory):
    """It begins a night every minute."""
    folder = tmp_path_factory.mktemp("up")
    source = make_repository(folder / "moon", {"a.py": "x = 1\n"})
    place = make_workspace(folder / "workspace", {"moon": source}, schedule={"cron": "* * * * *"})
    made = Up(place)
    made.start()
    yield made
    made.process.send_signal(signal.SIGINT)
    made.process.wait(90)


@pytest.fixture(scope="module")
def began(one_up):
    """What it said when it began, where it was found, and the schedule as it was told then."""
    project = load_params(one_up.place).project("moon", one_up.place)
    return dict(one_up.said), servers.find_running(one_up.place), describe_schedule(project)


@pytest.fixture(scope="module")
def first_night(one_up, began):
    """The first night that began by itself, in Prefect and on disk."""
    run = wait_for(one_up.ended_runs)[0]
    return run, last_night.read_last_night(load_params(one_up.place).project("moon", one_up.place))


@pytest.fixture(scope="module")
def changed(one_up, first_night):
    """Another time and one more project; what was said then, and what was served."""
    source = {"source": str(one_up.place.parent / "moon")}
    change(
        one_up.place,
        projects={"moon": source, "sun": source},
        schedule={"cron": "17 3 * * *", "timezone": "Europe/Vienna"},
    )
    return until(one_up.process, "Schedule"), until(one_up.process, "Next      sun"), one_up.deployments()


@pytest.fixture
def at_work(one_up):
    """Started again where a test has ended it."""
    if one_up.process.poll() is not None:
        one_up.start()
    return one_up


@pytest.fixture
def project(at_work):
    return load_params(at_work.place).project("moon", at_work.place)


def test_up_says_where_everything_is_and_when_the_next_night_begins(one_up, began):
    said, running, (well, words) = began
    assert said["Prefect "].split()[1] == f"http://127.0.0.1:{one_up.ports[0]}"
    assert said["Schedule"] == "Schedule  * * * * * UTC: moon"
    assert said["Next"].startswith("Next      moon: 20")
    assert running["prefect"] == f"http://127.0.0.1:{one_up.ports[0]}/api"
    assert well, words


def test_a_night_begins_by_itself_and_ends_with_its_own_words(first_night):
    run, night = first_night
    assert run["state"]["name"] == "Failed"  # one file is too little to learn
    assert "from different files" in run["state"]["message"]
    assert night.by == "schedule"
    assert night.began < time.time()


def test_a_changed_time_and_an_added_project_are_taken_over_while_it_runs(changed):
    schedule_line, next_line, served = changed
    assert schedule_line == "Schedule  17 3 * * * Europe/Vienna: moon, sun"
    assert "03:17 Europe/Vienna" in next_line
    assert {name: (one.paused, one.crons) for name, one in served.items()} == {
        "moon": (False, ["17 3 * * *"]),
        "sun": (False, ["17 3 * * *"]),
    }


def test_a_mistake_in_params_is_told_and_the_schedule_stays(at_work, changed):
    before = (at_work.place / "params.yaml").read_text()
    (at_work.place / "params.yaml").write_text(before.replace("17 3 * * *", "every night"))
    assert "every night" in until(at_work.process, "params.yaml is not taken over")
    assert at_work.deployments()["moon"].crons == ["17 3 * * *"]
    (at_work.place / "params.yaml").write_text(before)
    until(at_work.process, "params.yaml is in order again")


def test_a_removed_project_is_served_no_more(at_work, project, changed):
    change(at_work.place, projects={"moon": {"source": str(project.source)}})
    assert until(at_work.process, "Schedule") == "Schedule  17 3 * * * Europe/Vienna: moon"
    assert at_work.deployments()["sun"].paused
    assert not at_work.deployments()["moon"].paused


def test_mlflow_tells_its_page_that_nothing_is_collected(at_work):
    told = asked(f"http://127.0.0.1:{at_work.ports[1]}/ajax-api/3.0/mlflow/ui-telemetry")
    assert told["disable_ui_telemetry"] is True


def test_a_second_up_says_where_the_first_one_runs(at_work):
    with pytest.raises(
        NocturneError, match=f"already .process {at_work.process.pid}, Prefect http.*{at_work.ports[0]}"
    ):
        up(at_work.place, load_params(at_work.place), free_port(), free_port())
    assert servers.find_running(at_work.place) is not None
    assert not at_work.deployments()["moon"].paused


def test_a_copy_of_the_workspace_does_not_use_its_servers(at_work, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(at_work.place / "data" / ".up", copy / "data" / ".up")
    assert servers.mlflow_address(at_work.place) is not None
    assert servers.mlflow_address(copy) is None


def test_after_it_was_killed_the_next_one_has_the_same_schedule_and_no_pile_of_nights(at_work, project, changed):
    run = at_work.prefect("deployments/filter", {"deployments": {"name": {"any_": ["moon"]}}})[0]["id"]
    at_work.process.kill()
    at_work.process.wait()
    assert not servers.is_up(at_work.place)
    assert describe_schedule(project) == (True, schedule.STOPPED)
    wait_for(lambda: not at_work.runs("flows.deployments"), 60)  # nobody begins nights any more
    # A night whose time has passed by the time it starts again.
    asked_for = at_work.prefect(f"deployments/{run}/create_flow_run", {})
    at_work.start()
    state = at_work.prefect("flow_runs/filter", {"flow_runs": {"id": {"any_": [asked_for["id"]]}}})[0]["state"]
    assert (state["type"], state["name"]) in (("CANCELLED", "Missed"), ("FAILED", "Failed"))
    assert at_work.deployments()["moon"].crons == ["17 3 * * *"]
    assert not at_work.deployments()["moon"].paused


def test_ctrl_c_ends_everything_that_was_started(at_work):
    at_work.process.send_signal(signal.SIGINT)
    assert at_work.process.wait(90) == 0
    assert not (at_work.place / servers.RUNNING).exists()
    for port in at_work.ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_taken_port_is_named_with_the_option(tmp_path):
    place = make_workspace(tmp_path / "workspace", {})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(NocturneError, match=f"Port {port} is taken") as error:
            up(place, load_params(place), port, free_port())
    assert "--prefect-port" in error.value.next_step


def test_one_port_for_two_servers_is_refused(tmp_path):
    place = make_workspace(tmp_path / "workspace", {})
    port = free_port()
    with pytest.raises(UsageError, match=f"cannot share port {port}"):
        up(place, load_params(place), port, port)
