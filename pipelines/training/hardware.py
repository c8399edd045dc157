"""What this machine can give a training: processes, memory that is free now, and how fast it multiplies matrices."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.config.schema import Training
from pipelines.errors import NocturneError
from pipelines.records import read_json, write_json

GB = 1e9
PROCESS = 0.9 * GB  # Python with torch, transformers and TRL imported
CPU_SHARE, GPU_SHARE = 0.5, 0.35  # of the rate of a plain matrix product that a training reaches, where none is known
REACHED = "training-rate.json"  # what the last training reached; in a project's cache, for it changes no result


@dataclass(frozen=True)
class Machine:
    """What each process of a training has: a GPU of its own, or its share of the CPU.

    Attributes:
        name: for people.
        gpu: whether it is one; else the CPU.
        bf16: whether it computes in bfloat16.
        total: bytes of the device's memory.
        free: bytes of it that one process may take.
        rate: floating-point operations a second that one process reaches in a training.
        process: bytes that a process takes of that memory before it has a model.
        processes: how many train together.
    """

    name: str
    gpu: bool
    bf16: bool
    total: int
    free: int
    rate: float
    process: float
    processes: int = 1


def processes_of(params: Training) -> int:
    """How many processes `training.processes` means here. `auto`: one for each GPU that is visible, or as many fewer as
    divide `training.batch_size`; one on a CPU.

    Raises:
        NocturneError: there are not so many GPUs or threads.
    """
    import torch

    gpus = torch.cuda.device_count()
    if params.processes == "auto":
        return max(count for count in range(1, max(gpus, 1) + 1) if params.batch_size % count == 0)
    if params.processes > (gpus or params.threads):
        room = f"{gpus} GPUs are visible" if gpus else f"training.threads is {params.threads}, and there is no GPU"
        raise NocturneError(
            f"training.processes is {params.processes}, and {room}: each process needs one.",
            f"Set training.processes in params.local.yaml to auto, or to {gpus or params.threads} or less.",
        )
    return params.processes


def threads_of(params: Training, processes: int) -> int:
    """The share of `training.threads` that each of so many processes has."""
    return max(params.threads // processes, 1)


def this_machine(threads: int, processes: int = 1) -> Machine:
    """Look at the GPUs, or at the CPU when there is none. Takes a tenth of a second.

    Args:
        threads: of all processes together.
        processes: how many train together, one on each GPU, or all on the CPU.
    """
    import torch

    if torch.cuda.is_available():
        return _gpu(torch, processes)
    import psutil

    memory = psutil.virtual_memory()
    torch.set_num_threads(max(threads // processes, 1))
    rate = CPU_SHARE * _rate(torch, "cpu", torch.float32, 512)
    return Machine(device_name(), False, False, memory.total, memory.available // processes, rate, PROCESS, processes)


def keep_rate(cache: Path, name: str, threads: int, rate: float, processes: int = 1) -> None:
    """Remember how many operations a second each process of a training has reached on the machine of this name."""
    write_json(cache / REACHED, {"machine": name, "threads": threads, "processes": processes, "rate": rate})


def with_measured_rate(machine: Machine, cache: Path, threads: int) -> Machine:
    """The machine with the rate that the project's last training reached on it; as it is when none is known.

    A product of large matrices says too much: a small model spends its time between them, and a busy machine shares.
    """
    known = read_json(cache / REACHED) if (cache / REACHED).is_file() else {}
    kept = tuple(known.get(key) for key in ("machine", "threads", "processes"))
    same = kept == (machine.name, threads, machine.processes)
    return replace(machine, rate=float(known["rate"])) if same else machine


def _gpu(torch: Any, processes: int) -> Machine:
    """The fullest of the GPUs that are used."""
    free, total = min(torch.cuda.mem_get_info(device) for device in range(processes))
    bf16 = torch.cuda.is_bf16_supported()
    dtype = torch.bfloat16 if bf16 else torch.float32
    rate = GPU_SHARE * _rate(torch, "cuda:0", dtype, 4096)
    return Machine(device_name(), True, bf16, total, free, rate, 0.6 * GB, processes)


def device_name() -> str:
    """What a person calls the device that trains."""
    import torch

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "the CPU"


def use_one_gpu() -> None:
    """Let a training in one process see one GPU, the first unless the user named others: with several, transformers
    would copy the model to each (DataParallel), which TRL refuses. Takes effect before CUDA is first used."""
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
