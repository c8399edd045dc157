"""A night that is killed cannot end its temporary Prefect server; the next one does."""

import os
import subprocess
import sys

import psutil
import pytest

from flows.running import end_orphans

SERVER = "import time; time.sleep(120)"
NIGHT = f"""
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", {SERVER!r}]).pid, flush=True)
time.sleep(120)
"""


@pytest.mark.parametrize(("home", "ended"), [("mine", 1), ("another", 0)])
def test_a_server_ends_when_its_night_was_killed_and_not_before(tmp_path, monkeypatch, home, ended):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "mine"))
    environ = {**os.environ, "PREFECT_HOME": str(tmp_path / home), "PREFECT__SERVER_EPHEMERAL": "1"}
    night = subprocess.Popen([sys.executable, "-c", NIGHT], env=environ, stdout=subprocess.PIPE, text=True)
    server = psutil.Process(int(night.stdout.readline()))
    assert end_orphans() == 0
    night.kill()
    night.wait()
    assert end_orphans() == ended
    if not ended:
        server.kill()
    psutil.wait_procs([server], timeout=10)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
