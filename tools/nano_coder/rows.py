"""The rows of token ids that tools.nano_coder.shards wrote, in an order that changes with every pass."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch


class Rows:
    """All rows of the shards in an order that changes with every pass; `position` counts rows read so far."""

    def __init__(self, folder: Path, position: int = 0) -> None:
        if not (folder / "shards.json").exists():
            raise SystemExit(f"{folder} holds no complete shards. Run `python -m tools.nano_coder.shards` first.")
        self.shards = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("rows-*.npy"))]
        self.starts = np.cumsum([0, *map(len, self.shards)])
        self.position = position

    def batches(self, size: int) -> Iterator[torch.Tensor]:
        """Endless (size, 1024) batches of token ids."""
        total = int(self.starts[-1])
        while True:
            order = np.random.default_rng(self.position // total).permutation(total)
            for first in range(self.position % total, total - size + 1, size):
                self.position += size
                yield torch.from_numpy(np.stack([self._row(row) for row in order[first : first + size]]))
            self.position += -self.position % total

    def _row(self, row: int) -> np.ndarray:
        shard = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.shards[shard][row - self.starts[shard]].astype(np.int64)
