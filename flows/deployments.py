"""`nocturne up`: the Prefect server, MLflow's UI, and one scheduled deployment a project, started and ended together.

`python -m flows.deployments` alone serves the schedules to whatever PREFECT_API_URL names.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from flows import running
from pipelines import environment
from pipelines.errors import NocturneError
from pipelines.params import Params, load_params
from pipelines.project import workspace
from pipelines.registry import tracking

LOOPBACK = "127.0.0.1"
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
START_WITHIN = 180  # seconds; a first start makes the databases
ANSWER_WITHIN = 10  # seconds, for a server of the user's
END_WITHIN = 15  # seconds for a part to end by itself


def serve() -> None:
    """Serve a deployment of the nightly flow for every project, with the schedule of params.yaml; returns never."""
    place = workspace()
    environment.prepare(place)
    from prefect import serve as serve_deployments
    from prefect.schedules import Cron

    from flows.nightly import nightly

    params = load_params(place)
    when = Cron(params.schedule.cron, timezone=params.schedule.timezone)
    serve_deployments(
        *(
            nightly.to_deployment(
                name=name,
                parameters={"name": name},
                schedule=when,
                description=f"Learn {source.source} every night.",
            )
            for name, source in params.projects.items()
        ),
        limit=1,  # nights of several projects wait for each other
        print_starting_message=False,
    )


def up(place: Path, params: Params, prefect_port: int, mlflow_port: int) -> None:
    """Start everything, print the addresses, and wait until one part ends or the user does.

    A server that the user has already (PREFECT_API_URL, an http MLFLOW_TRACKING_URI) is used and not started.

    Raises:
        NocturneError: a port is taken, or a part did not start or ended by itself.
    """
    # Also SIGINT: a shell that starts a command in the background has it ignored.
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDS}
    logs = place / "data" / ".up"
    logs.mkdir(parents=True, exist_ok=True)
    parts: dict[str, subprocess.Popen[bytes]] = {}
    try:
        prefect = _prefect(place, parts, logs, prefect_port)
        mlflow = _mlflow(place, parts, logs, mlflow_port)
        for name, address in (("Prefect", prefect), ("MLflow", mlflow)):
            _wait_for(address, name, parts, logs)
        environ = {**os.environ, "PREFECT_API_URL": f"{prefect}/api"}
        parts["schedule"] = _start([sys.executable, "-m", "flows.deployments"], "schedule", logs, environ, place)
        running.write_down(place, f"{prefect}/api", mlflow)
        names = ", ".join(params.projects)
        print(f"Prefect   {prefect}  (flow runs, schedules, artifacts)")
        print(f"MLflow    {mlflow}  (runs, releases; `champion` is what is live)")
        print(f"Schedule  {params.schedule.cron} {params.schedule.timezone}: {names}")
        print(f"Logs      {logs}\nCtrl-C ends what was started.", flush=True)
        _until_one_ends(parts, logs)
    except KeyboardInterrupt:
        print("Ending; what is live stays live.", flush=True)
    finally:
        running.forget(place)
        _end(parts)
        for number, handler in before.items():
            signal.signal(number, handler)


def _prefect(place: Path, parts: dict[str, subprocess.Popen[bytes]], logs: Path, port: int) -> str:
    given = os.environ.get("PREFECT_API_URL")
    if given:
        return given.removesuffix("/").removesuffix("/api")
    _free(port, "--prefect-port")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", str(port)]
    environ = {**os.environ, "PREFECT_API_URL": f"http://{LOOPBACK}:{port}/api"}
    parts["Prefect"] = _start(command, "prefect", logs, environ, place)
    return f"http://{LOOPBACK}:{port}"


def _mlflow(place: Path, parts: dict[str, subprocess.Popen[bytes]], logs: Path, port: int) -> str:
    where = tracking.uri(place)
    if where.startswith("http"):
        return where.removesuffix("/")
    _free(port, "--mlflow-port")
    tracking.client(place)  # makes the database, so that the server does not race a night for it
    parts["MLflow"] = _start(_mlflow_command(place, port), "mlflow", logs, dict(os.environ), place)
    return f"http://{LOOPBACK}:{port}"


def _mlflow_command(place: Path, port: int) -> list[str]:
    where = tracking.uri(place)
    artifacts = str(place / "mlruns" / "artifacts")
    stores = ["--backend-store-uri", where, "--default-artifact-root", artifacts]
    return [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        *stores,
        "--host",
        LOOPBACK,
        "--port",
        str(port),
        "--workers",
        "1",
    ]


def _start(command: list[str], name: str, logs: Path, environ: dict[str, str], place: Path) -> subprocess.Popen[bytes]:
    with (logs / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environ, cwd=place, start_new_session=True
        )


def _free(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise NocturneError(
                f"Port {port} is taken.", f"End what uses it (another `nocturne up`?), or choose one with {option}."
            ) from None


def _wait_for(address: str, name: str, parts: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    health = f"{address}/api/health" if name == "Prefect" else f"{address}/health"
    deadline = time.monotonic() + (START_WITHIN if name in parts else ANSWER_WITHIN)
    while time.monotonic() < deadline and (name not in parts or parts[name].poll() is None):
        if running.answers(health):
            return
        time.sleep(0.5)
    if name in parts:
        raise NocturneError(f"{name} did not start.", f"Its last words are in {logs / (name.lower() + '.log')}.")
    raise NocturneError(f"{name} does not answer at {address}.", "Start it, or unset the variable that names it.")


def _until_one_ends(parts: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    while True:
        for name, part in parts.items():
            if part.poll() is not None:
                raise NocturneError(
                    f"{name} ended with exit code {part.returncode}.",
                    f"Its last words are in {logs / (name.lower() + '.log')}.",
                )
        time.sleep(0.5)


def _end(parts: dict[str, subprocess.Popen[bytes]]) -> None:
    """Ask each part and its children to end, the last one first: the schedule still needs the server to say goodbye."""
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)
    for part in reversed(parts.values()):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(part.pid, number)
            with suppress(subprocess.TimeoutExpired):
                part.wait(END_WITHIN)


if __name__ == "__main__":
    serve()
