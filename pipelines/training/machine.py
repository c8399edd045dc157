"""What this machine can give a training: memory that is free now, and how fast it multiplies matrices."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.records import read_json, write_json

GB = 1e9
PROCESS = 0.9 * GB  # Python with torch, transformers and TRL imported
CPU_SHARE, GPU_SHARE = 0.5, 0.35  # of the rate of a plain matrix product that a training reaches, where none is known
REACHED = "training-rate.json"  # what the last training reached; in a project's cache, for it changes no result


@dataclass(frozen=True)
class Machine:
    """One process's device.

    Attributes:
        name: for people.
        gpu: whether it is one; else the CPU.
        bf16: whether it computes in bfloat16.
        total, free: bytes of its memory.
        rate: floating-point operations a second that a training reaches.
        process: bytes that the process takes of that memory before it has a model.
    """

    name: str
    gpu: bool
    bf16: bool
    total: int
    free: int
    rate: float
    process: float


def this_machine(threads: int) -> Machine:
    """Look at the GPU of this process, or at the CPU when there is none. Takes a tenth of a second."""
    import torch

    if torch.cuda.is_available():
        return _gpu(torch)
    import psutil

    memory = psutil.virtual_memory()
    torch.set_num_threads(threads)
    rate = CPU_SHARE * _rate(torch, "cpu", torch.float32, 512)
    return Machine(device_name(), False, False, memory.total, memory.available, rate, PROCESS)


def keep_rate(cache: Path, name: str, threads: int, rate: float) -> None:
    """Remember how many operations a second a training has reached on the machine of this name."""
    write_json(cache / REACHED, {"machine": name, "threads": threads, "rate": rate})


def with_past(machine: Machine, cache: Path, threads: int) -> Machine:
    """The machine with the rate that the project's last training reached on it; as it is when none is known.

    A product of large matrices says too much: a small model spends its time between them, and a busy machine shares.
    """
    known = read_json(cache / REACHED) if (cache / REACHED).is_file() else {}
    same = (known.get("machine"), known.get("threads")) == (machine.name, threads)
    return replace(machine, rate=float(known["rate"])) if same else machine


def _gpu(torch: Any) -> Machine:
    free, total = torch.cuda.mem_get_info(0)
    bf16 = torch.cuda.is_bf16_supported()
    dtype = torch.bfloat16 if bf16 else torch.float32
    rate = GPU_SHARE * _rate(torch, "cuda:0", dtype, 4096)
    return Machine(device_name(), True, bf16, total, free, rate, 0.6 * GB)


def device_name() -> str:
    """What a person calls the device that trains."""
    import torch

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "the CPU"


def use_one_gpu() -> None:
    """Let this process see one GPU, the first unless the user named others: with several, transformers would copy the
    model to each (DataParallel), which TRL refuses. Takes effect before CUDA is first used."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[0]


def _rate(torch: Any, device: str, dtype: Any, size: int) -> float:
    """Operations a second of a square matrix product, the best of a few."""
    one = torch.ones(size, size, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        product = one @ one
        if device != "cpu":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - began)
    del product
    return float(2 * size**3 / best)
