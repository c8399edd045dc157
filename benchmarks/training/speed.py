"""How fast a training is and how much memory it takes, beside plain TRL on the same model, examples and steps.

    python -m benchmarks.training.speed [--steps 30] [--repeat 2] [--threads 2] DATASET_FOLDER

A dataset folder is `data/<project>/dataset` after a night. Every run is a process of its own, in turn: ours; TRL's
SFTTrainer as its documentation calls it, with this project's rank, rate, batch and four bits; and SFTTrainer with
everything else as SFTConfig has it by default: its batch, so that there are more updates, its schedule, its precision,
its gradient checkpointing. Each sees STEPS times this project's batch of examples once. Tokens are those of prompts and
completions, without padding; seconds are those of `train()` alone; the peak is the process's resident memory; beside
both stands what the preflight had estimated. The loss is measured afterwards on 32 held-out examples, in bits a byte,
and beside that of the first run of ours, with the interval of the difference by whole files: where it holds 0, the two
are the same within noise.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.records.dataset import Example

HOME = Path(__file__).resolve().parents[2]
METHODS = ("ours", "trl", "trl, its defaults")
GB = 1e9


class Silent:
    """Where a training's figures go when nobody looks."""

    name = "benchmark"

    def metrics(self, values: dict[str, float], step: int) -> None:
        """Nothing."""

    def keep(self, folder: Path, name: str) -> None:
        """Nothing."""


def settings(steps: int, threads: int) -> Any:
    """The shipped values for so many steps, without checkpoints on the way."""
    from pipelines.config.load import load_params

    shipped = load_params(HOME).training
    return shipped.model_copy(update={"max_steps": steps, "epochs": 1.0, "checkpoint_steps": 10**6, "threads": threads})


def timed(train: Any) -> dict[str, float]:
    """Wall and processor seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    train()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def ours(params: Any, rows: list[Example], folder: Path) -> dict[str, float]:
    """Train as a night does."""
    from transformers import Trainer

    from pipelines.training import preflight
    from pipelines.training import tokenize as room
    from pipelines.training import train as train_module
    from pipelines.training.hardware import this_machine

    spent: dict[str, float] = {}
    plain = Trainer.train
    Trainer.train = lambda self, *args, **options: spent.update(timed(lambda: plain(self, *args, **options)))
    done = train_module.train(rows, params, HOME, folder / "checkpoints", folder / "adapter", Silent())
    shape = train_module.model_size_of(params, HOME)
    tokenizer = train_module.load_tokenizer(params.base_model, HOME)
    tokens = room.tokenize_examples(rows, tokenizer, shape.positions)
    load = preflight.load_of(tokens, params.batch_size, params.max_steps, room.IGNORED)
    machine = this_machine(params.threads)
    spent["estimate"] = preflight.estimate_memory(shape, params, machine, load, done.plan)
    spent["estimated_seconds"] = preflight.estimate_seconds(shape, params, machine, load, done.plan)
    return spent


def alike(params: Any) -> dict[str, Any]:
    """SFTConfig's values for the same training as ours."""
    return {
        "max_steps": params.max_steps,
        "per_device_train_batch_size": params.batch_size,
        "lr_scheduler_type": "cosine",
        "warmup_steps": round(params.max_steps * params.warmup_share),
        "gradient_checkpointing": False,
        "max_length": None,
        "seed": params.seed,
        "bf16": False,
        "dataloader_pin_memory": False,
    }


def trl(params: Any, rows: list[Example], folder: Path, chosen: dict[str, Any]) -> dict[str, float]:
    """Train as TRL's documentation does it, with what is chosen; once over the examples unless that says otherwise."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    torch.set_num_threads(params.threads)
    trainer = SFTTrainer(
        str(HOME / params.base_model),
        SFTConfig(
            **{"num_train_epochs": 1, **chosen},
            output_dir=str(folder / "checkpoints"),
            learning_rate=params.learning_rate,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
        ),
        train_dataset=Dataset.from_list([{key: row[key] for key in ("prompt", "completion")} for row in rows]),
        peft_config=LoraConfig(
            task_type="CAUSAL_LM", r=params.rank, lora_alpha=params.alpha, target_modules=params.targets
        ),
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.float32,
        ),
    )
    spent = timed(trainer.train)
    trainer.model.save_pretrained(str(folder / "adapter"))
    return spent


def one(method: str, dataset: Path, steps: int, threads: int) -> dict[str, Any]:
    """One run in this process."""
    from pipelines import environment
    from pipelines.lm.causal import CausalLM
    from pipelines.records import read_jsonl

    environment.prepare(HOME)
    params = settings(steps, threads)
    rows = list(islice(read_jsonl(dataset / "train.jsonl", Example), steps * params.batch_size))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if method == "ours":
            spent = ours(params, rows, folder)
        else:
            spent = trl(params, rows, folder, alike(params) if method == "trl" else {})
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        model = CausalLM.load(params.base_model, folder / "adapter", HOME, params.threads)
        asked = list(islice(read_jsonl(dataset / "holdout.jsonl", Example), 32))
        bits = model.score([(row["prompt"], row["completion"]) for row in asked], adapted=True)
        size = sum(len(row["completion"].encode()) for row in asked)
        encoded = model.tokenizer([row["prompt"] + row["completion"] for row in rows], add_special_tokens=False)
    tokens = sum(len(ids) for ids in encoded["input_ids"])
    exam = {"each": bits, "paths": [row["path"] for row in asked]}
    return {"tokens": tokens, "peak": peak, "bits": sum(bits) / size, **exam, **spent}


def beside(found: dict[str, Any], first: dict[str, Any]) -> str:
    """By how much it needs fewer bits than the first run of ours, with its interval."""
    from pipelines.evaluation.bootstrap import Bootstrap

    gain = Bootstrap(found["paths"], 2000, 0.95, 17).gain(found["each"], first["each"])
    return "–" if gain.value is None else f"{gain.value:+.1%} ({gain.low:+.1%} to {gain.high:+.1%})"


def main() -> None:
    """Print a row for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="1: processor time means something on a busy machine")
    parser.add_argument("--one", choices=METHODS, help=argparse.SUPPRESS)
    parser.add_argument("dataset", type=Path)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one, args.dataset, args.steps, args.threads)))
        return
    today = datetime.now(UTC).date()
    print(f"\n{today}, {platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    print(
        "| method | tokens | seconds | estimated | tokens/s | CPU seconds | peak GB | estimated GB | bits a byte after "
        "| fewer than ours |"
    )
    print("|" + " --- |" * 10, flush=True)
    first: dict[str, Any] = {}
    for method in [method for _ in range(args.repeat) for method in METHODS]:
        command = [sys.executable, "-m", "benchmarks.training.speed", "--one", method, "--steps", str(args.steps)]
        done = subprocess.run(
            [*command, "--threads", str(args.threads), str(args.dataset.resolve())],
            cwd=HOME,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(done.stderr)
        found = json.loads(done.stdout.splitlines()[-1])
        first = first or found
        estimate = f"{found['estimate'] / GB:.2f}" if "estimate" in found else "–"
        expected = f"{found['estimated_seconds']:.1f}" if "estimate" in found else "–"
        print(
            f"| {method} | {found['tokens']:,} | {found['wall']:.1f} | {expected} "
            f"| {found['tokens'] / found['wall']:,.0f} | {found['cpu']:.1f} | {found['peak'] / GB:.2f} | {estimate} "
            f"| {found['bits']:.3f} | {beside(found, first)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
