"""Encoders of every other kind, by sentence-transformers: on the GPU where there is one, one text at a time."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import NocturneError

if TYPE_CHECKING:
    import numpy as np

AHEAD = 8  # texts a thread that are tokenized ahead
_torch_threads = threading.Lock()  # torch's thread count belongs to the process


class SentenceTransformersBackend:
    """A SentenceTransformer that answers as the encoders of our own do."""

    def __init__(self, folder: Path, precision: str, threads: int, trust_remote_code: bool = False) -> None:
        """Load a model from its folder: safetensors only.

        Args:
            precision: `fp32` or `bf16`.
            threads: on a processor, how many texts at a time; each has one of torch's threads.
            trust_remote_code: whether code that lies beside the weights may run.

        Raises:
            NocturneError: there is no such variant of it.
        """
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        if precision not in ("fp32", "bf16"):
            raise NocturneError(
                f"{folder} is not of the plain kind (BERT, mean of the tokens), and cannot be made `{precision}`.",
                "Set embedding.variant to fp32 or bf16.",
            )
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self._model = SentenceTransformer(
            str(folder),
            device="cuda" if torch.cuda.is_available() else "cpu",
            trust_remote_code=trust_remote_code,
            local_files_only=True,
            model_kwargs={"use_safetensors": True, "dtype": dtype},
        ).eval()
        gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
        self.processor: str = gpu or torch.backends.cpu.get_cpu_capability()
        self.dimension = int(self._model.get_embedding_dimension())
        self.max_tokens = int(self._model.max_seq_length or 0)
        self.prompts: dict[str, str] = {name: text for name, text in self._model.prompts.items() if text}
        default = self._model.default_prompt_name
        if default:
            self.prompts = {
                name: self.prompts.get(name, self.prompts.get(default, "")) for name in ("query", "document")
            }
        # On a GPU one thread: its streams would only wait for each other.
        self._threads = 1 if torch.cuda.is_available() else threads

    def vectors(self, texts: Sequence[str], prompt: str = "") -> "Iterator[np.ndarray]":
        """The model's vector of each text, (dimension,), in their order."""
        with _use_one_torch_thread() as pin, ThreadPoolExecutor(self._threads, initializer=pin) as pool:
            step = self._threads * AHEAD
            for start in range(0, len(texts), step):
                # Here and not in the threads: a fast tokenizer that truncates cannot be shared between threads.
                features = [
                    self._model.preprocess([text], prompt=prompt or None) for text in texts[start : start + step]
                ]
                yield from pool.map(self._forward, features)

    def _forward(self, features: Any) -> "np.ndarray":
        import torch
        from sentence_transformers.util import batch_to_device

        with torch.inference_mode():
            made = self._model(batch_to_device(features, self._model.device))["sentence_embedding"][0]
            vector: np.ndarray = made.float().cpu().numpy()
        return vector


@contextmanager
def _use_one_torch_thread() -> Iterator[Any]:
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
