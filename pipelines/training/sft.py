"""Supervised fine-tuning on examples, by TRL: the first step of a training."""

from pathlib import Path

from pipelines.records import read_json, write_json
from pipelines.training import checkpoints, preflight
from pipelines.training.artifacts import save_result
from pipelines.training.hardware import device_name, keep_rate, threads_of
from pipelines.training.launcher import SupportsMetrics, run_processes
from pipelines.training.preflight import Plan
from pipelines.training.setup_model import make_trainable
from pipelines.training.task import ENDED, TUNED, Task, Trained
from pipelines.training.trainer_config import completion_trainer, fix_threads
from pipelines.training.watchdog import Watchdog

TELLING = 5  # steps from which their speed says something


def fine_tune(task: Task, plan: Plan, run: SupportsMetrics) -> Trained:
    """Train once with a plan, from the last whole checkpoint if there is one."""
    folder, params = task.folder, task.params
    checkpoints.drop_unusable(folder)
    resumed = checkpoints.latest_checkpoint(folder)
    ended = folder / TUNED / ENDED
    if ended.is_file():  # it was killed after this: in preference tuning, or before the stage's last file
        kept = read_json(ended)
        return Trained(kept["log"], kept["steps"], task.steps, kept["steps"], 0.0, plan)
    threads = threads_of(params, plan.processes)
    done = run_processes(plan.processes, threads, _in_each_process, (task, plan, resumed), run)
    if task.past is not None and done.steps - done.resumed_at >= TELLING:
        rate = preflight.rate_reached(task.shape, params, plan, done.tokens_per_second)
        keep_rate(task.past, device_name(), params.threads, rate, plan.processes)
    return done


def _in_each_process(task: Task, plan: Plan, resumed: Path | None, run: SupportsMetrics) -> Trained:
    """In each process; the first one writes what was learned."""
    from transformers import set_seed

    from pipelines.training.callbacks import Watch

    params = task.params
    fix_threads(threads_of(params, plan.processes))
    set_seed(params.seed)
    with Watchdog() as stalls:
        watch = Watch(run, preflight.mean_tokens(task.data.rows) * params.batch_size, stalls)
        model = make_trainable(params, task.workspace, task.begin_with)
        trainer = completion_trainer(params, plan, model, task.tokenizer, task.folder, task.steps, task.data, watch)
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    steps = int(trainer.state.global_step)
    if trainer.is_world_process_zero():
        save_result(trainer.model, params, task.folder / TUNED, task.shape.stored)
        write_json(task.folder / TUNED / ENDED, {"log": watch.log, "steps": steps})
    first = checkpoints.step_of(resumed) if resumed else 0
    return Trained(watch.log, steps, task.steps, first, watch.tokens_per_second, plan)
