"""Which servers `nocturne up` has running now, as it wrote them down; believed only when they answer."""

import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipelines.records import read_json, write_json

RUNNING = Path("data") / ".up" / "running.json"


def write_down(place: Path, prefect_api: str, mlflow: str) -> None:
    """Say where the servers are."""
    write_json(place / RUNNING, {"prefect": prefect_api, "mlflow": mlflow})


def forget(place: Path) -> None:
    """The servers have ended."""
    (place / RUNNING).unlink(missing_ok=True)


def answers(url: str) -> bool:
    """Whether an HTTP server says that it is well."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - an address that `up` or the user named
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def use_prefect(place: Path) -> None:
    """Let a night that is started by hand show in the Prefect server that runs, unless the user named another."""
    end_orphans()
    found = _address(place, "prefect")
    if "PREFECT_API_URL" not in os.environ and found is not None and answers(f"{found}/health"):
        os.environ["PREFECT_API_URL"] = found


def end_orphans() -> int:
    """End the temporary Prefect servers of this workspace whose nights were killed, which nobody else would.

    Returns:
        How many there were.
    """
    import psutil

    ended = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended, or is another user's
            if _serves_a_night_here(process.environ()) and not _is_child_of_python(process):
                process.terminate()
                ended += 1
    return ended


def _serves_a_night_here(environ: Mapping[str, str]) -> bool:
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
    found = _address(place, "mlflow")
    return found if found is not None and answers(f"{found}/health") else None


def _address(place: Path, server: str) -> str | None:
    file = place / RUNNING
    return str(read_json(file)[server]) if file.is_file() else None
