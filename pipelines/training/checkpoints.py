"""Checkpoints that are whole or do not count: the manifest is written last, and only what it describes is resumed."""

import shutil
from pathlib import Path

from pipelines.records import read_json, write_json

MANIFEST = "complete.json"


def seal(checkpoint: Path) -> None:
    """Say that a checkpoint is whole: its files and their sizes."""
    sizes = {file.name: file.stat().st_size for file in sorted(checkpoint.iterdir()) if file.is_file()}
    write_json(checkpoint / MANIFEST, sizes)


def is_whole(checkpoint: Path) -> bool:
    """Whether every file that the manifest names is there in its full size."""
    manifest = checkpoint / MANIFEST
    if not manifest.is_file():
        return False
    sizes = read_json(manifest)
    return all(
        (checkpoint / name).is_file() and (checkpoint / name).stat().st_size == size for name, size in sizes.items()
    )


def latest(folder: Path) -> Path | None:
    """The whole checkpoint with the most steps, or None. Trainer's own search takes torn ones too."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.split("-")[1].isdigit()]
    whole = [path for path in found if is_whole(path)]
    return max(whole, key=lambda path: int(path.name.split("-")[1]), default=None)


def forget_others(cache: Path, keep: str) -> None:
    """Drop the checkpoints of other datasets or parameters: they can never be resumed."""
    for folder in cache.iterdir() if cache.is_dir() else ():
        if folder.name != keep:
            shutil.rmtree(folder)
