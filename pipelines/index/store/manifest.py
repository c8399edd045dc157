"""The manifest of an index version: what it holds, sealed by its own hash, written when everything else is there."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pipelines.records import fingerprint

NAME_LETTERS = 12
SCHEMA = 6  # raise it when points are made differently: a version made before is then made anew of what it holds
EARLIER = "was made by an earlier version of Nocturne"


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
        schema: how its points were made; only those of SCHEMA are searched. It is known by the seal.
    """

    version: str
    count: int
    encoder: str
    dimension: int
    mean_words: float
    layout: str = ""
    recall: float = 1.0
    files: dict[str, list[Any]] = field(default_factory=dict)
    schema: int = SCHEMA

    def sealed(self) -> dict[str, Any]:
        """Plain values with a seal, for JSON."""
        values = asdict(self)
        schema = values.pop("schema")
        return {**values, "seal": fingerprint(schema, values)}

    def with_files(self, files: dict[str, list[Any]]) -> "IndexVersion":
        """The same version with its files listed."""
        return replace(self, files=files)

    def again(self) -> "IndexVersion":
        """The same version, to be built: it has no files yet, and its points will be made as they are made now."""
        return replace(self, files={}, schema=SCHEMA)

    @classmethod
    def unsealed(cls, values: Any, version: str) -> "IndexVersion | None":
        """The inverse of `sealed`, of any schema up to SCHEMA; None when a value was changed, or it is another's."""
        if not isinstance(values, dict) or values.get("version") != version:
            return None
        fields = {key: value for key, value in values.items() if key != "seal"}
        known = fields.keys() <= cls.__dataclass_fields__.keys() - {"schema"}
        schemas = (one for one in range(SCHEMA, 0, -1) if fingerprint(one, fields) == values.get("seal"))
        schema = next(schemas, None) if known else None
        return None if schema is None else cls(**fields, schema=schema)


def repair_step(project: str, version: str) -> str:
    """What to do about a damaged version."""
    return (
        f"Run `nocturne index rebuild {version} --project {project}`, or `nocturne nightly {project} --force`; "
        f"`nocturne index verify {version}` says what is wrong with it."
    )
