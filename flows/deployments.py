"""The schedule's process: a deployment of the nightly flow for each project of params.yaml, kept in step with the file.

`python -m flows.deployments` serves them to whatever PREFECT_API_URL names; `nocturne up` starts it, with `--own` where
it started that server.
"""

import asyncio
import os
import re
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from flows import schedule
from flows.running import PART_OF
from flows.schedule import Plan, Schedule
from pipelines import environment
from pipelines.config.layers import settings_files
from pipelines.config.load import load_params
from pipelines.config.schema import Params
from pipelines.config.workspaces import find_workspace
from pipelines.errors import NocturneError
from pipelines.night.lock import lock_holder

OWNS = "--own"  # the server serves this workspace alone
LOOK_EVERY = 2  # seconds, at params.yaml
TELL_EVERY = 10  # seconds
PLANNED_WITHIN = 90  # seconds: Prefect's scheduler looks every minute
FAILED_WITHIN = 300  # seconds, in which a failure of the scheduler is told
UNFINISHED = ("RUNNING", "PENDING", "CANCELLING")
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
KILLED = "Its process was killed."


class Deployments:
    """The deployments of one workspace at one Prefect server.

    Attributes:
        ids: by project, of those that are served.
        taken: the projects and the schedule of params.yaml that they are made of.
        served: since when, in seconds since 1970.
    """

    def __init__(self, place: Path, runner: Any, client: Any) -> None:
        self.place = place
        self.tag = f"workspace {place}"  # a server may serve several workspaces
        self.ids: dict[str, Any] = {}
        self.served = 0.0
        self.taken: Any = None
        self.said = Schedule("", "")
        self._runner = runner
        self._client = client
        self._failures = Failures(place / schedule.FOLDER / "prefect.log")

    async def take_over(self, params: Params) -> None:
        """Serve the projects and the schedule of params.yaml, and pause what it no longer names.

        Raises:
            NocturneError: Prefect does not take the cron expression.
        """
        from flows.nightly import nightly

        when = cron_of(params)
        for name, source in params.projects.items():
            deployment = await nightly.ato_deployment(
                name=name,
                parameters={"name": name},
                schedule=when,
                paused=False,
                tags=[self.tag],
                description=f"Learn {source.source} every night.",
            )
            self.ids[name] = await self._runner.aadd_deployment(deployment)
        for name in self.ids.keys() - params.projects.keys():
            await self._client.pause_deployment(self.ids.pop(name))
        self.served = time.time()
        self.taken = (params.projects, params.schedule)
        self.said = Schedule(params.schedule.cron, params.schedule.timezone)
        await self.tell()

    async def follow(self, seen: list[tuple[int, int]]) -> None:
        """Take over what changes in params.yaml, and tell how the schedule stands, until the process ends.

        Args:
            seen: the files as they were when they were taken over, see `file_stamps`.
        """
        before, told, parent = seen, time.time(), os.getppid()
        while os.getppid() == parent or PART_OF not in os.environ:
            await asyncio.sleep(LOOK_EVERY)
            with suppress(OSError):  # a full disk, a file that is just being replaced: once more, then
                now = file_stamps(self.place)
                if now != seen and now == before and await self._reload():  # whoever writes it has ended
                    seen = now
                before = now
                if time.time() - told > TELL_EVERY:
                    await self.tell()
                    told = time.time()
        os.killpg(os.getpgrp(), signal.SIGKILL)  # `up` was killed, and a night without it is nobody's

    async def _reload(self) -> bool:
        """Whether the file was read; a mistake in it is told, and the schedule stays as it was."""
        try:
            params = load_params(self.place)
            if (params.projects, params.schedule) != self.taken:
                await self.take_over(params)
            self.said.mistake = ""
        except NocturneError as error:
            self.said.mistake = f"{error.fact} {error.next_step}"
        except Exception as error:  # the server, or the way to it: once more, then
            self.said.trouble = f"Prefect does not answer: {' '.join(str(error).split())[:200]}"
            return False
        schedule.write(self.place, self.said)
        return True

    async def clear_up(self, owns: bool) -> None:
        """End what was killed and is still in Prefect: nights that nobody runs any more and their tasks, nights whose
        time has passed, and deployments of projects that are gone. A night that was missed so is not made up for.

        Args:
            owns: the server is this workspace's alone, so that nights which were begun by hand are its own, too.
        """
        from prefect.client.schemas.filters import FlowFilter, FlowFilterName
        from prefect.states import Cancelled, Crashed

        nights = FlowFilter(name=FlowFilterName(any_=["nightly"]))
        for deployment in await self._client.read_deployments(flow_filter=nights):
            if self.tag not in deployment.tags:
                continue
            await self._client.pause_deployment(deployment.id)  # its planned nights go
            for run in await self._runs([deployment.id], (*UNFINISHED, "SCHEDULED")):
                missed = run.state_type.value == "SCHEDULED"
                message = "`nocturne up` was not running then." if missed else KILLED
                state = Cancelled(name="Missed", message=message) if missed else Crashed(message=message)
                await self._client.set_flow_run_state(run.id, state, force=True)
        if owns and lock_holder(self.place) is None:
            for run in await self._client.read_flow_runs(
                flow_filter=nights, flow_run_filter=runs_in_states(UNFINISHED)
            ):
                await self._client.set_flow_run_state(run.id, Crashed(message=KILLED), force=True)
        await self._end_tasks(nights)

    async def _end_tasks(self, nights: Any) -> None:
        """A task of a night that has ended is at work no more, whoever ended the night.

        Args:
            nights: Prefect's filter for the flow.
        """
        from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterState, TaskRunFilterStateType
        from prefect.client.schemas.objects import StateType
        from prefect.states import Crashed

        kinds = TaskRunFilterStateType(any_=[StateType(state) for state in UNFINISHED])
        unfinished = TaskRunFilter(state=TaskRunFilterState(type=kinds))
        for run in await self._client.read_task_runs(
            flow_filter=nights, flow_run_filter=runs_in_states(ENDED), task_run_filter=unfinished
        ):
            await self._client.set_task_run_state(run.id, Crashed(message=KILLED), force=True)

    async def tell(self) -> None:
        """Write down what is planned, what is late, and what does not work."""
        now = time.time()
        try:
            self.said.plans = await self._plans(now)
            self.said.trouble = self._failures.last(now) or self._unplanned(now)
        except Exception as error:  # whatever the server or the way to it does: it is told, and asked again
            self.said.trouble = f"Prefect does not answer: {' '.join(str(error).split())[:200]}"
        held = await asyncio.to_thread(lock_holder, self.place)
        self.said.busy = str(held["project"]) if held else ""
        schedule.write(self.place, self.said)

    async def _plans(self, now: float) -> dict[str, Plan]:
        plans = {name: Plan() for name in self.ids}
        names = {number: name for name, number in self.ids.items()}
        for run in await self._runs(list(names), ("SCHEDULED",)):
            plan, at = plans[names[run.deployment_id]], run.expected_start_time.timestamp()
            if at > now:
                plan.next = min(at, plan.next or at)
            else:
                plan.overdue = min(at, plan.overdue or at)
        return plans

    async def _runs(self, deployments: list[Any], states: tuple[str, ...]) -> list[Any]:
        asked = runs_in_states(states, deployments)
        return list(await self._client.read_flow_runs(flow_run_filter=asked)) if deployments else []

    def _unplanned(self, now: float) -> str:
        names = [name for name, plan in self.said.plans.items() if plan.next is None and plan.overdue is None]
        if not names or now - self.served < PLANNED_WITHIN:
            return ""
        named = ", ".join(f"`{name}`" for name in names)
        log = schedule.FOLDER / "prefect.log"
        return f"Prefect has planned no night of {named}: see {log}, and restart `nocturne up`"


class Failures:
    """Failures of Prefect's scheduler, as its log tells them: a line that names the service, and a traceback."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = log.stat().st_size if log.is_file() else 0
        self._told = ""
        self._at = 0.0

    def last(self, now: float) -> str:
        """The last failure, when it is recent; "" when there was none.

        Args:
            now: seconds since 1970.
        """
        if self._log.is_file():
            with open(self._log, "rb") as file:
                file.seek(self._read)
                text = file.read().decode(errors="replace")
                self._read = file.tell()
            if found := FAILURE.findall(text):
                self._told, self._at = f"Prefect's scheduler fails: {found[-1].strip()[:200]}", now
        return self._told if now - self._at < FAILED_WITHIN else ""


FAILURE = re.compile(r"ERROR[^\n]*schedule_(?:recent_)?deployments.*?\n([\w.]+(?:Error|Exception)[^\n]*)", re.DOTALL)


def cron_of(params: Params) -> Any:
    """The schedule as Prefect has it.

    Raises:
        NocturneError: Prefect does not know the expression.
    """
    from prefect.client.schemas.schedules import CronSchedule
    from prefect.schedules import Cron

    line, zone = params.schedule.cron, params.schedule.timezone
    try:
        CronSchedule(cron=line, timezone=zone)
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise NocturneError(f"Prefect does not take schedule.cron {line!r}: {reason}", "Correct params.yaml.") from None
    return Cron(line, timezone=zone)


def runs_in_states(states: tuple[str, ...], deployments: list[Any] | None = None) -> Any:
    """Prefect's filter for flow runs in these types of states, of these deployments or of any."""
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterDeploymentId,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType

    kinds = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType(state) for state in states]))
    of = FlowRunFilterDeploymentId(any_=deployments) if deployments is not None else None
    return FlowRunFilter(deployment_id=of, state=kinds)


def file_stamps(place: Path) -> list[tuple[int, int]]:
    """When the files of settings were written, and how long they are: what differs when one changed."""
    found = [file for file in settings_files(place) if file.is_file()]
    return [(file.stat().st_mtime_ns, file.stat().st_size) for file in found]


def serve() -> None:
    """Serve a deployment of the nightly flow for every project, as params.yaml has them at any time."""
    place = find_workspace()
    environment.prepare(place)
    asyncio.run(_serve(place, owns=OWNS in sys.argv))


async def _serve(place: Path, owns: bool) -> None:
    from prefect.client.orchestration import get_client
    from prefect.runner import Runner

    runner = Runner(name="nocturne", limit=1)  # nights of several projects wait for each other
    async with get_client() as client:
        deployments = Deployments(place, runner, client)
        await deployments.clear_up(owns)
        seen = file_stamps(place)
        await deployments.take_over(load_params(place))
        following = asyncio.create_task(deployments.follow(seen))
        try:
            await runner.start()
        finally:
            following.cancel()


if __name__ == "__main__":
    serve()
