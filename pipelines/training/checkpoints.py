"""Checkpoints that are whole or do not count: the manifest is written last, and only what it describes is resumed."""

import os
import shutil
from pathlib import Path

from pipelines.records import read_json, write_json

MANIFEST = "complete.json"
GONE = ".gone-"


def seal_checkpoint(checkpoint: Path) -> None:
    """Say that a checkpoint is whole: its files and their sizes, once they are on the disk."""
    files = [file for file in sorted(checkpoint.iterdir()) if file.is_file() and file.name != MANIFEST]
    for file in files:
        with open(file, "rb+") as written:
            os.fsync(written.fileno())
    write_json(checkpoint / MANIFEST, {file.name: file.stat().st_size for file in files})


def is_whole(checkpoint: Path) -> bool:
    """Whether every file that the manifest names is there in its full size."""
    manifest = checkpoint / MANIFEST
    if not manifest.is_file():
        return False
    sizes = read_json(manifest)
    return all(
        (checkpoint / name).is_file() and (checkpoint / name).stat().st_size == size for name, size in sizes.items()
    )


def step_of(checkpoint: Path) -> int:
    """After how many updates a checkpoint was written."""
    return int(checkpoint.name.split("-")[1])


def all_checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints, fewest steps first. Trainer's own search takes torn ones too."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.split("-")[1].isdigit()]
    return sorted((path for path in found if is_whole(path)), key=step_of)


def latest_checkpoint(folder: Path) -> Path | None:
    """The whole checkpoint with the most steps, or None."""
    found = all_checkpoints(folder)
    return found[-1] if found else None


def drop_unusable(folder: Path) -> None:
    """Delete what no training can go on from: what was being written when one was killed, which would count among the
    checkpoints that are kept, and what was written after the last step: transformers would make one step more."""
    usable = [path for path in all_checkpoints(folder) if not has_ended(path)]
    for path in folder.glob("checkpoint-*"):
        if path not in usable:
            shutil.rmtree(path)


def has_ended(checkpoint: Path) -> bool:
    """Whether its training was to stop there, after all steps or early."""
    state = read_json(checkpoint / "trainer_state.json")
    return bool(state["stateful_callbacks"]["TrainerControl"]["args"]["should_training_stop"])


def best_checkpoint(folder: Path) -> Path | None:
    """The whole checkpoint with the lowest loss on the files held apart; without these, the one with the most steps."""
    found = all_checkpoints(folder)
    for checkpoint in reversed(found):
        chosen = read_json(checkpoint / "trainer_state.json").get("best_global_step")
        named = [path for path in found if step_of(path) == chosen]
        if named:
            return named[0]
    return found[-1] if found else None


def forget_others(cache: Path, keep: str) -> None:
    """Drop the checkpoints of other datasets or parameters: they can never be resumed."""
    for folder in list(cache.iterdir()) if cache.is_dir() else ():
        if folder.name != keep:
            delete_checkpoints(folder)


def delete_checkpoints(folder: Path) -> None:
    """Delete everything of one training, at once as far as a later one can see: it would go on from what is left."""
    aside = folder.with_name(f"{GONE}{folder.name.removeprefix(GONE)}")
    if folder != aside and folder.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
