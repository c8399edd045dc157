"""What is seen while training runs: the bar, the live metrics in MLflow, and the sealing of checkpoints. Of several
processes the first one shows and seals."""

import math
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from pipelines import progress
from pipelines.training import checkpoints
from pipelines.training.failures import Diverged
from pipelines.training.launcher import SupportsMetrics
from pipelines.training.watchdog import Watchdog

FIGURES = ("step", "epoch", "loss", "eval_loss", "learning_rate", "grad_norm")
PREFERENCES = ("rewards/accuracies", "rewards/margins")


class Watch(TrainerCallback):
    """Follows one training. Keeps the loss log without any times, so that the log is as reproducible as the adapter."""

    def __init__(self, run: SupportsMetrics, tokens_per_step: float, stalls: Watchdog, prefix: str = "") -> None:
        self.run = run
        self.tokens_per_step = tokens_per_step
        self.stalls = stalls
        self.prefix = prefix
        self.log: list[dict[str, float]] = []
        self.tokens_per_second = 0.0
        self._began = (0.0, 0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take over the log of an interrupted training, and start the clock."""
        self.log = [_figures(entry) for entry in state.log_history if "loss" in entry or "eval_loss" in entry]
        self._began = (time.monotonic(), state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show how far it is."""
        self.stalls.beat()
        began, first = self._began
        done = state.global_step - first
        self.tokens_per_second = done * self.tokens_per_step / max(time.monotonic() - began, 1e-9)
        if not state.is_world_process_zero:
            return
        losses = [entry["loss"] for entry in self.log if "loss" in entry]
        loss = f"loss {losses[-1]:.3f}, " if losses else ""
        unit = f"{self.prefix}steps"
        progress.report(state.global_step, state.max_steps, unit, f"{loss}{self.tokens_per_second:,.0f} tokens/s")

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Keep and publish the figures; a loss or gradient that is no number ends the training, before it is saved."""
        if not logs or not ("loss" in logs or "eval_loss" in logs):
            return
        entry = _figures({**logs, "step": state.global_step})
        broken = {key: value for key, value in entry.items() if not math.isfinite(value)}
        if broken:
            key, value = next(iter(broken.items()))
            raise Diverged(
                f"The training's {key} became {value} at step {state.global_step}.",
                "Lower training.learning_rate in params.local.yaml and run `nocturne nightly` again.",
            )
        self.log.append(entry)
        if not state.is_world_process_zero:
            return
        figures = {self.prefix + key: value for key, value in entry.items() if key not in ("step", "epoch")}
        self.run.metrics({**figures, self.prefix + "tokens_per_second": self.tokens_per_second}, state.global_step)

    def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A batch of the files held apart is measured: it lives."""
        self.stalls.alive()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The checkpoint is written, once every process has written its part: seal it."""
        args.distributed_state.wait_for_everyone()
        if state.is_world_process_zero:
            checkpoints.seal_checkpoint(Path(args.output_dir) / f"checkpoint-{state.global_step}")
        self.stalls.alive()


def _figures(entry: dict[str, Any]) -> dict[str, float]:
    return {key: float(entry[key]) for key in (*FIGURES, *PREFERENCES) if key in entry}
