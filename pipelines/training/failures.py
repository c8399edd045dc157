"""What can go wrong while a training runs, as errors that say what is kept and what to do."""

import errno
import shutil
from pathlib import Path

from pipelines.config.schema import Training
from pipelines.errors import NocturneError
from pipelines.registry.tracking import LiveRun
from pipelines.training import checkpoints
from pipelines.training.artifacts import take_result
from pipelines.training.hardware import GB
from pipelines.training.preflight import Plan, checkpoint_bytes
from pipelines.training.task import Task

FULL = (errno.ENOSPC, errno.EDQUOT)
WORDS = ("no space left on device", "os error 28", "disk quota exceeded")


class Diverged(NocturneError):
    """The loss or its gradient became no number."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or on a CPU; accelerate knows how the devices say so."""
    import torch
    from accelerate.utils.memory import should_reduce_batch_size

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, Exception) and should_reduce_batch_size(error)


def is_disk_full(error: BaseException, folder: Path) -> bool:
    """Whether writing failed for want of space; torch and safetensors raise errors of their own without a number."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in FULL:
            return True
        if any(words in str(cause).lower() for words in WORDS):
            return True
        cause = cause.__cause__ or cause.__context__
    wrote = "write" in str(error).lower() or "stream" in str(error).lower()
    return wrote and shutil.disk_usage(folder).free < 1 << 20


def explain_failure(error: Exception, task: Task, plan: Plan) -> Exception:
    """The same error in two parts when it is one of those that nights meet, else itself."""
    last = checkpoints.latest_checkpoint(task.folder)
    goes_on = f"goes on from step {checkpoints.step_of(last)}" if last else "begins again"
    if is_out_of_memory(error):
        return NocturneError(
            f"Memory ran out with {plan.micro_batch} example at a time ({task.params.base_model}, {task.params.mode}).",
            "Close other programs, or choose training.mode qlora, a smaller training.base_model or a lower "
            f"dataset.max_example_tokens; the next night {goes_on}.",
        )
    if is_disk_full(error, task.folder):
        free = shutil.disk_usage(task.folder).free
        return NocturneError(
            f"The disk of {task.folder} is full: {free / GB:.2f} GB are free, a checkpoint takes about "
            f"{checkpoint_bytes(task.shape) / GB:.2f} GB.",
            f"Free some space and run `nocturne nightly` again; it {goes_on}.",
        )
    return error


def keep_best_checkpoint(error: Diverged, folder: Path, params: Training, live: LiveRun) -> NocturneError:
    """Keep what the best whole checkpoint holds in MLflow, as the candidate that this training had before it failed.

    Returns:
        The error, which says where it is.
    """
    checkpoint = checkpoints.best_checkpoint(folder)
    if checkpoint is None:
        return error
    candidate = folder.with_name(f"{folder.name}-candidate")
    take_result(checkpoint, params, candidate)
    live.keep(candidate, "candidate")
    shutil.rmtree(candidate)
    step = checkpoints.step_of(checkpoint)
    return NocturneError(
        error.fact,
        f"{error.next_step} What was learned until step {step} is kept in MLflow, in the folder `candidate` of the run "
        f"`{live.name}`.",
    )
