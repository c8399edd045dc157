"""The training stage: the dataset in; the adapter and its loss log out."""

import shutil
from importlib.metadata import version
from pathlib import Path

from pipelines import progress
from pipelines.model.base import load_tokenizer
from pipelines.params import Params
from pipelines.project import Project
from pipelines.records import file_sha256, fingerprint, read_json, read_jsonl, write_json
from pipelines.stage import Facts, Stage


def run(project: Project, params: Params) -> Facts:
    """Write `adapter/` and `training.json`; the latter last, so that its presence means that both are whole.

    Raises:
        NocturneError: the base model is not to be had, an example cannot teach anything, or the loss became no number.
    """
    from pipelines.registry.tracking import LiveRun
    from pipelines.training import checkpoints
    from pipelines.training.adapter import train

    dataset = project.path("dataset", "train.jsonl")
    base = read_json(project.path("snapshot", "base.json"))
    recipe = params.training.model_dump()
    identity = fingerprint(file_sha256(dataset), base, recipe, _code())[:16]
    cache = project.cache / "training"
    checkpoints.forget_others(cache, identity)
    examples = list(read_jsonl(dataset))
    folder = project.path("training")
    progress.report(0, 1, "steps", "loading the base model")
    with LiveRun(project, f"training {identity}", identity, recipe) as live:
        done = train(examples, params.training, project.workspace, cache / identity, folder / "adapter", live)
    tokenizer = load_tokenizer(params.training.base_model, project.workspace)
    write_json(
        folder / "training.json",
        {
            "identity": identity,
            "base_model": params.training.base_model,
            "base_identity": base["identity"],
            "chat_template_sha256": fingerprint(tokenizer.chat_template),
            "dataset_sha256": file_sha256(dataset),
            "examples": len(examples),
            "paths": sorted({example["path"] for example in examples}),
            "steps": done.steps,
            "log": done.log,
        },
    )
    shutil.rmtree(cache / identity, ignore_errors=True)
    return {
        "examples": len(examples),
        "steps": done.steps,
        "resumed_at": done.resumed_at,
        "loss": round(done.log[-1]["loss"], 4) if done.log else "",
        "tokens_per_second": round(done.tokens_per_second),
    }


def _code() -> list[list[str]]:
    """What else a checkpoint depends on: one of other code or libraries must not be resumed."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), *(here.parent / room for room in STAGE.rooms)]
    libraries = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate")
    return [*([file.name, file_sha256(file)] for file in files), *([name, version(name)] for name in libraries)]


# `registry` only watches: its code does not enter the adapter, so a change there trains nothing again.
STAGE = Stage(
    "training",
    run,
    needs=("snapshot/base.json", "dataset/train.jsonl", "validation/validation.json"),
    params=("training",),
    rooms=("model/base.py", "model/prompts.py", "model/tokens.py"),
)
