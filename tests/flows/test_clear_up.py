"""What a killed `up` left in Prefect is ended by the next one: on a real server, without a night."""

import asyncio

import pytest
from prefect.client.orchestration import get_client
from prefect.states import Completed, Crashed, Running
from prefect.testing.utilities import prefect_test_harness

from flows.deployments import Deployments
from flows.nightly import build, nightly


@pytest.fixture(scope="module")
def server():
    with prefect_test_harness(server_startup_timeout=120):
        yield


async def states_after_clear_up(place, night, *tasks):
    """The states of a night's run and of its tasks' runs that were so when `up` was killed."""
    async with get_client() as client:
        flow_run = await client.create_flow_run(nightly, parameters={"name": "moon"}, state=night)
        task_runs = [
            await client.create_task_run(build, flow_run.id, dynamic_key=str(number), state=state)
            for number, state in enumerate(tasks)
        ]
        await Deployments(place, None, client).clear_up(owns=True)
        found = [await client.read_flow_run(flow_run.id), *[await client.read_task_run(run.id) for run in task_runs]]
        return [run.state.name for run in found]


def test_a_killed_night_leaves_no_task_running(server, tmp_path):
    states = asyncio.run(states_after_clear_up(tmp_path, Running(), Completed(), Running()))
    assert states == ["Crashed", "Completed", "Crashed"]


def test_a_night_that_prefect_has_ended_leaves_no_task_running_either(server, tmp_path):
    states = asyncio.run(states_after_clear_up(tmp_path, Crashed(), Running()))
    assert states == ["Crashed", "Crashed"]
