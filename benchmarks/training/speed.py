"""How fast a training is and how much memory it takes, beside plain TRL on the same model, examples and steps.

    python -m benchmarks.training.speed [--steps 30] [--repeat 2] [--threads 2] DATASET_FOLDER

A dataset folder is `data/<project>/dataset` after a night. Three methods take turns, each run in a process of its own:

- ours, with the shipped settings;
- TRL's SFTTrainer as its documentation calls it, with our rank, learning rate, batch and four bits;
- SFTTrainer with SFTConfig's defaults but for the learning rate: its batch of 8, so that there are more updates, its
  schedule, its precision, its gradient checkpointing.

Each sees STEPS times our batch of examples once. Tokens are those of prompts and completions, without padding. Seconds
are those of `train()` alone. The peak is the process's resident memory. The preflight's estimates stand beside both.
The loss is measured afterwards on 32 held-out examples, in bits a byte. It is compared with that of the first run of
ours, with an interval over whole files: where the interval holds 0, the two are the same within noise.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.result import (
    HOME,
    Cell,
    Chart,
    Figure,
    Interval,
    Result,
    Table,
    make_parser,
    ratio_of_medians,
    round_to,
)

QUESTION = "How fast is training, and how much memory does it take, beside TRL?"
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


def ours(params: Any, rows: list[dict[str, Any]], folder: Path) -> dict[str, float]:
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


def trl(params: Any, rows: list[dict[str, Any]], folder: Path, chosen: dict[str, Any]) -> dict[str, float]:
    """Train as TRL's documentation does it, with what is chosen; once over the examples unless that says otherwise."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    from pipelines.lm.adapter_manifest import write_manifest

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
    write_manifest(folder / "adapter", "adapter", quantised=True)
    return spent


def one(method: str, dataset: Path, steps: int, threads: int) -> dict[str, Any]:
    """One run in this process."""
    from pipelines import environment
    from pipelines.lm.causal import CausalLM
    from pipelines.records import read_jsonl

    environment.prepare(HOME)
    params = settings(steps, threads)
    rows = list(islice(read_jsonl(dataset / "train.jsonl"), steps * params.batch_size))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if method == "ours":
            spent = ours(params, rows, folder)
        else:
            spent = trl(params, rows, folder, alike(params) if method == "trl" else {})
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        model = CausalLM.load(params.base_model, folder / "adapter", HOME, params.threads)
        asked = list(islice(read_jsonl(dataset / "holdout.jsonl"), 32))
        bits = model.score([(row["prompt"], row["completion"]) for row in asked], adapted=True)
        size = sum(len(row["completion"].encode()) for row in asked)
        encoded = model.tokenizer([row["prompt"] + row["completion"] for row in rows], add_special_tokens=False)
    tokens = sum(len(ids) for ids in encoded["input_ids"])
    exam = {"each": bits, "paths": [row["path"] for row in asked]}
    return {"tokens": tokens, "peak": peak, "bits": sum(bits) / size, **exam, **spent}


def fewer_bits(found: dict[str, Any], first: dict[str, Any]) -> Interval | None:
    """By how many percent it needs fewer bits than the first run of ours; None where nothing was scored."""
    from pipelines.evaluation.bootstrap import Bootstrap

    gain = Bootstrap(found["paths"], 2000, 0.95, 17).gain(found["each"], first["each"])
    if gain.value is None or gain.low is None or gain.high is None:
        return None
    return Interval(
        value=round_to(100 * gain.value, 2), low=round_to(100 * gain.low, 2), high=round_to(100 * gain.high, 2)
    )


def row(found: dict[str, Any], method: str, first: dict[str, Any]) -> dict[str, Cell]:
    """A line of the table."""
    return {
        "method": method,
        "tokens": found["tokens"],
        "seconds": round_to(found["wall"], 3),
        "estimated, s": round_to(found["estimated_seconds"], 3) if "estimate" in found else None,
        "tokens/s": round(found["tokens"] / found["wall"]),
        "CPU seconds": round_to(found["cpu"], 3),
        "peak, GB": round_to(found["peak"] / GB, 3),
        "estimated, GB": round_to(found["estimate"] / GB, 3) if "estimate" in found else None,
        "bits/byte after": round_to(found["bits"]),
        "fewer bits than ours, %": fewer_bits(found, first),
    }


def compare(runs: dict[str, list[dict[str, Any]]]) -> list[Figure]:
    """Seconds and peak memory of ours beside each other method, with intervals where there are several runs."""
    figures = []
    for method in METHODS[1:]:
        for what, key, unit, size in (("seconds", "wall", "s", 1.0), ("peak memory", "peak", "GB", GB)):
            mine, theirs = ([found[key] / size for found in runs[name]] for name in ("ours", method))
            ratio = ratio_of_medians(theirs, mine, paired=True)
            if len(mine) == 1:
                ratio = Interval(value=ratio.value)
            own, other = (round_to(median(values), 3) for values in (mine, theirs))
            asked = f"{what} of training on the same examples, median of the runs"
            figures.append(Figure(asked=asked, ours=own, unit=unit, peer=method, theirs=other, ratio=ratio))
    return figures


def main() -> None:
    """Run every method in turn, and write a row for each run."""
    parser = make_parser(__doc__)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="1: processor time means something on a busy machine")
    parser.add_argument("--one", choices=METHODS, help=argparse.SUPPRESS)
    parser.add_argument("dataset", type=Path)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one, args.dataset, args.steps, args.threads)))
        return
    data = f"{args.steps} updates on the dataset of {args.dataset.resolve().parent.name}"
    result = Result.begin("training-speed", "training.speed", data)
    rows: list[dict[str, Cell]] = []
    runs: dict[str, list[dict[str, Any]]] = {method: [] for method in METHODS}
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
        runs[method].append(found)
        rows.append(row(found, method, runs["ours"][0]))
        print(f"{method}: {found['wall']:.1f} s", file=sys.stderr, flush=True)
    result.figures, result.tables = compare(runs), [Table(rows=rows)]
    result.chart = Chart(title="Seconds of training on the same examples", labels="method", values="seconds")
    result.write(args.results)


if __name__ == "__main__":
    main()
