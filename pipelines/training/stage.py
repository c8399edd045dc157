"""The training stage: the dataset in; what was learned and its loss log out."""

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import progress
from pipelines.config.schema import Params
from pipelines.dag.stage import Facts, Stage, empty_folder
from pipelines.lm.base_model import load_tokenizer
from pipelines.project import Project
from pipelines.records import file_sha256, fingerprint, read_json, read_jsonl, tree_sha256, write_json
from pipelines.records.dataset import Example, Preference
from pipelines.records.snapshot import BaseModel
from pipelines.records.training import Training, TrainingResult

if TYPE_CHECKING:
    from pipelines.training.setup_model import Former
    from pipelines.training.task import Trained

COLD = "warm start is off"


def run(project: Project, params: Params) -> Facts:
    """Write `adapter/`, which holds what was learned, and `training.json`; the latter last, so that its presence means
    that both are whole. With `training.mode` none, both say that nothing was.

    Raises:
        NocturneError: the base model is not to be had, the training does not fit this machine, an example cannot teach
            anything, or it failed on the way.
    """
    base: BaseModel = read_json(project.path("snapshot", "base.json"))
    empty_folder(project.path("training"), "training.json")
    if params.training.mode == "none":
        return _train_nothing(project, params, base)
    from pipelines.training import checkpoints
    from pipelines.training.dpo import has_enough
    from pipelines.training.hardware import processes_of, use_one_gpu

    processes = processes_of(params.training)
    if processes == 1:
        use_one_gpu()

    dataset = project.path("dataset", "train.jsonl")
    examples = list(read_jsonl(dataset, Example))
    pairs = list(read_jsonl(project.path("dataset", "preferences.jsonl"), Preference))
    pairs = pairs if has_enough(pairs, params.training.min_preferences) else []
    champion, cold = _warm(project, params, base["identity"])
    recipe = params.training.model_dump(exclude={"min_new_tokens", "min_preferences", "warm_start", "processes"})
    began = tree_sha256(champion.folder) if champion else ""
    identity = fingerprint(file_sha256(dataset), pairs, began, base, recipe, processes, _code())[:16]
    cache = project.cache / "training"
    checkpoints.forget_others(cache, identity)
    progress.report(0, 1, "steps", "loading the base model")
    done = _train(project, params, identity, examples, pairs, champion)
    inherited = champion.paths if champion else ()
    _write(
        project,
        params,
        base,
        {
            "identity": identity,
            "examples": len(examples),
            "preferences": len(pairs),
            "paths": sorted({example["path"] for example in examples} | set(inherited)),
            "warm_start": {"release": champion.release} if champion else {"release": None, "reason": cold},
            "plan": done.plan.facts(),
            "steps": done.steps,
            "planned_steps": done.planned,
            "log": done.log,
            "preference_log": done.preferences,
        },
    )
    checkpoints.delete_checkpoints(cache / identity)
    return _facts(done, len(examples), len(pairs), champion)


def _train(
    project: Project,
    params: Params,
    identity: str,
    examples: list[Example],
    pairs: list[Preference],
    champion: "Former | None",
) -> "Trained":
    from pipelines.registry.tracking import LiveRun
    from pipelines.training.failures import Diverged, keep_best_checkpoint
    from pipelines.training.train import train

    folder = project.cache / "training" / identity
    begin_with = champion.folder if champion else None
    with LiveRun(project, f"training {identity}", identity, params.training.model_dump()) as live:
        try:
            result = project.path("training", "adapter")
            return train(
                examples,
                params.training,
                project.workspace,
                folder,
                result,
                live,
                begin_with=begin_with,
                pairs=pairs,
                past=project.cache,
            )
        except Diverged as error:
            raise keep_best_checkpoint(error, folder, params.training, live) from None


def _train_nothing(project: Project, params: Params, base: BaseModel) -> Facts:
    from pipelines.training.artifacts import save_result

    save_result(None, params.training, project.path("training", "adapter"))
    identity = fingerprint("nothing", base)[:16]  # of the base model alone: whatever the dataset, nothing is learned
    _write(project, params, base, {"identity": identity, "examples": 0, "paths": [], "steps": 0, "log": []})
    return {"mode": "none", "steps": 0}


def _write(project: Project, params: Params, base: BaseModel, what: TrainingResult) -> None:
    tokenizer = load_tokenizer(params.training.base_model, project.workspace)
    training: Training = {
        "mode": params.training.mode,
        "base_model": params.training.base_model,
        "base_identity": base["identity"],
        "chat_template_sha256": fingerprint(tokenizer.chat_template),
        "dataset_sha256": file_sha256(project.path("dataset", "train.jsonl")),
        **what,
    }
    write_json(project.path("training", "training.json"), training)


def _warm(project: Project, params: Params, base_identity: str) -> "tuple[Former | None, str]":
    """What to begin with, or why with nothing."""
    if not params.training.warm_start:
        return None, COLD
    from pipelines.training.setup_model import find_unfit, former_adapter

    champion = former_adapter(project.path("snapshot", "champion"))
    if champion is None:
        return None, "there is no champion yet"
    held_out = {example["path"] for example in read_jsonl(project.path("dataset", "holdout.jsonl"), Example)}
    reason = find_unfit(champion, params.training, base_identity, held_out)
    return (None, reason) if reason else (champion, "")


def _facts(done: "Trained", examples: int, pairs: int, champion: "Former | None") -> Facts:
    losses = [entry["loss"] for entry in done.log if "loss" in entry]
    facts: Facts = {
        "examples": examples,
        "steps": done.steps,
        "resumed_at": done.resumed_at,
        "loss": round(losses[-1], 4) if losses else "",
        "tokens_per_second": round(done.tokens_per_second),
    }
    if done.steps < done.planned:
        facts["stopped_early_of"] = done.planned
    if done.plan.processes > 1:
        facts["processes"] = done.plan.processes
    if done.plan.accumulation > 1:
        facts["micro_batch"] = done.plan.micro_batch
    if pairs:
        facts["preferences"] = pairs
    if champion:
        facts["began_with_release"] = champion.release
    return facts


def _code() -> list[list[str]]:
    """What else a checkpoint depends on: one of other code or libraries must not be resumed."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), *(here.parent / room for room in STAGE.code_deps)]
    libraries = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate")
    return [*([file.name, file_sha256(file)] for file in files), *([name, version(name)] for name in libraries)]


# `registry` only watches: its code does not enter the adapter, so a change there trains nothing again.
STAGE = Stage(
    "training",
    run,
    inputs=(
        "snapshot/base.json",
        "snapshot/champion",
        "dataset/train.jsonl",
        "dataset/holdout.jsonl",
        "dataset/preferences.jsonl",
        "validation/validation.json",
    ),
    params=("training",),
    code_deps=("lm/base_model.py", "lm/adapter_manifest.py", "lm/prompts.py", "lm/tokenize.py"),
)
