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

from flows import running, schedule
from flows.running import LOOPBACK
from flows.schedule import Schedule
from pipelines.errors import NocturneError, UsageError
from pipelines.params import Params
from pipelines.registry import tracking
from pipelines.release import last_night

PART_OF = "NOCTURNE_UP"  # in the environment of what `up` starts: the workspace
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
START_WITHIN = 180  # seconds; a first start makes the databases
ANSWER_WITHIN = 10  # seconds, for a server of the user's
LOOK_AGAIN_AFTER = 60  # seconds
END_WITHIN = 15  # seconds for a part to end by itself


def up(place: Path, params: Params, prefect_port: int, mlflow_port: int) -> None:
    """Start everything, print the addresses, and wait until one part ends or the user does.

    A server that the user has already (PREFECT_API_URL, an http MLFLOW_TRACKING_URI) is used and not started.

    Raises:
        UsageError: both ports are the same.
        NocturneError: another `up` runs in this workspace, Prefect refuses the cron expression, a port is taken, or a
            part did not start or ended by itself.
    """
    from flows.deployments import cron

    if prefect_port == mlflow_port:
        raise UsageError(
            f"Prefect and MLflow cannot share port {prefect_port}.", "Give --prefect-port and --mlflow-port two ports."
        )
    cron(params)
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
    missed = list(_missed(place, params))
    (place / schedule.FILE).unlink(missing_ok=True)
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
        for line in missed:
            print(line)
        print(f"Logs      {logs}\nCtrl-C ends what was started.", flush=True)
        _until_one_ends(place, parts, logs)
    finally:
        running.forget(place)
        _end(parts)


@contextmanager
def _only_one(place: Path) -> Iterator[None]:
    """Hold the lock of `up`; the operating system frees it when the process ends, however it ends."""
    file = place / running.LOCK
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file, timeout=1)
    try:
        lock.acquire()
    except Timeout:
        found = running.found(place)
        where = f"process {found['pid']}, Prefect {found['prefect']}, MLflow {found['mlflow']}" if found else "starting"
        raise NocturneError(
            f"`nocturne up` runs in this workspace already ({where}).", "Use it, or end it there with Ctrl-C."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _missed(place: Path, params: Params) -> Iterator[str]:
    """Which nights were planned for a time when no `up` was running; none of them is made up for."""
    before = schedule.read(place) or Schedule("", "")
    for name, plan in before.plans.items():
        if plan.next is None or plan.next > time.time() or name not in params.projects:
            continue
        night = last_night.of(params.project(name, place))
        if night is None or night.began < plan.next:
            when = schedule.moment(plan.next, before.timezone)
            yield f"Missed    {name}: {when}, when this was not running. `nocturne nightly {name}` makes up for it"


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
        if running.answers(health):
            return
        time.sleep(0.5)
    if name in parts:
        raise NocturneError(f"{name} did not start.", f"Its last words are in {logs / (name.lower() + '.log')}.")
    raise NocturneError(f"{name} does not answer at {address}.", "Start it, or unset the variable that names it.")


def _until_one_ends(place: Path, parts: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    teller = Teller(place)
    while True:
        for name, part in parts.items():
            if part.poll() is not None:
                raise NocturneError(
                    f"{name} ended with exit code {part.returncode}.",
                    f"Its last words are in {logs / (name.lower() + '.log')}.",
                )
        teller.look()
        time.sleep(0.5)


class Teller:
    """Prints what changes about the schedule: when the next nights begin, what is late, a mistake in params.yaml."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._stamp = 0
        self._looked = time.monotonic()
        self._served = ""
        self._mistake = ""
        self._wrong: dict[str, str] = {}

    def look(self) -> None:
        """Read what the schedule's process says, and print what is new."""
        file = self._place / schedule.FILE
        stamp = file.stat().st_mtime_ns if file.is_file() else 0
        stale = time.monotonic() - self._looked > LOOK_AGAIN_AFTER  # it may have fallen silent
        said = schedule.read(self._place) if stamp != self._stamp or stale else None
        if said is not None:
            self._stamp, self._looked = stamp, time.monotonic()
        for line in self._new(said) if said is not None else []:
            print(line, flush=True)

    def _new(self, said: Schedule) -> Iterator[str]:
        now = time.time()
        if said.mistake != self._mistake:
            self._mistake = said.mistake
            yield f"params.yaml is not taken over: {said.mistake}" if said.mistake else "params.yaml is in order again."
            if said.mistake:
                yield "The schedule stays as it was."
        served = f"{said.cron} {said.timezone}: {', '.join(said.plans)}"
        if served != self._served and all(plan.next for plan in said.plans.values()):
            if self._served:
                yield f"Schedule  {served}"
            self._served = served
            yield from (f"Next      {name}: {schedule.words(said, name, now)[1]}" for name in said.plans)
        for name in said.plans:
            fine, words = schedule.words(said, name, now)
            if fine and self._wrong.pop(name, ""):
                yield f"Schedule  {name}: well again, {words}"
            elif not fine and name not in self._wrong:
                self._wrong[name] = words
                yield f"Schedule  {name}: {words}"


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
