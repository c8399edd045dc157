"""Two processes that share each update: what they learn, what reaches the one that waits, and that none is left."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

import crews
import psutil
import pytest
import torch
from conftest import ROOT
from small_training import PARAMS, Recorded

from pipelines import progress
from pipelines.dag.stage import load
from pipelines.errors import NocturneError
from pipelines.records import read_json, tree_sha256
from pipelines.training import checkpoints
from pipelines.training.failures import Diverged, is_disk_full, is_out_of_memory
from pipelines.training.hardware import processes_of
from pipelines.training.launcher import Killed, run_processes

pytest_plugins = ["small_training"]

TWO = {"processes": 2, "threads": 2}


def raising(error):
    """A call that raises this."""

    def happens():
        raise error

    return happens


def losses(log):
    return [entry["loss"] for entry in log]


@pytest.fixture(scope="module")
def odd(examples):
    """Nine examples: updates of four end in one that two processes cannot share."""
    return examples[:9]


@pytest.fixture(scope="module")
def shared(trained, odd, tmp_path_factory):
    """What two processes learned that nothing disturbed: its facts, its folder, and what they told."""
    folder, run = tmp_path_factory.mktemp("shared"), Recorded()
    return trained(odd, folder, run, **TWO), folder, run


def test_two_processes_learn_what_one_learns_update_by_update(trained, odd, shared, tmp_path):
    one = trained(odd, tmp_path)
    two, _, run = shared
    assert (two.plan.micro_batch, two.plan.accumulation, two.plan.processes) == (2, 1, 2)
    assert losses(two.log) == pytest.approx(losses(one.log), rel=1e-4)
    norms = [[entry["grad_norm"] for entry in done.log] for done in (one, two)]
    assert norms[1] == pytest.approx(norms[0], rel=1e-3)
    assert run.steps == list(range(1, 9))


def test_killed_in_a_later_pass_two_processes_end_in_the_same_adapter(trained, odd, shared, tmp_path):
    done, folder, _ = shared
    with contextlib.suppress(KeyboardInterrupt):
        trained(odd, tmp_path, Recorded({6: raising(KeyboardInterrupt())}), **TWO)
    assert not (tmp_path / "adapter").exists()
    saved = tmp_path / "checkpoints" / "checkpoint-3"
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= {file.name for file in saved.iterdir()}
    resumed = trained(odd, tmp_path, **TWO)
    assert resumed.resumed_at in (3, 6)
    assert resumed.log == done.log
    assert tree_sha256(tmp_path / "adapter") == tree_sha256(folder / "adapter")


def test_memory_that_runs_out_halves_what_each_process_takes_and_they_learn_the_same(trained, odd, shared, tmp_path):
    done, _, _ = shared
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    smaller = trained(odd, tmp_path, Recorded({5: raising(full)}), **TWO)
    assert (smaller.plan.micro_batch, smaller.plan.accumulation, smaller.plan.processes) == (1, 2, 2)
    assert losses(smaller.log) == pytest.approx(losses(done.log), rel=1e-3)


def test_a_loss_that_becomes_no_number_in_two_processes_is_the_error_it_is_in_one(trained, odd, tmp_path):
    with pytest.raises(Diverged, match=r"became (nan|inf) at step") as error:
        trained(odd, tmp_path, learning_rate=1e30, warmup_share=0.0, checkpoint_steps=1, **TWO)
    assert "training.learning_rate" in error.value.next_step
    assert checkpoints.latest_checkpoint(tmp_path / "checkpoints") is not None


def test_two_processes_prefer_what_one_prefers(trained, odd, shared, tmp_path):
    _, folder, _ = shared
    pairs = [
        {"prompt": e["prompt"], "chosen": e["completion"], "rejected": "    pass\n", "tokens": 60} for e in odd[:8]
    ]
    preferred = []
    for name, processes in (("one", {}), ("two", TWO)):
        shutil.copytree(folder / "checkpoints", tmp_path / name / "checkpoints")
        (tmp_path / name / "checkpoints" / "plan.json").unlink()
        preferred.append(trained(odd, tmp_path / name, pairs=pairs, **processes).preferences)
    one, two = preferred
    for key in ("loss", "rewards/margins"):
        assert [entry[key] for entry in two] == pytest.approx([entry[key] for entry in one], abs=1e-5)
    assert two[-1]["rewards/margins"] > 0


def test_a_night_says_how_many_processes_trained_and_its_checkpoints_are_of_so_many(night, values):
    reports, identities = [], []
    for processes in ({"processes": 1}, TWO):
        with progress.show_progress(reports.append):
            facts = load("training").run(night, values(**processes))
        said = read_json(night.path("training", "training.json"))
        identities.append(said["identity"])
    assert (facts["processes"], said["plan"]["processes"]) == (2, 2)
    assert identities[0] != identities[1]
    assert [(step.done, step.total) for step in reports][-2:] == [(1, 2), (2, 2)]


def test_several_processes_are_one_group_on_this_machine_alone_and_the_first_one_speaks():
    run, reports = Recorded(), []
    with progress.show_progress(reports.append):
        total, process, threads, listening, offline = run_processes(2, 1, crews.summing, (10,), run)
    assert (total, threads) == (21, 1)
    assert process != os.getpid()
    assert not psutil.pid_exists(process)
    assert listening <= {"127.0.0.1", "::1"}
    assert offline == ("1", "1")
    assert sorted(step.done for step in reports) == [0, 1]
    assert run.steps == [1, 1]


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ("memory", torch.OutOfMemoryError, "out of memory"),
        ("disk", RuntimeError, "write failed"),
        ("known", NocturneError, "It stalled"),
        ("strange", RuntimeError, "Strange: strange"),
        ("kill", Killed, "Process 2 of the 2 that train together was killed by SIGKILL"),
        ("leave", Killed, "ended by itself .exit code 3."),
    ],
)
def test_what_fails_in_one_process_is_the_error_here_and_no_process_is_left(how, kind, said):
    with pytest.raises(kind, match=said) as error:
        run_processes(2, 1, crews.failing, (how,), Recorded())
    assert is_out_of_memory(error.value) == (how == "memory")
    assert is_disk_full(error.value, ROOT) == (how == "disk")
    assert not [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_one_that_waits_ends_the_others(tmp_path, number):
    code = (
        "import sys\nfrom pathlib import Path\nimport crews\nfrom pipelines.training.launcher import run_processes\n"
        "if __name__ == '__main__':\n    run_processes(2, 1, crews.waiting, (Path(sys.argv[1]),), None)\n"
    )
    (tmp_path / "wait.py").write_text(code)
    (tmp_path / "there").mkdir()
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "training")))
    command = [sys.executable, str(tmp_path / "wait.py"), str(tmp_path / "there")]
    parent = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL)
    until(lambda: parent.poll() is not None or len(list((tmp_path / "there").iterdir())) == 2)
    assert parent.poll() is None
    children = [psutil.Process(int(file.name)) for file in (tmp_path / "there").iterdir()]
    parent.send_signal(number)
    parent.wait(60)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []


def until(there):
    """Wait for it; a machine that is busy takes long to start two processes."""
    ends = time.monotonic() + 240
    while not there():
        assert time.monotonic() < ends
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("gpus", "processes", "batch", "count"),
    [(0, "auto", 16, 1), (4, "auto", 16, 4), (3, "auto", 16, 2), (5, "auto", 7, 1), (0, 2, 16, 2), (4, 2, 16, 2)],
)
def test_a_process_for_each_gpu_as_far_as_they_share_a_batch_equally(monkeypatch, gpus, processes, batch, count):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    wanted = {"processes": processes, "batch_size": batch, "threads": 2}
    assert processes_of(PARAMS.model_copy(update=wanted)) == count


@pytest.mark.parametrize(
    ("gpus", "why"), [(2, "2 GPUs are visible"), (0, "training.threads is 3, and there is no GPU")]
)
def test_more_processes_than_gpus_or_threads_are_refused(monkeypatch, gpus, why):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(NocturneError, match=f"training.processes is 4, and {why}") as error:
        processes_of(PARAMS.model_copy(update={"processes": 4, "threads": 3}))
    assert f"{gpus or 3} or less" in error.value.next_step
