"""`nocturne up`: three servers begin and end together, and the schedule is what params.yaml says."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from conftest import make_repository, make_workspace

from flows.running import RUNNING
from pipelines.errors import NocturneError


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def posted(url, body):
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    for _ in range(10):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503:  # "try again": so its own client does, while another process writes
                raise
            time.sleep(1)
    raise AssertionError(f"{url} is not available")


def test_up_shows_the_schedule_and_ends_everything(tmp_path):
    source = make_repository(tmp_path / "moon", {"a.py": "x = 1\n"})
    place = make_workspace(tmp_path / "workspace", {"moon": source})
    prefect, mlflow = free_port(), free_port()
    command = ["up", "--prefect-port", str(prefect), "--mlflow-port", str(mlflow)]
    running = subprocess.Popen(
        [sys.executable, "-c", "from pipelines.cli import main; main()", *command],
        cwd=place,
        env={**os.environ, "NOCTURNE_HOME": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert until(running, "Prefect ").split()[1] == f"http://127.0.0.1:{prefect}"
        assert until(running, "Schedule").split(":")[1].strip() == "moon"
        until(running, "Ctrl-C")
        assert json.loads((place / RUNNING).read_text())["prefect"].endswith(f"{prefect}/api")
        deadline = time.monotonic() + 120
        while not (found := posted(f"http://127.0.0.1:{prefect}/api/deployments/filter", {})):
            assert time.monotonic() < deadline
            time.sleep(1)
        assert found[0]["name"] == "moon"
        assert found[0]["schedules"][0]["schedule"]["cron"] == "0 2 * * *"
        with urllib.request.urlopen(f"http://127.0.0.1:{mlflow}/health", timeout=10) as answer:
            assert answer.status == 200
        assert "from different files" in ended(f"http://127.0.0.1:{prefect}/api", found[0]["id"])
    finally:
        running.send_signal(signal.SIGINT)
        assert running.wait(90) == 0
    assert not (place / RUNNING).exists()
    for port in (prefect, mlflow):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def ended(api, deployment):
    """Runs the deployment as its schedule would; what the run said in the end (one file is too little to learn)."""
    run = posted(f"{api}/deployments/{deployment}/create_flow_run", {})
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{api}/flow_runs/{run['id']}", timeout=30) as answer:
            state = json.load(answer)["state"]
        if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
            return state["message"]
        time.sleep(1)
    raise AssertionError(state)


def until(running, start):
    """The first line that begins so."""
    for line in iter(running.stdout.readline, ""):
        if line.startswith(start):
            return line
    raise AssertionError(f"it ended without saying {start}")


def test_a_taken_port_is_named_with_the_option(tmp_path):
    from flows.deployments import up
    from pipelines.params import load_params

    place = make_workspace(tmp_path / "workspace", {})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(NocturneError, match=f"Port {port} is taken") as error:
            up(place, load_params(place), port, free_port())
    assert "--prefect-port" in error.value.next_step
