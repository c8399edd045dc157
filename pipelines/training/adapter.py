"""QLoRA by TRL: the same bytes for the same dataset, parameters and threads."""

import json
import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import NocturneError
from pipelines.model.base import load_base, load_tokenizer
from pipelines.model.tokens import encode
from pipelines.params import Training
from pipelines.records import Record, write_json
from pipelines.registry.tracking import LiveRun
from pipelines.training import checkpoints

IGNORED = -100
LOG_EVERY = 1  # so that a resumed training has the same log
ADAPTER_FILES = ("adapter_model.safetensors", "adapter_config.json")


@dataclass(frozen=True)
class Trained:
    """What one training did: the loss log, how many steps there were, and how many of them this process made."""

    log: list[dict[str, float]]
    steps: int
    resumed_at: int
    tokens_per_second: float


def tokenised(examples: Iterable[Record], tokenizer: Any, limit: int) -> list[Record]:
    """Token ids, and labels that are the completion and its end token and nothing else.

    Raises:
        NocturneError: an example has no token to learn from; the trainer would pass over it silently.
    """
    rows = []
    for example in examples:
        one = encode(tokenizer, example["prompt"], example["completion"], limit)
        if one.stop == one.start:
            raise NocturneError(
                f"Example {example['example_id']} ({example['path']}:{example['start_line']}) has an empty loss mask.",
                "Run `dvc repro` for its dataset again; if it stays, raise dataset.max_example_tokens.",
            )
        labels = [IGNORED] * one.start + one.ids[one.start :]
        rows.append({"input_ids": one.ids, "labels": labels, "length": len(one.ids)})
    return rows


def train(
    examples: list[Record], params: Training, workspace: Path, checkpoint_folder: Path, adapter: Path, run: LiveRun
) -> Trained:
    """Train an adapter and write it to the folder `adapter`, resuming the last whole checkpoint if there is one.

    Args:
        examples: dataset rows with `prompt` and `completion`.
        checkpoint_folder: where checkpoints of exactly this training are kept.
        run: where the metrics go while it runs.
    """
    from transformers import set_seed

    from pipelines.training.watching import Watch

    _fix_threads(params.threads)
    set_seed(params.seed)
    tokenizer = load_tokenizer(params.base_model, workspace)
    model = _with_lora(load_base(params.base_model, workspace), params)
    rows = tokenised(examples, tokenizer, int(model.config.max_position_embeddings))
    steps = min(params.max_steps, math.ceil(math.ceil(len(rows) / params.batch_size) * params.epochs))
    watch = Watch(run, sum(len(row["input_ids"]) for row in rows) / len(rows) * params.batch_size)
    trainer = _trainer(model, tokenizer, rows, params, steps, checkpoint_folder, watch)
    resumed = checkpoints.latest(checkpoint_folder)
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    _save(trainer.model, adapter)
    first = int(resumed.name.split("-")[1]) if resumed else 0
    return Trained(watch.log, steps, first, watch.tokens_per_second)


def _fix_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It fills every new tensor before use: a sixth of the time, to find reads of uninitialised memory.
    torch.utils.deterministic.fill_uninitialized_memory = False


def _with_lora(base: Any, params: Training) -> Any:
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=params.rank,
        lora_alpha=params.alpha,
        lora_dropout=params.dropout,
        target_modules=params.targets,
    )
    return get_peft_model(prepare_model_for_kbit_training(base, use_gradient_checkpointing=False), config)


def _trainer(
    model: Any, tokenizer: Any, rows: list[Record], params: Training, steps: int, folder: Path, watch: Any
) -> Any:
    import torch
    from datasets import Dataset
    from transformers.trainer_callback import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    from pipelines.training.loss import CompletionTrainer

    on_gpu = torch.cuda.is_available()
    half = on_gpu and torch.cuda.is_bf16_supported()
    config = SFTConfig(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(steps * params.warmup_share),
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        gradient_checkpointing=on_gpu,
        bf16=half,
        use_cpu=not on_gpu,
        logging_steps=LOG_EVERY,
        save_steps=params.checkpoint_steps,
        save_total_limit=2,
        report_to=[],
        disable_tqdm=True,
        seed=params.seed,
        data_seed=params.seed,
        dataloader_num_workers=0,
        dataloader_pin_memory=on_gpu,
    )
    dataset = Dataset.from_list(rows)
    kind = SFTTrainer if on_gpu else CompletionTrainer
    trainer = kind(model, config, train_dataset=dataset, processing_class=tokenizer, callbacks=[watch])
    trainer.remove_callback(PrinterCallback)
    # TRL turns a quantised model's adapter to bfloat16, where AdamW's small updates are rounded away.
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return trainer


def _save(model: Any, adapter: Path) -> None:
    """The adapter's own two files; sets in the configuration are sorted, so that they are the same every time."""
    aside = adapter.with_name(f".{adapter.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    model.save_pretrained(str(aside), safe_serialization=True)
    config = json.loads((aside / "adapter_config.json").read_text())
    listed = {key: sorted(value) if isinstance(value, list) else value for key, value in config.items()}
    listed["base_model_name_or_path"] = None
    write_json(aside / "adapter_config.json", listed)
    for file in aside.iterdir():
        if file.name not in ADAPTER_FILES:
            file.unlink()
    shutil.rmtree(adapter, ignore_errors=True)
    aside.rename(adapter)
