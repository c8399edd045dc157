"""Two processes that share each update: what they learn, what reaches the one that waits, and that none is left."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from conftest import ROOT
from small_training import PARAMS, Recorded

from pipelines import progress
from pipelines.errors import NocturneError
from pipelines.records import tree_sha256
from pipelines.training.machine import processes_of
from pipelines.training.mishaps import Diverged, is_disk_full
from pipelines.training.processes import Killed, together

pytest_plugins = ["small_training"]

TWO = {"processes": 2, "threads": 2}


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


def raising(error):
    def happens():
        raise error

    return happens
