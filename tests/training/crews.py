"""What processes do in tests of how they are started: each is found by its name in a process that begins anew."""

import errno
import os
import signal
import time

import psutil
import torch
from torch import distributed

from pipelines import progress
from pipelines.errors import NocturneError


def rank():
    return int(os.environ["RANK"])


def summing(number, run):
    """Sums over the processes, and what each has been given."""
    run.metrics({"loss": float(rank())}, 1)
    progress.report(rank(), 2, "steps")
    value = torch.tensor([number + rank()])
    distributed.all_reduce(value)
    listening = {c.laddr.ip for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN}
    offline = os.environ["HF_HUB_OFFLINE"], os.environ["DO_NOT_TRACK"]
    return int(value), os.getpid(), torch.get_num_threads(), listening, offline


def failing(how, run):
    """The second fails, while the first waits for it and so fails as well."""
    if rank() == 0:
        distributed.barrier()
    if how == "memory":
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    if how == "disk":
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as full:
            raise RuntimeError("write failed") from full
    if how == "known":
        raise NocturneError("It stalled.", "Look at it.")
    if how == "strange":
        raise Strange(1, 2)
    if how == "leave":
        os._exit(3)
    os.kill(os.getpid(), signal.SIGKILL)


class Strange(Exception):
    """Cannot be made again from what pickle keeps of it."""

    def __init__(self, one, two):
        super().__init__("strange")


def waiting(folder, run):
    """Says that it is there, and waits for ever: the first in Python, the second in native code."""
    (folder / str(os.getpid())).touch()
    if rank() == 0:
        time.sleep(600)
    distributed.barrier()
