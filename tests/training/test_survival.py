"""What a training survives: being killed at any point, too little memory, a full disk, a diverging loss, a hang."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
from conftest import ROOT
from small_training import PARAMS, Recorded

from pipelines.errors import NocturneError
from pipelines.lm.adapter_manifest import read_manifest
from pipelines.records import tree_sha256
from pipelines.training import checkpoints, sft
from pipelines.training.failures import Diverged, keep_best_checkpoint
from pipelines.training.watchdog import Watchdog

pytest_plugins = ["small_training"]


def raising(error):
    """A call that raises this."""

    def happens(*_):
        raise error

    return happens


@pytest.mark.parametrize(("killed_at", "goes_on_from"), [(2, 0), (5, 3), (8, 6)])
def test_killed_at_any_step_it_ends_in_the_same_adapter(
    trained, examples, uninterrupted, tmp_path, killed_at, goes_on_from
):
    done, adapter = uninterrupted
    with contextlib.suppress(KeyboardInterrupt):
        trained(examples, tmp_path, Recorded({killed_at: raising(KeyboardInterrupt)}))
    assert not (tmp_path / "adapter").exists()
    resumed = trained(examples, tmp_path)
    assert resumed.resumed_at == goes_on_from
    assert (resumed.steps, resumed.log) == (done.steps, done.log)
    assert tree_sha256(tmp_path / "adapter") == tree_sha256(adapter)


def test_killed_in_a_later_pass_over_the_examples_it_takes_up_the_order_of_that_pass(trained, examples, tmp_path):
    few = examples[:9]
    done = trained(few, tmp_path / "whole")
    with contextlib.suppress(KeyboardInterrupt):
        trained(few, tmp_path, Recorded({5: raising(KeyboardInterrupt)}), checkpoint_steps=4)
    resumed = trained(few, tmp_path, checkpoint_steps=4)
    assert (resumed.resumed_at, resumed.log) == (4, done.log)
    assert tree_sha256(tmp_path / "adapter") == tree_sha256(tmp_path / "whole" / "adapter")


def test_killed_while_a_checkpoint_is_written_it_goes_on_from_the_one_before(
    trained, examples, uninterrupted, tmp_path, monkeypatch
):
    _, adapter = uninterrupted

    def torn(checkpoint):
        if checkpoint.name == "checkpoint-6":
            (checkpoint / "optimizer.pt").write_bytes(b"half")
            raise KeyboardInterrupt
        seal(checkpoint)

    seal = checkpoints.seal_checkpoint
    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(checkpoints, "seal_checkpoint", torn)
        trained(examples, tmp_path)
    assert (tmp_path / "checkpoints" / "checkpoint-6").is_dir()
    assert trained(examples, tmp_path).resumed_at == 3
    assert tree_sha256(tmp_path / "adapter") == tree_sha256(adapter)


def test_killed_after_its_last_checkpoint_it_makes_no_step_more(
    trained, examples, uninterrupted, tmp_path, monkeypatch
):
    done, adapter = uninterrupted
    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(sft, "save_result", raising(KeyboardInterrupt))
        trained(examples, tmp_path)
    assert checkpoints.latest_checkpoint(tmp_path / "checkpoints").name == "checkpoint-8"
    resumed = trained(examples, tmp_path)
    assert (resumed.steps, resumed.resumed_at, resumed.log) == (8, 6, done.log)
    assert tree_sha256(tmp_path / "adapter") == tree_sha256(adapter)


def test_killed_it_stops_as_early_as_it_would_have(trained, examples, tmp_path):
    settings = {"early_stopping_patience": 2, "learning_rate": 0.03, "max_steps": 20, "checkpoint_steps": 2}
    done = trained(examples, tmp_path / "whole", **settings)
    killed_at = done.steps - 1  # once the loss has not fallen
    with contextlib.suppress(KeyboardInterrupt):
        trained(examples, tmp_path, Recorded({killed_at: raising(KeyboardInterrupt)}), **settings)
    resumed = trained(examples, tmp_path, **settings)
    assert 0 < resumed.resumed_at < resumed.steps == done.steps < done.planned
    assert tree_sha256(tmp_path / "adapter") == tree_sha256(tmp_path / "whole" / "adapter")


def test_a_process_killed_for_good_leaves_checkpoints_that_end_in_the_same_adapter(
    base, trained, examples, uninterrupted, tmp_path
):
    _, adapter = uninterrupted
    (tmp_path / "examples.json").write_text(json.dumps(examples))
    code = (
        "import json, os, signal, sys\nfrom pathlib import Path\n"
        "from small_training import Recorded, train_in\n"
        "folder = Path(sys.argv[1])\nkill = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        "examples = json.loads((folder / 'examples.json').read_text())\n"
        "train_in(sys.argv[2], examples, folder, Recorded({5: kill}))\n"
    )
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests", ROOT / "tests" / "training")))
    environ = {**os.environ, "PYTHONPATH": path}
    killed = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), base], env=environ, capture_output=True, timeout=300
    )
    assert killed.returncode == -signal.SIGKILL
    assert trained(examples, tmp_path).resumed_at == 3
    assert tree_sha256(tmp_path / "adapter") == tree_sha256(adapter)


def test_out_of_memory_halves_what_goes_through_at_once_and_learns_the_same(trained, examples, uninterrupted, tmp_path):
    done, _ = uninterrupted
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    run = Recorded({5: raising(full)})
    smaller = trained(examples, tmp_path, run)
    assert (smaller.plan.micro_batch, smaller.plan.accumulation) == (2, 2)
    assert run.steps == [1, 2, 3, 4, 5, 4, 5, 6, 7, 8]
    assert [entry["loss"] for entry in smaller.log] == pytest.approx([entry["loss"] for entry in done.log], rel=1e-3)


def test_one_example_that_does_not_fit_is_an_error_that_says_where_it_goes_on(trained, examples, tmp_path):
    full = RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: 9 bytes")
    with pytest.raises(NocturneError, match="Memory ran out with 1 example") as error:
        trained(examples, tmp_path, Recorded({4: raising(full)}), batch_size=1)
    assert "goes on from step 3" in error.value.next_step


def test_a_full_disk_ends_it_with_what_is_free_and_keeps_the_last_checkpoint(trained, examples, tmp_path, monkeypatch):
    def full(checkpoint):
        if checkpoint.name == "checkpoint-6":
            raise OSError(errno.ENOSPC, "No space left on device")
        seal(checkpoint)

    seal = checkpoints.seal_checkpoint
    monkeypatch.setattr(checkpoints, "seal_checkpoint", full)
    with pytest.raises(NocturneError, match=r"is full: .* GB are free, a checkpoint takes about 0\.0. GB") as error:
        trained(examples, tmp_path)
    assert "goes on from step 3" in error.value.next_step


def test_a_loss_that_becomes_no_number_ends_it_and_the_best_checkpoint_is_kept_as_a_candidate(
    trained, examples, tmp_path
):
    run = Recorded()
    with pytest.raises(Diverged, match=r"became (nan|inf) at step") as error:
        trained(examples, tmp_path, run, learning_rate=1e30, warmup_share=0.0, checkpoint_steps=1)
    assert "training.learning_rate" in error.value.next_step
    said = keep_best_checkpoint(error.value, tmp_path / "checkpoints", PARAMS, run)
    assert run.kept == [("candidate", ["adapter_config.json", "adapter_model.safetensors", "learned.json"])]
    assert "kept in MLflow" in said.next_step


def test_a_step_that_hangs_ends_it_with_how_long_steps_usually_take(trained, examples, tmp_path, monkeypatch):
    monkeypatch.setattr(sft, "Watchdog", partial(Watchdog, least=4.0, factor=8.0))
    began = time.monotonic()
    with pytest.raises(NocturneError, match="Training stalled: step 6 of this run") as error:
        trained(examples, tmp_path, Recorded({5: partial(time.sleep, 120)}))
    assert time.monotonic() - began < 100
    assert "last whole checkpoint" in error.value.next_step
    assert checkpoints.latest_checkpoint(tmp_path / "checkpoints").name == "checkpoint-3"


def test_a_process_that_hangs_in_native_code_is_killed_after_a_grace():
    code = (
        "import hashlib\nfrom pipelines.training.watchdog import Watchdog\n"
        "with Watchdog(least=0.2, first=0.2, grace=0.2):\n"
        "    hashlib.pbkdf2_hmac('sha256', b'a', b'b', 2**31 - 1)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert b"pbkdf2" in killed.stderr or b"File" in killed.stderr


def test_a_training_stops_when_files_held_apart_are_no_longer_learned_and_its_best_checkpoint_is_the_result(
    trained, examples, tmp_path
):
    settings = {"early_stopping_patience": 1, "learning_rate": 0.05, "max_steps": 30, "checkpoint_steps": 2}
    done = trained(examples, tmp_path, **settings)
    measured = {entry["step"]: entry["eval_loss"] for entry in done.log if "eval_loss" in entry}
    assert done.steps < done.planned == 30
    best = min(measured, key=measured.get)
    assert best < done.steps
    checkpoint = checkpoints.best_checkpoint(tmp_path / "checkpoints")
    assert checkpoints.step_of(checkpoint) == best
    weights = "adapter_model.safetensors"
    assert (tmp_path / "adapter" / weights).read_bytes() == (checkpoint / weights).read_bytes()
    assert read_manifest(tmp_path / "adapter").kind == "adapter"
