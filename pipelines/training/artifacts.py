"""What a training leaves behind: an adapter's or a model's own files, the same bytes every time, whole or absent."""

import json
import shutil
from pathlib import Path
from typing import Any

from pipelines.config.schema import Training
from pipelines.lm.adapter_manifest import Kind, write_manifest
from pipelines.records import write_json

KINDS: dict[str, Kind] = {"lora": "adapter", "qlora": "adapter", "full": "model", "none": "nothing"}
ADAPTER = ("adapter_model.safetensors", "adapter_config.json")


def save_result(model: Any, params: Training, folder: Path, stored: str = "float32") -> None:
    """Write a trained model's files: an adapter's two, or those of a whole model.

    Args:
        model: what was trained; None when nothing was.
        stored: the precision of the base model's files; a whole model is written in it, and is as large as its base.
    """
    import torch

    aside = _aside(folder)
    if model is not None:
        if KINDS[params.mode] == "model":
            model.to(getattr(torch, stored)).save_pretrained(str(aside), safe_serialization=True)
        else:
            model.save_pretrained(str(aside), safe_serialization=True, selected_adapters=["default"])
    _finish(aside, params, folder)


def take_result(checkpoint: Path, params: Training, folder: Path) -> None:
    """Make what a checkpoint holds a result, of the same form as `save_result` makes."""
    aside = _aside(folder)
    aside.mkdir(parents=True)
    for file in checkpoint.iterdir():
        if _is_result(file, params):
            shutil.copy2(file, aside / file.name)
    _finish(aside, params, folder)


def _aside(folder: Path) -> Path:
    aside = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    return aside


def _finish(aside: Path, params: Training, folder: Path) -> None:
    aside.mkdir(parents=True, exist_ok=True)
    for file in aside.iterdir():
        if not _is_result(file, params):
            file.unlink()
    for name in ("adapter_config.json", "config.json"):
        if (aside / name).is_file():
            _settle(aside / name)
    write_manifest(aside, KINDS[params.mode], quantised=params.mode in ("qlora", "none"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(folder)


def _is_result(file: Path, params: Training) -> bool:
    if KINDS[params.mode] == "adapter":
        return file.name in ADAPTER
    whole = file.name in ("config.json", "generation_config.json", "model.safetensors.index.json")
    return whole or (file.name.startswith("model") and file.suffix == ".safetensors")


def _settle(file: Path) -> None:
    """Sets are sorted and no path of this machine stays, so that the same training makes the same bytes."""
    config = json.loads(file.read_text())
    listed = {key: _sorted(value) if file.name == "adapter_config.json" else value for key, value in config.items()}
    for key in ("base_model_name_or_path", "_name_or_path"):
        if key in listed:
            listed[key] = None
    write_json(file, listed)


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value
