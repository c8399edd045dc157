"""Training again with smaller parts of a batch when memory runs out."""

import gc
from collections.abc import Callable
from pathlib import Path

from pipelines.records import write_json
from pipelines.training.failures import explain_failure, is_out_of_memory
from pipelines.training.preflight import Plan
from pipelines.training.task import Task, Trained


def retry_on_oom(task: Task, plan: Plan, file: Path, attempt: Callable[[Plan], Trained]) -> Trained:
    """Train; when memory runs out all the same, halve the micro-batch and go on from the last whole checkpoint.

    Args:
        file: where the plan is kept for a training that is resumed.

    Raises:
        NocturneError: memory or the disk ran out for good.
    """
    while True:
        smaller = None
        try:
            return attempt(plan)
        except Exception as error:
            smaller = plan.with_half_micro_batch() if is_out_of_memory(error) else None
            if smaller is None:
                raise explain_failure(error, task, plan) from error.__cause__
        # Only here is the failed attempt's model out of reach.
        plan = smaller
        write_json(file, plan.facts())
        _free()


def _free() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
