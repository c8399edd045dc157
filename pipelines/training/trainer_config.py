"""How TRL's trainers are told what to do: the arguments that both steps share, and the first step's trainer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.config.schema import Training
from pipelines.records import Record
from pipelines.training.preflight import Plan
from pipelines.training.setup_model import restore_weights, trained_weights

LOG_EVERY = 1  # so that a resumed training has the same log


@dataclass(frozen=True)
class Data:
    """Tokenised examples: to train on, and those that are only measured, for early stopping."""

    rows: list[Record]
    apart: list[Record]


def fix_threads(threads: int) -> None:
    """As many threads as the settings say, and only deterministic algorithms."""
    import torch

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It fills every new tensor before use: a sixth of the time, to find reads of uninitialised memory.
    torch.utils.deterministic.fill_uninitialized_memory = False


def trainer_arguments(params: Training, plan: Plan, folder: Path, steps: int) -> dict[str, Any]:
    """What both trainers are told alike, in transformers' names."""
    import torch

    on_gpu = torch.cuda.is_available()
    return {
        "output_dir": str(folder),
        "max_steps": steps,
        "per_device_train_batch_size": plan.micro_batch,
        "gradient_accumulation_steps": plan.accumulation,
        "lr_scheduler_type": "cosine",
        "warmup_steps": round(steps * params.warmup_share),
        "max_length": None,
        "gradient_checkpointing": plan.checkpointing,
        "bf16": plan.precision == "bf16",
        "use_cpu": not on_gpu,
        "logging_steps": LOG_EVERY,
        "logging_nan_inf_filter": False,  # it would replace a loss that is no number by the mean of those before it
        "save_steps": params.checkpoint_steps,
        "save_total_limit": 2,
        "report_to": [],
        "disable_tqdm": True,
        "seed": params.seed,
        "data_seed": params.seed,
        "ddp_find_unused_parameters": True,  # keeps gradients in the same buckets, and their sums in the same order
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": on_gpu,
    }


def completion_trainer(
    params: Training, plan: Plan, model: Any, tokenizer: Any, folder: Path, steps: int, data: Data, watch: Any
) -> Any:
    """TRL's SFTTrainer on tokenised examples; on a CPU with the loss of completions alone.

    In several processes each calls this, and has its share of every update.

    Args:
        watch: a callback that follows it.
    """
    import torch
    from datasets import Dataset
    from transformers import EarlyStoppingCallback
    from transformers.trainer_callback import PrinterCallback
    from trl import SFTConfig

    from pipelines.training.loss import CompletionTrainer
    from pipelines.training.sampler import OrderedTrainer, fill_last_batch

    callbacks, stopping = [watch], {}
    if data.apart:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=params.early_stopping_patience))
        stopping = {
            "eval_strategy": "steps",
            "eval_steps": params.checkpoint_steps,
            "per_device_eval_batch_size": plan.micro_batch,
            "load_best_model_at_end": True,
            "metric_for_best_model": "eval_loss",
            "greater_is_better": False,
            "restore_callback_states_from_checkpoint": True,  # how often in a row the loss has not fallen
        }
    config = SFTConfig(
        **trainer_arguments(params, plan, folder, steps),
        **stopping,
        learning_rate=params.learning_rate,
        length_column_name="length",
        dataset_kwargs={"skip_prepare_dataset": True},
        # Examples one after the other without padding, where attention knows where each begins; never packed otherwise.
        padding_free=model.config._attn_implementation == "flash_attention_2",
    )
    kind = OrderedTrainer if torch.cuda.is_available() else CompletionTrainer
    rows = (
        fill_last_batch(data.rows, plan.micro_batch * plan.processes, tokenizer.pad_token_id)
        if plan.processes > 1
        else data.rows
    )
    before = trained_weights(model)
    trainer = kind(
        model,
        config,
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(data.apart) if data.apart else None,
        processing_class=tokenizer,
        callbacks=callbacks,
        examples=len(data.rows),
    )
    trainer.remove_callback(PrinterCallback)
    restore_weights(trainer.model, before)
    return trainer
