"""What a training made of a base model: an adapter, a whole model, or nothing. The folder says so itself, so that who
measures, releases or runs it need not know how it was trained."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.errors import NocturneError
from pipelines.records import read_json, write_json
from pipelines.records.training import Learned

Kind = Literal["adapter", "model", "nothing"]
MANIFEST = "learned.json"


@dataclass(frozen=True)
class AdapterManifest:
    """One training's result.

    Attributes:
        kind: `adapter`: PEFT's files, to be put on the base model. `model`: the weights of a whole model, in place of
            the base model's. `nothing`: the base model as it is.
        quantised: whether the base model belongs in four bits under it, as it was in training.
        folder: where the files are; None for a base model alone.
    """

    kind: Kind
    quantised: bool
    folder: Path | None = None


BARE = AdapterManifest("nothing", quantised=True)


def write_manifest(folder: Path, kind: Kind, quantised: bool) -> None:
    """Write what a folder holds; last, so that its presence means that the rest is whole."""
    learned: Learned = {"kind": kind, "quantised": quantised}
    write_json(folder / MANIFEST, learned)


def read_manifest(folder: Path | None) -> AdapterManifest:
    """What a folder holds; no folder is the bare base model.

    Raises:
        NocturneError: the manifest is missing, or says something that this version does not know.
    """
    if folder is None:
        return BARE
    file = folder / MANIFEST
    said = read_json(file) if file.is_file() else {}
    if not isinstance(said, dict) or said.get("kind") not in ("adapter", "model", "nothing") or "quantised" not in said:
        raise NocturneError(
            f"{file} is missing, or does not say what was learned.",
            "Promote another release (`nocturne releases`), or run `nocturne nightly --force`.",
        )
    return AdapterManifest(said["kind"], bool(said["quantised"]), folder)
