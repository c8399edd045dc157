"""Question and passage read together: a cross-encoder of sentence-transformers, whose scores order what was found."""

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.encoder.encoder import is_fetched, silence_library
from pipelines.errors import NocturneError
from pipelines.records import read_json

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

MODULES, OWN = "modules.json", "config_sentence_transformers.json"


class Reranker:
    """A loaded cross-encoder.

    Attributes:
        name: as in `search.rerank`.
    """

    def __init__(self, name: str, model: "CrossEncoder") -> None:
        self.name = name
        self._model = model

    def logits(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, before the sigmoid; what a model of this length cannot read is cut.

        Raises:
            NocturneError: the model gives something that is no number.
        """
        from torch.nn import Identity

        pairs = [(question, text) for text in texts]
        # One pair at a time: padding costs a processor more than a batch saves, and changes the low bits.
        made = self._model.predict(pairs, batch_size=1, show_progress_bar=False, activation_fn=Identity())
        logits = [float(one) for one in made]
        if not all(map(math.isfinite, logits)):
            raise NocturneError(
                f"The reranker `{self.name}` gives a passage a score that is no number.",
                'Fetch it again, or set search.rerank to "".',
            )
        return logits


@lru_cache(maxsize=1)
def load_reranker(name: str) -> Reranker:
    """Load a cross-encoder in float32, once per process, on the GPU where there is one.

    Args:
        name: a folder, or a model in the Hugging Face cache. Safetensors only; no code of the model's own runs.

    Raises:
        NocturneError: the model is not to be had, or is none that gives a pair of texts one score.
    """
    with silence_library():
        import torch
        from safetensors import SafetensorError
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging as transformers_logging

        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        try:
            folder = is_fetched(name)
            kind = _kind(folder)
            if kind:
                raise _refuse_kind(name, kind)
            model = CrossEncoder(
                str(folder),
                device="cuda" if torch.cuda.is_available() else "cpu",
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": torch.float32},
            ).eval()
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:160]
            raise NocturneError(
                f"The reranker `{name}` cannot be loaded: {reason}",
                f'Fetch it once, `hf download {name}`, or set search.rerank to "".',
            ) from error
        if model.num_labels != 1:
            raise _refuse_kind(name, f"a classifier of {model.num_labels} classes")
    return Reranker(name, model)


def _kind(folder: Path) -> str:
    """What a model is instead of a cross-encoder, or "". The library takes any, and gives it a random head."""
    if (folder / MODULES).is_file():
        own = read_json(folder / OWN) if (folder / OWN).is_file() else {}
        kind = str(own.get("model_type", "SentenceTransformer"))
        return "" if kind == "CrossEncoder" else f"a {kind}"
    kinds = read_json(folder / "config.json").get("architectures") or ["model without a head"]
    return "" if kinds[0].endswith("ForSequenceClassification") else f"a {kinds[0]}"


def _refuse_kind(name: str, kind: str) -> NocturneError:
    return NocturneError(
        f"search.rerank: `{name}` is {kind}, not a cross-encoder that gives question and passage one score.",
        'Name one, such as cross-encoder/ms-marco-MiniLM-L6-v2 after `hf download`, or set search.rerank to "".',
    )
