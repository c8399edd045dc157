"""Work in several processes gives the same results in the same order, and a death is told with the file's name."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest
from conftest import ROOT

from pipelines.errors import NocturneError
from pipelines.extraction.workers import WORTH_A_START, Task, Workers

MUCH = WORTH_A_START + 1


def doubled(number: int) -> dict:
    return {"number": number * 2, "process": os.getpid()}


def die() -> dict:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def tasks(count: int) -> list[Task[int]]:
    return [Task(n, f"{n}.py", partial(doubled, n) if n % 3 else None) for n in range(count)]


def test_results_come_in_order_whoever_made_them():
    with Workers(2, MUCH) as workers:
        found = [(about, result and result["number"]) for about, result in workers.results(tasks(40))]
    assert found == [(n, n * 2 if n % 3 else None) for n in range(40)]


def test_little_work_starts_no_process():
    with Workers(2, WORTH_A_START) as workers:
        made = {result["process"] for _, result in workers.results(tasks(10)) if result}
    assert made == {os.getpid()}
    with Workers(2, MUCH) as workers:
        assert os.getpid() not in {result["process"] for _, result in workers.results(tasks(10)) if result}


def test_only_a_few_tasks_are_taken_ahead():
    taken = []
    with Workers(2, MUCH) as workers:
        results = workers.results(taken.append(task) or task for task in tasks(100))
        next(results)
    assert 0 < len(taken) <= 8


def test_a_worker_that_dies_names_the_file_and_no_other():
    work = [*tasks(5), Task(5, "deep/killer.py", die), *tasks(5)]
    got = []
    with pytest.raises(NocturneError, match=r"deep/killer\.py") as caught, Workers(2, MUCH) as workers:
        got.extend(about for about, _ in workers.results(work))
    assert got == [0, 1, 2, 3, 4]
    assert "snapshot.exclude" in caught.value.next_step


SLEEPER = """
import os, time
from functools import partial
from pipelines.extraction.workers import WORTH_A_START, Task, Workers

if __name__ == "__main__":
    with Workers(2, WORTH_A_START + 1) as workers:
        print("started", flush=True)
        for _ in workers.results(Task(n, "", partial(time.sleep, {seconds})) for n in range(1000)):
            print("one", flush=True)
"""


@pytest.mark.parametrize(("sent", "seconds"), [(signal.SIGINT, 0.2), (signal.SIGKILL, 60)])
def test_an_end_of_the_parent_is_the_end_of_every_worker(tmp_path, sent, seconds):
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER.format(seconds=seconds))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    until = time.monotonic() + 60
    while len(children := psutil.Process(parent.pid).children(recursive=True)) < 3 and time.monotonic() < until:
        time.sleep(0.1)  # two workers and the tracker of resources
    assert len(children) >= 3
    parent.send_signal(sent)
    assert parent.wait(60) != 0
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
