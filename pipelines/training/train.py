"""One training by TRL: the same bytes for the same dataset, parameters, processes and threads, also when it was
interrupted."""

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines import progress
from pipelines.model.base import load_tokenizer
from pipelines.params import Training
from pipelines.records import Record, read_json, write_json
from pipelines.training import checkpoints, preflight
from pipelines.training.machine import GB, device_name, keep_rate, processes_of, this_machine, threads_of, with_past
from pipelines.training.mishaps import explained, is_out_of_memory
from pipelines.training.models import trainable
from pipelines.training.preflight import Plan
from pipelines.training.processes import Figures, together
from pipelines.training.rows import IGNORED, split_apart, tokenised
from pipelines.training.saving import save, take_over
from pipelines.training.shape import Shape, shape_of
from pipelines.training.stalls import Stalls
from pipelines.training.trainers import Data, completion_trainer, fix_threads

TUNED = "tuned"
PREFERRED = "preferred"
PLAN = "plan.json"
ENDED = "trained.json"
TELLING = 5  # steps from which their speed says something


@dataclass(frozen=True)
class Trained:
    """What one training did.

    Attributes:
        log: the loss of every update.
        steps: how many there were, and `planned` how many there could have been without early stopping.
        resumed_at: how many of them an earlier process made.
    """

    log: list[dict[str, float]]
    steps: int
    planned: int
    resumed_at: int
    tokens_per_second: float
    plan: Plan
    preferences: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """What is trained on what, where: the same in every attempt and every process.

    Attributes:
        data: tokenised examples.
        steps: updates.
        folder: where checkpoints of exactly this training are kept.
        begin_with: a folder with an adapter to go on from.
        past: where is remembered what an earlier training reached, to say how long this one will take.
    """

    params: Training
    workspace: Path
    shape: Shape
    tokenizer: Any
    data: Data
    steps: int
    folder: Path
    begin_with: Path | None
    past: Path | None = None


def train(
    examples: Sequence[Record],
    params: Training,
    workspace: Path,
    folder: Path,
    result: Path,
    run: Figures,
    begin_with: Path | None = None,
    pairs: Sequence[Record] = (),
    past: Path | None = None,
) -> Trained:
    """Train and write what was learned to the folder `result`, resuming the last whole checkpoint if there is one.

    Args:
        examples: dataset rows with `prompt` and `completion`.
        folder: where checkpoints of exactly this training are kept.
        run: where the metrics go while it runs.
        begin_with: a folder with an adapter to go on from.
        pairs: preferences to tune on afterwards.
        past: a folder in which is remembered how fast trainings go here.

    Raises:
        NocturneError: it does not fit this machine, an example cannot teach anything, or it failed on the way; what the
            last whole checkpoint holds is kept.
    """
    task = replace(_task(examples, params, workspace, folder, begin_with), past=past)
    done = until_it_fits(task, _plan(task), task.folder / PLAN, lambda plan: _attempt(task, plan, run))
    if pairs:
        from pipelines.training.preferences import prefer

        done = prefer(task, done, pairs, run)
    take_over(folder / (PREFERRED if pairs else TUNED), params, result)
    return done


def _task(examples: Sequence[Record], params: Training, workspace: Path, folder: Path, begin_with: Path | None) -> Task:
    shape = shape_of(params, workspace)
    preflight.check_disk(folder, shape, params)
    tokenizer = load_tokenizer(params.base_model, workspace)
    preflight.check_template(tokenizer, params.base_model)
    wanted, apart = split_apart(examples) if params.early_stopping_patience else (list(examples), [])
    rows, measured = (tokenised(some, tokenizer, shape.positions) for some in (wanted, apart))
    steps = min(params.max_steps, math.ceil(math.ceil(len(rows) / params.batch_size) * params.epochs))
    return Task(params, workspace, shape, tokenizer, Data(rows, measured), steps, folder, begin_with)


def _plan(task: Task) -> Plan:
    """What fits; a training that was interrupted goes on as it began, so that it ends in the same bytes."""
    file = task.folder / PLAN
    if file.is_file() and checkpoints.latest(task.folder) is not None:
        return Plan(**read_json(file))
    machine = this_machine(task.params.threads, processes_of(task.params))
    if task.past is not None:
        machine = with_past(machine, task.past, task.params.threads)
    load = preflight.load_of(task.data.rows, task.params.batch_size, task.steps, IGNORED)
    plan = preflight.planned(task.shape, task.params, machine, load)
    needed = preflight.memory(task.shape, task.params, machine, load, plan) / GB
    minutes = preflight.seconds(task.shape, task.params, machine, load, plan) / 60
    size = f"about {needed:.1f} of {machine.free / GB:.1f} GB" + (f" x {plan.processes}" if plan.processes > 1 else "")
    progress.report(0, task.steps, "steps", f"{size}, {minutes:,.0f} minutes")
    write_json(file, plan.facts())
    return plan


def until_it_fits(task: Task, plan: Plan, file: Path, attempt: Callable[[Plan], Trained]) -> Trained:
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
            smaller = plan.halved() if is_out_of_memory(error) else None
            if smaller is None:
                raise explained(error, task, plan) from error.__cause__
        # Only here is the failed attempt's model out of reach.
        plan = smaller
        write_json(file, plan.facts())
        _free()


def _free() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _attempt(task: Task, plan: Plan, run: Figures) -> Trained:
    folder, params = task.folder, task.params
    checkpoints.drop_unusable(folder)
    resumed = checkpoints.latest(folder)
    ended = folder / TUNED / ENDED
    if ended.is_file():  # it was killed after this: in preference tuning, or before the stage's last file
        kept = read_json(ended)
        return Trained(kept["log"], kept["steps"], task.steps, kept["steps"], 0.0, plan)
    threads = threads_of(params, plan.processes)
    done = together(plan.processes, threads, _tune, (task, plan, resumed), run)
    if task.past is not None and done.steps - done.resumed_at >= TELLING:
        rate = preflight.reached(task.shape, params, plan, done.tokens_per_second)
        keep_rate(task.past, device_name(), params.threads, rate, plan.processes)
    return done


def _tune(task: Task, plan: Plan, resumed: Path | None, run: Figures) -> Trained:
    """In each process; the first one writes what was learned."""
    from transformers import set_seed

    from pipelines.training.watching import Watch

    params = task.params
    fix_threads(threads_of(params, plan.processes))
    set_seed(params.seed)
    with Stalls() as stalls:
        watch = Watch(run, preflight.mean_tokens(task.data.rows) * params.batch_size, stalls)
        model = trainable(params, task.workspace, task.begin_with)
        trainer = completion_trainer(params, plan, model, task.tokenizer, task.folder, task.steps, task.data, watch)
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    steps = int(trainer.state.global_step)
    if trainer.is_world_process_zero():
        save(trainer.model, params, task.folder / TUNED, task.shape.stored)
        write_json(task.folder / TUNED / ENDED, {"log": watch.log, "steps": steps})
    first = checkpoints.step_of(resumed) if resumed else 0
    return Trained(watch.log, steps, task.steps, first, watch.tokens_per_second, plan)
