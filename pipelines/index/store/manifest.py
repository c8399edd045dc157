"""The manifest of an index version: what it holds, sealed by its own hash, written when everything else is there."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pipelines.records import fingerprint

NAME_LETTERS = 12
SCHEMA = 1  # raise it when points are made differently: a version of another schema counts as torn


@dataclass(frozen=True)
class IndexVersion:
    """One immutable version of a project's index.

    Attributes:
        version: named by its content: chunks, vectors, encoder.
        count: chunks in it.
        encoder: the model that made the vectors; queries must use the same one.
        mean_words: words a chunk on average, for BM25.
        layout: how its vectors are kept (`quantization.py`); empty on a server, and where none was chosen.
        recall: of the ten nearest, the share that this layout finds, sampled when it was built; 1 without a layout.
        files: size in bytes, SHA-256 and time of last change (ns) of each file, by its path in the version; empty on a
            server.
    """

    version: str
    count: int
    encoder: str
    dimension: int
    mean_words: float
    layout: str = ""
    recall: float = 1.0
    files: dict[str, list[Any]] = field(default_factory=dict)

    def sealed(self) -> dict[str, Any]:
        """Plain values with a seal over them and SCHEMA, for JSON."""
        values = asdict(self)
        return {**values, "seal": fingerprint(SCHEMA, values)}

    def with_files(self, files: dict[str, list[Any]]) -> "IndexVersion":
        """The same version with its files listed."""
        return replace(self, files=files)

    @classmethod
    def unsealed(cls, values: Any, version: str) -> "IndexVersion | None":
        """The inverse of `sealed`; None when a value was changed, or it is of another version or schema."""
        if not isinstance(values, dict) or values.get("version") != version:
            return None
        fields = {key: value for key, value in values.items() if key != "seal"}
        is_complete = fields.keys() == cls.__dataclass_fields__.keys()
        return cls(**fields) if is_complete and fingerprint(SCHEMA, fields) == values.get("seal") else None


def repair_step(project: str, version: str) -> str:
    """What to do about a damaged version."""
    return (
        f"Run `nocturne index rebuild {version} --project {project}`, or `nocturne nightly {project} --force`; "
        f"`nocturne index verify {version}` says what is wrong with it."
    )
