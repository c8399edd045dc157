"""The manifest of an index version: what it holds, sealed by its own hash, written when everything else is there."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pipelines.records import fingerprint

NAME_LETTERS = 12
SCHEMA = 4  # raise it when points are made differently: the same chunks then become another version


@dataclass(frozen=True)
class IndexVersion:
    """One immutable version of a project's index.

    Attributes:
        version: named by its content: chunks, vectors, encoder, SCHEMA.
        count: chunks in it.
        encoder: the model that made the vectors; queries must use the same one.
        mean_words: words a chunk on average, for BM25.
        layout: how its vectors are kept (`layouts.py`); empty on a server, and where none was chosen.
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
        """Plain values with a seal, for JSON."""
        values = asdict(self)
        return {**values, "seal": fingerprint(SCHEMA, values)}

    def with_files(self, files: dict[str, list[Any]]) -> "IndexVersion":
        """The same version with its files listed."""
        return replace(self, files=files)

    @classmethod
    def unsealed(cls, values: Any, version: str) -> "IndexVersion | None":
        """The inverse of `sealed`; None when a value was changed, or when it is another version's."""
        if not isinstance(values, dict):
            return None
        fields = {key: value for key, value in values.items() if key != "seal"}
        whole = values.get("seal") == fingerprint(SCHEMA, fields) and fields.get("version") == version
        return cls(**fields) if whole and fields.keys() <= cls.__dataclass_fields__.keys() else None


def mending(project: str, version: str) -> str:
    """What to do about a damaged version."""
    return (
        f"Run `nocturne index rebuild {version} --project {project}`, or `nocturne nightly {project} --force`; "
        f"`nocturne index verify {version}` says what is wrong with it."
    )
