"""Preference tuning as a second step: DPO (Rafailov et al. 2023, arXiv:2305.18290) by TRL, on pairs of a version that
lasted and one that did not. What the first step learned is the reference."""

import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.records import read_json, write_json
from pipelines.records.dataset import Preference
from pipelines.training import checkpoints
from pipelines.training.artifacts import save_result
from pipelines.training.hardware import threads_of
from pipelines.training.launcher import SupportsMetrics, run_processes
from pipelines.training.preflight import Plan
from pipelines.training.retry import retry_on_oom
from pipelines.training.setup_model import make_trainable, restore_weights, trained_weights
from pipelines.training.task import ENDED, PLAN, PREFERRED, TUNED, Task, Trained
from pipelines.training.trainer_config import fix_threads, trainer_arguments
from pipelines.training.watchdog import Watchdog

BETA = 0.1  # how far it may go from the reference; the paper's and TRL's value
RATE = 0.1  # of training.learning_rate: what is learned already must be changed gently
STEPS = "preferences"
PAIRS = "pairs"


def has_enough(pairs: Sequence[Preference], least: int) -> bool:
    """Whether there are as many pairs as `training.min_preferences` asks; 0 never."""
    return 0 < least <= len(pairs)


def tune_on_pairs(task: Task, done: Trained, pairs: Sequence[Preference], run: SupportsMetrics) -> Trained:
    """Tune what `done` made on the pairs, once over them, and write it to the folder `preferred`.

    Several processes fill the last update with pairs that the first has seen, where it has too few to share.

    Returns:
        `done` with the log of this step.
    """
    ended, file = task.folder / PREFERRED / ENDED, task.folder / STEPS / PLAN
    if not ended.is_file():
        plan = Plan(**read_json(file)) if file.is_file() else _smaller(done.plan)
        tuned = retry_on_oom(task, plan, file, lambda fits: _attempt(task, replace(done, plan=fits), pairs, run))
        write_json(ended, tuned.preferences)
    return replace(done, preferences=read_json(ended))


def _smaller(plan: Plan) -> Plan:
    """A pair is two sequences, and each is seen by the model and by its reference."""
    for _ in range(2):
        plan = plan.with_half_micro_batch() or plan
    return plan


def _attempt(task: Task, done: Trained, pairs: Sequence[Preference], run: SupportsMetrics) -> Trained:
    folder, count = task.folder / STEPS, done.plan.processes
    folder.mkdir(parents=True, exist_ok=True)
    checkpoints.drop_unusable(folder)
    _store(pairs, folder / PAIRS)
    given = (task, done, pairs, checkpoints.latest_checkpoint(folder))
    return run_processes(count, threads_of(task.params, count), _tune, given, run)


def _store(pairs: Sequence[Preference], folder: Path) -> None:
    """Where TRL's first process writes beside the pairs what it made of them, and the others find it."""
    from datasets import Dataset

    shutil.rmtree(folder, ignore_errors=True)
    columns = [{key: pair[key] for key in ("prompt", "chosen", "rejected")} for pair in pairs]
    Dataset.from_list(columns).save_to_disk(str(folder))


def _tune(
    task: Task, done: Trained, pairs: Sequence[Preference], resumed: Path | None, run: SupportsMetrics
) -> Trained:
    """In each process; the first one writes what was learned."""
    from transformers import set_seed

    from pipelines.training.callbacks import Watch

    fix_threads(threads_of(task.params, done.plan.processes))
    set_seed(task.params.seed)
    with Watchdog() as stalls:
        watch = Watch(run, _tokens(task, pairs), stalls, prefix="preference_")
        trainer = _trainer(task, done.plan, pairs, watch)
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    if trainer.is_world_process_zero():
        save_result(trainer.model, task.params, task.folder / PREFERRED, task.shape.stored)
    return replace(done, preferences=watch.log)


def _tokens(task: Task, pairs: Sequence[Preference]) -> float:
    return sum(pair.get("tokens", 0) for pair in pairs) / len(pairs) * task.params.batch_size


def _trainer(task: Task, plan: Plan, pairs: Sequence[Preference], watch: Any) -> Any:
    from datasets import Dataset
    from transformers.trainer_callback import PrinterCallback
    from trl import DPOConfig, DPOTrainer

    params = task.params
    steps = min(params.max_steps, math.ceil(len(pairs) / params.batch_size))
    config = DPOConfig(
        **trainer_arguments(params, plan, task.folder / STEPS, steps),
        learning_rate=RATE * params.learning_rate,
        beta=BETA,
        precompute_ref_log_probs=params.mode == "full",  # so that no second model stays in memory
    )
    learned = task.folder / TUNED
    model = _again(task, learned)
    before = trained_weights(model)
    stored = Dataset.load_from_disk(str(task.folder / STEPS / PAIRS))
    trainer = DPOTrainer(model, args=config, train_dataset=stored, processing_class=task.tokenizer, callbacks=[watch])
    trainer.remove_callback(PrinterCallback)
    restore_weights(trainer.model, before)
    return trainer


def _again(task: Task, learned: Any) -> Any:
    """What the first step made, ready to be trained on."""
    from pipelines.lm.base_model import load_weights

    if task.params.mode == "full":
        import torch

        return load_weights(str(learned), dtype=torch.float32)
    return make_trainable(task.params, task.workspace, learned)
