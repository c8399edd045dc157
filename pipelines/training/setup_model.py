"""The model that is trained: a base model, dense or in four bits, with a new adapter or a former one, or all of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.config.schema import Training
from pipelines.lm.adapter_manifest import read_manifest
from pipelines.lm.base_model import dequantize, load_base, load_weights, locate_model
from pipelines.records import Record, read_json
from pipelines.records.snapshot import Champion

SAME = ("r", "lora_alpha", "use_rslora", "use_dora")


@dataclass(frozen=True)
class Former:
    """The live release's training result, as the snapshot has it.

    Attributes:
        folder: what it learned.
        release: its number.
        base_identity: of the base model that it was trained on.
        paths: every file that it, or what it began with, has learned.
    """

    folder: Path
    release: int
    base_identity: str
    paths: tuple[str, ...]


def former_adapter(folder: Path) -> Former | None:
    """What the snapshot stage recorded of the live release, or None when it recorded nothing."""
    said: Champion = read_json(folder / "champion.json")
    if not said:
        return None
    return Former(folder / "learned", said["release"], said["base_identity"], tuple(said["paths"]))


def find_unfit(champion: Former, params: Training, base_identity: str, held_out: set[str]) -> str | None:
    """Why a training must not begin with the champion's adapter; None when it may."""
    made = read_manifest(champion.folder)
    if made.kind != "adapter" or params.mode not in ("lora", "qlora"):
        return f"release {champion.release} holds no adapter" if made.kind != "adapter" else "no adapter is trained"
    if champion.base_identity != base_identity:
        return f"release {champion.release} has another base model"
    theirs = read_json(champion.folder / "adapter_config.json")
    ours = dict(zip(SAME, (params.rank, params.alpha, params.use_rslora, params.use_dora), strict=True))
    for key, value in ours.items():
        if theirs.get(key) != value:
            return f"the adapter of release {champion.release} has {key} {theirs.get(key)}"
    known = held_out & set(champion.paths)
    if known:
        return f"release {champion.release} learned {min(known)}, which is held out tonight"
    return None


def make_trainable(params: Training, workspace: Path, begin_with: Path | None) -> Any:
    """Load the base model and make of it what `training.mode` trains.

    Args:
        begin_with: a folder with the adapter to go on from.

    Raises:
        NocturneError: the base model is not to be had.
    """
    if params.mode == "full":
        import torch

        # In float32 also where it computes in bfloat16: small updates would be rounded away.
        return load_weights(locate_model(params.base_model, workspace), dtype=torch.float32)
    base = dequantize(load_base(params.base_model, workspace, quantised=params.mode == "qlora"))
    model = _with_lora(base, params)
    if begin_with is not None:
        _continue(model, begin_with)
    return model


def _with_lora(base: Any, params: Training) -> Any:
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=params.rank,
        lora_alpha=params.alpha,
        lora_dropout=params.dropout,
        target_modules=params.targets,
        use_rslora=params.use_rslora,
        use_dora=params.use_dora,
    )
    if params.mode == "qlora":
        base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
    return get_peft_model(base, config)


def _continue(model: Any, folder: Path) -> None:
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    set_peft_model_state_dict(model, load_file(folder / "adapter_model.safetensors"))


def trained_weights(model: Any) -> Record:
    """The weights that are trained, by name, as they are now."""
    return {name: weight.detach().clone().float() for name, weight in model.named_parameters() if weight.requires_grad}


def restore_weights(model: Any, weights: Record) -> None:
    """Put them back, in float32: TRL turns a quantised model's adapter to bfloat16, where what it had learned is
    rounded and AdamW's small updates are lost."""
    for name, weight in model.named_parameters():
        if name in weights:
            weight.data = weights[name].to(weight.device)
