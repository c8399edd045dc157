"""The ways to compute one encoder, fastest last, and what is made of its weights once and kept."""

import os
import shutil
import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipelines.encoder.minilm import BertGraph
from pipelines.errors import NocturneError
from pipelines.records import fingerprint, tree_sha256

PLACE = "NOCTURNE_ENCODERS"  # where what is made of weights is kept; a workspace's is data/.encoders
RANGES = "ranges.safetensors"


class Variant(StrEnum):
    """How an encoder is computed."""

    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"
    STATIC = "static"

    def version(self, weights: Any) -> str:
        """8 hex digits over the hashes of weights and vocabulary, and the way from them to this variant."""
        # Raise a number when the variant's vectors change: nothing that was made before is then mixed with them.
        ways = {Variant.FP32: 2, Variant.BF16: 2, Variant.INT8: 3, Variant.STATIC: 3}
        return fingerprint(str(self), ways[self], weights)[:8]


def possible_variants(folder: Path, trust_remote_code: bool) -> list[Variant]:
    """The variants that this model has on this processor, fastest first (benchmarks/index/embedding.py)."""
    from pipelines.encoder.openvino_backend import has_bfloat16

    if trust_remote_code or BertGraph.load(folder) is None:
        return [Variant.FP32]
    return [Variant.STATIC, Variant.INT8, *([Variant.BF16] if has_bfloat16() else []), Variant.FP32]


def make_encoder(
    folder: Path, variant: Variant, version: str, threads: int, trust_remote_code: bool
) -> tuple[Any, str]:
    """The model in a folder, ready to run as that variant, and what else its bytes depend on: what was made for
    it, or torch's processor.

    Raises:
        NocturneError: a model of this kind, or this processor, has no such variant.
    """
    from pipelines.encoder.openvino_backend import OpenVinoBackend

    if variant is Variant.STATIC and (kept := _place(version)).is_dir():
        from pipelines.encoder.static_backend import StaticBackend

        return StaticBackend.load(kept), tree_sha256(kept)
    bert = None if trust_remote_code else BertGraph.load(folder)
    if bert is None:
        from pipelines.encoder.sentence_transformers_backend import SentenceTransformersBackend

        model = SentenceTransformersBackend(folder, variant, threads, trust_remote_code)
        return model, model.processor
    if variant is Variant.STATIC:
        from pipelines.encoder.static_backend import StaticBackend, distil

        network = OpenVinoBackend(bert, Variant.FP32, threads)
        kept = _make_once(version, lambda place: distil(bert, network, place))
        return StaticBackend.load(kept), tree_sha256(kept)
    if variant is Variant.INT8:
        kept = _make_once(version, lambda place: _write_ranges(bert, place))
        return OpenVinoBackend(bert, variant, threads, _read_ranges(kept)), tree_sha256(kept)
    return OpenVinoBackend(bert, variant, threads), ""


def _write_ranges(bert: BertGraph, place: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    from pipelines.encoder.openvino_backend import calibrate

    ranges = calibrate(bert)
    scales = {f"{name}.scale": one.scale for name, one in ranges.items()}
    ends = {f"{name}.ends": np.array([one.low, one.high], dtype=np.float32) for name, one in ranges.items()}
    apart = {f"{name}.apart": one.apart for name, one in ranges.items()}
    save_file({**scales, **ends, **apart}, place / RANGES)


def _read_ranges(place: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    from pipelines.encoder.openvino_backend import Range

    kept = load_file(place / RANGES)
    names = sorted({key.rpartition(".")[0] for key in kept})
    parts = {name: [kept[f"{name}.{part}"] for part in ("scale", "ends", "apart")] for name in names}
    return {name: Range(scale, float(low), float(high), apart) for name, (scale, (low, high), apart) in parts.items()}


def _place(version: str) -> Path:
    home = os.environ.get(PLACE) or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nocturne"
    return Path(home) / version


def _make_once(version: str, make: Callable[[Path], None]) -> Path:
    """A folder that is there whole or not at all."""
    place = _place(version)
    if place.is_dir():
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f"{version}.", dir=place.parent))
    except OSError as error:
        raise NocturneError(
            f"{place.parent} cannot be written: {error}.", f"Set ${PLACE} to a folder that can be, or free some space."
        ) from error
    try:
        make(aside)
        try:
            aside.rename(place)
        except OSError:
            if not place.is_dir():  # another process was first, with the same
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return place
