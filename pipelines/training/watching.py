"""What is seen while training runs: the bar, the live metrics in MLflow, and the sealing of checkpoints."""

import math
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from pipelines import progress
from pipelines.errors import NocturneError
from pipelines.registry.tracking import LiveRun
from pipelines.training import checkpoints


class Watch(TrainerCallback):
    """Follows one training. Keeps the loss log without any times, so that the log is as reproducible as the adapter."""

    def __init__(self, run: LiveRun, tokens_per_step: float) -> None:
        self.run = run
        self.tokens_per_step = tokens_per_step
        self.log: list[dict[str, float]] = []
        self.tokens_per_second = 0.0
        self._began = (0.0, 0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take over the log of an interrupted training, and start the clock."""
        self.log = [_figures(entry) for entry in state.log_history if "loss" in entry]
        self._began = (time.monotonic(), state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show how far it is."""
        began, first = self._began
        done = state.global_step - first
        self.tokens_per_second = done * self.tokens_per_step / max(time.monotonic() - began, 1e-9)
        loss = f"loss {self.log[-1]['loss']:.3f}, " if self.log else ""
        progress.report(state.global_step, state.max_steps, "steps", f"{loss}{self.tokens_per_second:,.0f} tokens/s")

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Keep and publish the figures; a loss that is no number ends the training."""
        if not logs or "loss" not in logs:
            return
        entry = _figures({**logs, "step": state.global_step})
        if not math.isfinite(entry["loss"]):
            raise NocturneError(
                f"The training loss became {entry['loss']} at step {state.global_step}.",
                "Lower training.learning_rate in params.yaml and run `nocturne nightly` again.",
            )
        self.log.append(entry)
        self.run.metrics(
            {
                "loss": entry["loss"],
                "learning_rate": entry["learning_rate"],
                "tokens_per_second": self.tokens_per_second,
            },
            state.global_step,
        )

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The checkpoint is written: seal it."""
        checkpoints.seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")


def _figures(entry: dict[str, Any]) -> dict[str, float]:
    kept = ("step", "epoch", "loss", "learning_rate", "grad_norm")
    return {key: float(entry[key]) for key in kept if key in entry}
