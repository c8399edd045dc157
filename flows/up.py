"""`nocturne up`: the Prefect server, MLflow's UI and the schedule's process, started, watched and ended together."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from flows import announce, running, schedule
from flows.running import LOOPBACK, PART_OF
from pipelines.config.schema import Params
from pipelines.errors import NocturneError, UsageError
from pipelines.registry import tracking

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
START_WITHIN = 180  # seconds; a first start makes the databases
ANSWER_WITHIN = 10  # seconds, for a server of the user's
END_WITHIN = 15  # seconds for a part to end by itself


def up(place: Path, params: Params, prefect_port: int, mlflow_port: int) -> None:
    """Start everything, print the addresses, and wait until one part ends or the user does.

    A server that the user has already (PREFECT_API_URL, an http MLFLOW_TRACKING_URI) is used and not started.

    Raises:
        UsageError: both ports are the same.
        NocturneError: another `up` runs in this workspace, Prefect refuses the cron expression, a port is taken, or a
            part did not start or ended by itself.
    """
    if prefect_port == mlflow_port:
        raise UsageError(
            f"Prefect and MLflow cannot share port {prefect_port}.", "Give --prefect-port and --mlflow-port two ports."
        )
    # Also SIGINT: a shell that starts a command in the background has it ignored.
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDS}
    try:
        with _only_one(place):
            _run(place, params, prefect_port, mlflow_port)
    except KeyboardInterrupt:
        print("Ending; what is live stays live.", flush=True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(place: Path, params: Params, prefect_port: int, mlflow_port: int) -> None:
    logs = place / schedule.FOLDER
    parts: dict[str, subprocess.Popen[bytes]] = {}
    _end_orphans(place)
    missed = list(announce.find_missed(place, params))
    (place / schedule.FILE).unlink(missing_ok=True)
    try:
        prefect = _prefect(place, parts, logs, prefect_port)
        mlflow = _mlflow(place, parts, logs, mlflow_port)
        _check_cron(params)  # while both begin: it imports Prefect
        for name, address in (("Prefect", prefect), ("MLflow", mlflow)):
            _wait_for(address, name, parts, logs)
        environ = {**os.environ, "PREFECT_API_URL": f"{prefect}/api"}
        own = ["--own"] if "Prefect" in parts else []
        command = [sys.executable, "-m", "flows.deployments", *own]
        parts["schedule"] = _start(command, "schedule", logs, environ, place)
        running.write_down(place, f"{prefect}/api", mlflow)
        names = ", ".join(params.projects)
        print(f"Prefect   {prefect}  (flow runs, schedules, artifacts)")
        print(f"MLflow    {mlflow}  (runs, releases; `champion` is what is live)")
        print(f"Schedule  {params.schedule.cron} {params.schedule.timezone}: {names}")
        for line in missed:
            print(line)
        print(f"Logs      {logs}\nCtrl-C ends what was started.", flush=True)
        _until_one_ends(place, parts, logs)
    finally:
        running.forget(place)
        _end(parts)


def _check_cron(params: Params) -> None:
    from flows.deployments import cron_of

    cron_of(params)


@contextmanager
def _only_one(place: Path) -> Iterator[None]:
    """Hold the lock of `up`; the operating system frees it when the process ends, however it ends."""
    file = place / running.LOCK
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file, timeout=1)
    try:
        lock.acquire()
    except Timeout:
        found = running.find_running(place)
        where = f"process {found['pid']}, Prefect {found['prefect']}, MLflow {found['mlflow']}" if found else "starting"
        raise NocturneError(
            f"`nocturne up` runs in this workspace already ({where}).", "Use it, or end it there with Ctrl-C."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _end_orphans(place: Path) -> None:
    """End what an `up` of this workspace that was killed left running: this one has its lock now."""
    import psutil

    orphans = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended, or is another user's
            if process.environ().get(PART_OF) == str(place):
                process.terminate()
                orphans.append(process)
    for process in psutil.wait_procs(orphans, END_WITHIN)[1]:
        with suppress(psutil.Error):
            process.kill()


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
    where = tracking.tracking_uri(place)
    if where.startswith("http"):
        return where.removesuffix("/")
    _free(port, "--mlflow-port")
    tracking.open_client(place)  # makes the database, so that the server does not race a night for it
    parts["MLflow"] = _start(_mlflow_command(place, port), "mlflow", logs, dict(os.environ), place)
    return f"http://{LOOPBACK}:{port}"


def _mlflow_command(place: Path, port: int) -> list[str]:
    where = tracking.tracking_uri(place)
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
    environ = {**environ, PART_OF: str(place)}
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
        if running.does_answer(health):
            return
        time.sleep(0.5)
    if name in parts:
        raise NocturneError(f"{name} did not start.", f"Its last words are in {logs / (name.lower() + '.log')}.")
    raise NocturneError(f"{name} does not answer at {address}.", "Start it, or unset the variable that names it.")


def _until_one_ends(place: Path, parts: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    announcer = announce.Announcer(place)
    while True:
        for name, part in parts.items():
            if part.poll() is not None:
                raise NocturneError(
                    f"{name} ended with exit code {part.returncode}.",
                    f"Its last words are in {logs / (name.lower() + '.log')}.",
                )
        announcer.look()
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
