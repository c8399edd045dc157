"""What one training is told and what it did: the same in every attempt and every process."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.config.schema import Training
from pipelines.training.model_size import ModelSize
from pipelines.training.preflight import Plan
from pipelines.training.trainer_config import Data

TUNED = "tuned"
PREFERRED = "preferred"
PLAN = "plan.json"
ENDED = "trained.json"


@dataclass(frozen=True)
class Trained:
    """What one training did.

    Attributes:
        log: the loss of every update.
        steps: how many there were, and `planned` how many there could have been without early stopping.
        resumed_at: how many of them an earlier process made.
    """

    log: list[dict[str, float]]
    steps: int
    planned: int
    resumed_at: int
    tokens_per_second: float
    plan: Plan
    preferences: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """What is trained on what, where: the same in every attempt and every process.

    Attributes:
        data: tokenised examples.
        steps: updates.
        folder: where checkpoints of exactly this training are kept.
        begin_with: a folder with an adapter to go on from.
        past: where is remembered what an earlier training reached, to say how long this one will take.
    """

    params: Training
    workspace: Path
    shape: ModelSize
    tokenizer: Any
    data: Data
    steps: int
    folder: Path
    begin_with: Path | None
    past: Path | None = None
