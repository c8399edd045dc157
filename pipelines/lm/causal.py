"""A causal language model with and without what it learned: measuring completions, and generating them."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from pipelines.errors import NocturneError
from pipelines.lm.adapter_manifest import AdapterManifest, read_manifest
from pipelines.lm.base_model import dequantize, load_base, load_tokenizer, load_weights
from pipelines.lm.tokenize import Encoded, encode, stop_token_ids

BATCH_TOKENS = 4096


@dataclass(frozen=True)
class CausalLM:
    """A base model and what a training made of it.

    Attributes:
        model: what answers: the base model, with the adapter on it when there is one, or the whole trained model.
        adapted: whether something was learned; without, there is the base model alone.
        bare: loads the base model that `model` is measured against; None where the same weights serve.
    """

    model: Any
    tokenizer: Any
    adapted: bool
    bare: Callable[[], Any] | None = None

    @classmethod
    def load(cls, base_model: str, adapter: Path | None, workspace: Path, threads: int | None = None) -> "CausalLM":
        """Load the base and, when given, what the training in that folder made of it (see `read_manifest`).

        Raises:
            NocturneError: the base model is not to be had, or what was learned does not fit it.
        """
        import torch

        if threads:
            torch.set_num_threads(threads)
        tokenizer = load_tokenizer(base_model, workspace)
        made = read_manifest(adapter)
        base = partial(_bare, base_model, workspace, made.quantised)
        if made.kind == "model":
            return cls(_whole(made).eval(), tokenizer, True, lru_cache(maxsize=1)(base))
        model = _attach(base(), made) if made.kind == "adapter" else base()
        return cls(model.eval(), tokenizer, made.kind == "adapter")

    @property
    def max_length(self) -> int:
        """The longest sequence the base model takes, in tokens."""
        return int(self.model.config.max_position_embeddings)

    def score(self, pairs: Sequence[tuple[str, str]], *, adapted: bool) -> list[float]:
        """Bits (−log2 p) of each completion given its prompt, in the pairs' order; the end token does not count.

        Args:
            pairs: (prompt, completion). A prompt that is too long loses its beginning.
            adapted: with what was learned, or with the base model alone.
        """
        encoded = [encode(self.tokenizer, prompt, completion, self.max_length) for prompt, completion in pairs]
        bits = [0.0] * len(encoded)
        with self._as(adapted) as model:
            for batch in _batches([len(e.ids) for e in encoded]):
                for index, value in zip(batch, self._score(model, [encoded[i] for i in batch]), strict=True):
                    bits[index] = value
        return bits

    def generate(self, prompts: Sequence[str], max_new_tokens: int, *, adapted: bool = True) -> list[str]:
        """The most likely continuation of each prompt (greedy), up to an end token, in the prompts' order."""
        room = self.max_length - max_new_tokens
        encoded = [self.tokenizer.encode(p, add_special_tokens=False)[-room:] for p in prompts]
        texts = [""] * len(encoded)
        with self._as(adapted and self.adapted) as model:
            for batch in _batches([len(ids) + max_new_tokens for ids in encoded]):
                made = self._generate(model, [encoded[i] for i in batch], max_new_tokens)
                for index, text in zip(batch, made, strict=True):
                    texts[index] = text
        return texts

    @property
    def scales(self) -> bool:
        """Whether what was learned can be put on at a part of its strength."""
        return self.adapted and self.bare is None

    @contextmanager
    def scaled(self, scale: float) -> Iterator[None]:
        """The adapter at a part of its strength while the block lasts: 0 is the base model, 1 as trained."""
        from peft.helpers import rescale_adapter_scale

        with rescale_adapter_scale(self.model, scale):
            yield

    @contextmanager
    def _as(self, adapted: bool) -> Iterator[Any]:
        """The model to ask: as it was trained, or the base model."""
        import torch

        if adapted and not self.adapted:
            raise ValueError("there is no adapter, nor anything else that was learned")
        with torch.inference_mode():
            if adapted or not self.adapted:
                yield self.model
            elif self.bare is not None:
                yield self.bare().eval()
            else:
                with self.model.disable_adapter():
                    yield self.model

    def _score(self, model: Any, batch: list[Encoded]) -> list[float]:
        import torch

        width = max(len(e.ids) for e in batch)
        ids = torch.full((len(batch), width), self.tokenizer.pad_token_id)
        for row, one in enumerate(batch):
            ids[row, : len(one.ids)] = torch.tensor(one.ids)
        # Logits are wanted only where a completion's token is predicted. Padding stands on the right, where a causal
        # model cannot see it, so there is no mask, and attention takes its fast path.
        wanted = sorted({place for one in batch for place in range(one.start - 1, one.stop - 1)})
        where = {place: index for index, place in enumerate(wanted)}
        kept = torch.tensor(wanted, device=model.device)
        logits = model(input_ids=ids.to(model.device), logits_to_keep=kept, use_cache=False).logits
        found = []
        for row, one in enumerate(batch):
            first = where[one.start - 1]
            predicted = logits[row, first : first + one.stop - one.start].float().log_softmax(-1)
            tokens = torch.tensor(one.ids[one.start : one.stop], device=predicted.device)
            nats = -predicted.gather(-1, tokens[:, None]).double().sum().item()
            found.append(nats / math.log(2))
        return found

    def _generate(self, model: Any, batch: list[list[int]], max_new_tokens: int) -> list[str]:
        import torch

        width = max(len(ids) for ids in batch)
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(one)) + one for one in batch], device=model.device)
        mask = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in batch], device=model.device)
        made = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=pad,
            eos_token_id=stop_token_ids(self.tokenizer, model.generation_config),
        )
        texts: list[str] = self.tokenizer.batch_decode(made[:, width:], skip_special_tokens=True)
        return texts


def _bare(base_model: str, workspace: Path, quantised: bool) -> Any:
    return dequantize(load_base(base_model, workspace, quantised))


def _whole(made: AdapterManifest) -> Any:
    try:
        return load_weights(str(made.folder))
    except NocturneError as error:
        raise _unfit(made, error.fact) from error


def _attach(model: Any, made: AdapterManifest) -> Any:
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, str(made.folder), is_trainable=False)
    except (OSError, ValueError, RuntimeError, KeyError, json.JSONDecodeError) as error:
        raise _unfit(made, str(error)) from error


def _unfit(made: AdapterManifest, reason: str) -> NocturneError:
    return NocturneError(
        f"The {made.kind} in {made.folder} cannot be loaded: {' '.join(reason.split())[:200]}",
        "Promote another release (`nocturne releases`), or run `nocturne nightly --force`.",
    )


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of similar length together, so that little is padding; at most BATCH_TOKENS a batch."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if batch and lengths[index] * (len(batch) + 1) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
