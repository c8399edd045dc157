"""Which servers `nocturne up` has running now, as it wrote them down; believed only when they answer."""

import atexit
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipelines.errors import NocturneError
from pipelines.locks import is_locked
from pipelines.records import read_json, write_json

RUNNING = Path("data") / ".up" / "running.json"
LOCK = Path("data") / ".up" / "lock"
LOOPBACK = "127.0.0.1"
PART_OF = "NOCTURNE_UP"  # in the environment of what `up` starts: the workspace
TEMPORARY = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
START_WITHIN = 120  # seconds; a first start makes the database
END_WITHIN = 5  # seconds


def write_down(place: Path, prefect_api: str, mlflow: str) -> None:
    """Say where the servers are, and whose they are."""
    who = {"workspace": str(place.resolve()), "pid": os.getpid()}
    write_json(place / RUNNING, {"prefect": prefect_api, "mlflow": mlflow, **who})


def find_running(place: Path) -> dict[str, Any] | None:
    """What the `up` of this workspace wrote down of its servers; None when none runs. What a killed one left, or one of
    the workspace that this is a copy of, does not count."""
    file = place / RUNNING
    said = read_json(file) if file.is_file() and is_up(place) else {}
    return dict(said) if said.get("workspace") == str(place.resolve()) else None


def is_up(place: Path) -> bool:
    """Whether a `nocturne up` of this workspace is running."""
    return is_locked(place / LOCK)


def forget(place: Path) -> None:
    """The servers have ended."""
    (place / RUNNING).unlink(missing_ok=True)


def does_answer(url: str) -> bool:
    """Whether an HTTP server says that it is well."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - an address that `up` or the user named
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def use_prefect(place: Path) -> None:
    """Let a night that is started by hand show in the Prefect server that runs, unless the user named another; where
    none runs, one is started for it alone. To be called before Prefect is imported.

    Raises:
        NocturneError: the server does not start.
    """
    end_orphans()
    if "PREFECT_API_URL" in os.environ:
        return
    address = _address(place, "prefect")
    if address is None or not does_answer(f"{address}/health"):
        address = _temporary_server()
    os.environ["PREFECT_API_URL"] = address


def _temporary_server() -> str:
    """Start a Prefect server that ends with this process; returns its API's address.

    Prefect would start the same one, but in the terminal's process group: Ctrl-C then ends the server before the night
    has told it, and Prefect asks a server that is gone for minutes.
    """
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    application = ["--factory", "prefect.server.api.server:create_app", "--lifespan", "on", "--log-level", "error"]
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *application, "--host", LOOPBACK, "--port", str(port)],
        env={**os.environ, **TEMPORARY, "PREFECT_API_URL": f"http://{LOOPBACK}:{port}/api"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    atexit.register(_end, server)  # before Prefect registers what it has to say at the end
    deadline = time.monotonic() + START_WITHIN
    while not does_answer(f"http://{LOOPBACK}:{port}/api/health"):
        if server.poll() is not None or time.monotonic() > deadline:
            raise NocturneError(
                "The night's Prefect server did not start.", "Its last words are at the end of the night's log."
            )
        time.sleep(0.1)
    return f"http://{LOOPBACK}:{port}/api"


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def end_orphans() -> int:
    """End the temporary Prefect servers of this workspace whose nights were killed, which nobody else would.

    Returns:
        How many there were.
    """
    import psutil

    ended = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended, or is another user's
            if _is_serving_a_night_here(process.environ()) and not _is_child_of_python(process):
                process.terminate()
                ended += 1
    return ended


def _is_serving_a_night_here(environ: Mapping[str, str]) -> bool:
    return "PREFECT__SERVER_EPHEMERAL" in environ and environ.get("PREFECT_HOME") == os.environ.get("PREFECT_HOME")


def _is_child_of_python(process: Any) -> bool:
    """Prefect starts its server with the night's own Python; a server whose parent is no such has lost its night."""
    import psutil

    parent = process.parent()
    try:
        return parent is not None and parent.exe() == process.exe()
    except psutil.AccessDenied:
        return False


def mlflow_address(place: Path) -> str | None:
    """The address of MLflow's UI, or None when none runs."""
    address = _address(place, "mlflow")
    return address if address is not None and does_answer(f"{address}/health") else None


def _address(place: Path, server: str) -> str | None:
    said = find_running(place)
    return str(said[server]) if said is not None else None
