"""The order of the examples: the same whatever goes through at once, in how many processes, and after a kill.

transformers groups examples of like length by what one process takes, draws the order of every pass from torch's global
generator, whose state at the begin of a pass is in no checkpoint, and fills the last batch of several processes with
examples of the first.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices
from trl import SFTTrainer

from pipelines.records import Record
from pipelines.training.tokenize import IGNORED


class Order(Sampler[int]):
    """Examples of like length together, in another order each pass; after them what fills the last batch."""

    def __init__(self, lengths: Sequence[int], filling: int, batch: int, seed: int, done: Callable[[], int]) -> None:
        """
        Args:
            lengths: of the examples, in tokens.
            filling: how many rows follow them that teach nothing.
            batch: examples of one update.
            done: how many updates there were, which tells the pass.
        """
        self._lengths, self._filling, self._batch, self._seed, self._done = lengths, filling, batch, seed, done

    def __len__(self) -> int:
        return len(self._lengths) + self._filling

    def __iter__(self) -> Iterator[int]:
        passes = self._done() // -(-len(self._lengths) // self._batch)
        # The seed of the first pass is that of the whole training, and each process has set it.
        generator = torch.Generator().manual_seed(self._seed + passes) if passes else None
        yield from get_length_grouped_indices(self._lengths, self._batch, generator=generator)
        yield from range(len(self._lengths), len(self))


def fill_last_batch(rows: Sequence[Record], share: int, token: int) -> list[Record]:
    """The rows, and after them rows without a label, so that each process has as many.

    Args:
        share: what goes through all processes at once.
        token: any id of the vocabulary.
    """
    nothing = {"input_ids": [token, token], "labels": [IGNORED, IGNORED], "length": 2}
    return [*rows, *([nothing] * (-len(rows) % share))]


class OrderedTrainer(SFTTrainer):
    """SFTTrainer on rows in this order. `examples` says how many of them are examples; the others fill."""

    def __init__(self, *arguments: Any, examples: int, **named: Any) -> None:
        self._examples = examples
        super().__init__(*arguments, **named)

    def _get_train_sampler(self, train_dataset: Any = None) -> Order:
        args = self.args
        batch = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
        lengths = self.train_dataset[args.length_column_name][:]
        filling = len(lengths) - self._examples
        return Order(lengths[: self._examples], filling, batch, args.seed, lambda: self.state.global_step)
