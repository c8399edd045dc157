"""Adapters that the gates' benchmark holds against each other: of other seeds, of other code, and harmed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from pipelines.config import layers

HOME = Path(__file__).resolve().parents[2]
BEFORE_TRAINING = ("snapshot", "extraction", "history", "embedding", "dataset", "validation")


def workspace(folder: Path, place: Path, name: str, source: Path, training: dict[str, Any]) -> Path:
    """A workspace that knows one project, with the values of another one but for the training's."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    shutil.copy(HOME / "dvc.yaml", folder / "dvc.yaml")
    models = folder / "data" / "models"
    if not models.exists():
        models.symlink_to(place / "data" / "models", target_is_directory=True)
    values = layers.merge(*layers.read_layers(place))[0]
    values["projects"] = {name: {"source": str(source)}}
    values["training"].update(training)
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return folder


def trained(folder: Path, place: Path, name: str, **training: Any) -> Path:
    """An adapter on the same examples as the project's own, with other values of `training`; made once."""
    adapter = folder / "data" / name / "training" / "adapter"
    if adapter.is_dir():
        return adapter
    workspace(folder, place, name, place, training)
    for stage in ("snapshot", "dataset", "validation"):
        shutil.copytree(place / "data" / name / stage, folder / "data" / name / stage, dirs_exist_ok=True)
    _run("training", folder, name)
    return adapter


def foreign(folder: Path, place: Path, repository: Path, **training: Any) -> Path:
    """An adapter that has learned another repository, by the same stages; made once."""
    adapter = folder / "data" / "other" / "training" / "adapter"
    if not adapter.is_dir():
        workspace(folder, place, "other", repository.resolve(), training)
        for stage in (*BEFORE_TRAINING, "training"):
            _run(stage, folder, "other")
    return adapter


def noisy(folder: Path, adapter: Path, level: float, seed: int) -> Path:
    """A copy of an adapter with Gaussian noise on every weight, `level` times the root mean square of its matrix."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, folder, dirs_exist_ok=True)
    draw = torch.Generator().manual_seed(seed)
    weights = load_file(adapter / "adapter_model.safetensors")
    harmed = {
        key: weight + torch.randn(weight.shape, generator=draw) * weight.float().square().mean().sqrt() * level
        for key, weight in sorted(weights.items())
    }
    save_file(harmed, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def _run(stage: str, folder: Path, name: str) -> None:
    environ = {**os.environ, "NOCTURNE_HOME": str(folder), "PYTHONPATH": str(HOME)}
    subprocess.run([sys.executable, "-m", "pipelines", stage, name], cwd=folder, check=True, env=environ)
