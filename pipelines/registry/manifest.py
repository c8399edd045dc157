"""What a release says about itself: everything its adapter belongs with, kept in the tags of its model version."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.errors import NocturneError

PREFIX = "nocturne."
ADAPTER = "adapter"  # the folder of a run that has its files
GATE = PREFIX + "gate."
TAG_CHARS = 5000  # what every database that MLflow works on takes; PostgreSQL refuses longer ones


@dataclass(frozen=True)
class Manifest:
    """What an adapter belongs with; stored in the tags of its version.

    Attributes:
        night: identity of the evaluated artifacts and the gates; two nights with the same one would decide the same.
        dataset_sha256: of train.jsonl.
        dataset_dvc: what DVC calls the dataset's folder; its cache gives the bytes back by that name.
        gates: one row a gate, as the verdict gives them.
        index_dvc: by stage, what DVC calls the folders with the chunks and vectors that the index is made of; empty
            when something of them was forgotten.
        adapter_from: the release whose adapter this is, where a night released its index alone; None for a release
            with an adapter of its own.
    """

    night: str
    training: str
    commit: str
    base_model: str
    base_identity: str
    chat_template_sha256: str
    dataset_sha256: str
    dataset_dvc: str
    index_version: str
    encoder: str
    dimension: int
    gates: list[dict[str, Any]]
    index_dvc: dict[str, str] = field(default_factory=dict)
    adapter_from: int | None = None

    @property
    def folders(self) -> set[str]:
        """What DVC's cache keeps for it; a release without a trained adapter has no dataset."""
        return {name for name in (self.dataset_dvc, *self.index_dvc.values()) if name}

    def tags(self) -> dict[str, str]:
        """One string a field, and one a gate."""
        plain = {PREFIX + key: json.dumps(value) for key, value in asdict(self).items() if key != "gates"}
        return plain | {f"{GATE}{number:03}": _row(gate) for number, gate in enumerate(self.gates)}

    @classmethod
    def of(cls, tags: dict[str, str]) -> "Manifest":
        """The inverse of `tags`.

        Raises:
            NocturneError: a tag is missing: the version was not made by a night.
        """
        gates = [json.loads(tags[key]) for key in sorted(tags) if key.startswith(GATE)]
        names = cls.__dataclass_fields__.keys() - {"gates"}
        try:
            return cls(**{key: json.loads(tags[PREFIX + key]) for key in names}, gates=gates)
        except KeyError as missing:
            raise NocturneError(
                f"A model version in MLflow lacks the tag {missing}: no night of this Nocturne made it.",
                "Move `champion` to a release: `nocturne releases`, then `nocturne promote VERSION`.",
            ) from None


def _row(gate: dict[str, Any]) -> str:
    """A gate as JSON; one that is too long for a tag loses its lists, which stand in the night's report."""
    text = json.dumps(gate)
    if len(text) <= TAG_CHARS:
        return text
    return json.dumps({key: value for key, value in gate.items() if not isinstance(value, list | dict)})
