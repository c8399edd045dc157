"""One training by TRL: the same bytes for the same dataset, parameters, processes and threads, also when it was
interrupted."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipelines import progress
from pipelines.config.schema import Training
from pipelines.lm.base_model import load_tokenizer
from pipelines.records import Record, read_json, write_json
from pipelines.training import checkpoints, preflight
from pipelines.training.artifacts import take_result
from pipelines.training.hardware import GB, processes_of, this_machine, with_measured_rate
from pipelines.training.launcher import SupportsMetrics
from pipelines.training.model_size import model_size_of
from pipelines.training.preflight import Plan
from pipelines.training.retry import retry_on_oom
from pipelines.training.sft import fine_tune
from pipelines.training.task import PLAN, PREFERRED, TUNED, Task, Trained
from pipelines.training.tokenize import IGNORED, split_apart, tokenize_examples
from pipelines.training.trainer_config import Data
from pipelines.wording import format_count


def train(
    examples: Sequence[Record],
    params: Training,
    workspace: Path,
    folder: Path,
    result: Path,
    run: SupportsMetrics,
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
    done = retry_on_oom(task, _plan(task), task.folder / PLAN, lambda plan: fine_tune(task, plan, run))
    if pairs:
        from pipelines.training.dpo import tune_on_pairs

        done = tune_on_pairs(task, done, pairs, run)
    take_result(folder / (PREFERRED if pairs else TUNED), params, result)
    return done


def _task(examples: Sequence[Record], params: Training, workspace: Path, folder: Path, begin_with: Path | None) -> Task:
    shape = model_size_of(params, workspace)
    preflight.check_disk(folder, shape, params)
    tokenizer = load_tokenizer(params.base_model, workspace)
    preflight.check_template(tokenizer, params.base_model)
    wanted, apart = split_apart(examples) if params.early_stopping_patience else (list(examples), [])
    rows, measured = (tokenize_examples(some, tokenizer, shape.positions) for some in (wanted, apart))
    steps = min(params.max_steps, math.ceil(math.ceil(len(rows) / params.batch_size) * params.epochs))
    return Task(params, workspace, shape, tokenizer, Data(rows, measured), steps, folder, begin_with)


def _plan(task: Task) -> Plan:
    """What fits; a training that was interrupted goes on as it began, so that it ends in the same bytes."""
    file = task.folder / PLAN
    if file.is_file() and checkpoints.latest_checkpoint(task.folder) is not None:
        return Plan(**read_json(file))
    machine = this_machine(task.params.threads, processes_of(task.params))
    if task.past is not None:
        machine = with_measured_rate(machine, task.past, task.params.threads)
    load = preflight.load_of(task.data.rows, task.params.batch_size, task.steps, IGNORED)
    plan = preflight.make_plan(task.shape, task.params, machine, load)
    needed = preflight.estimate_memory(task.shape, task.params, machine, load, plan) / GB
    minutes = preflight.estimate_seconds(task.shape, task.params, machine, load, plan) / 60
    size = f"about {needed:.1f} of {machine.free / GB:.1f} GB" + (f" x {plan.processes}" if plan.processes > 1 else "")
    progress.report(0, task.steps, "steps", f"{size}, {format_count(round(minutes), 'minute')}")
    write_json(file, plan.facts())
    return plan
