"""What the assistant needs to know of the release that is live."""

from pathlib import Path
from typing import Protocol


class Live(Protocol):
    """One release: the parts that belong together. The registry's `champion` is such a one.

    Attributes:
        index_version: the index whose chunks are searched.
        encoder: the model that made its vectors, and must make those of the questions.
        base_model: as in `training.base_model`.
        adapter: the folder of the adapter trained on that base.
    """

    @property
    def index_version(self) -> str: ...
    @property
    def encoder(self) -> str: ...
    @property
    def base_model(self) -> str: ...
    @property
    def adapter(self) -> Path: ...
