"""Which servers `nocturne up` has running now, as it wrote them down; believed only when they answer."""

import os
import urllib.error
import urllib.request
from pathlib import Path

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
    found = _address(place, "prefect")
    if "PREFECT_API_URL" not in os.environ and found is not None and answers(f"{found}/health"):
        os.environ["PREFECT_API_URL"] = found


def mlflow_address(place: Path) -> str | None:
    """The address of MLflow's UI, or None when none runs."""
    found = _address(place, "mlflow")
    return found if found is not None and answers(f"{found}/health") else None


def _address(place: Path, server: str) -> str | None:
    file = place / RUNNING
    return str(read_json(file)[server]) if file.is_file() else None
