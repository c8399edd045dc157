"""A causal language model with an adapter that can be switched off: measuring completions, and generating them."""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import NocturneError
from pipelines.model.base import load_base, load_tokenizer, unpacked
from pipelines.model.tokens import Encoded, encode, stop_token_ids

BATCH_TOKENS = 4096


@dataclass(frozen=True)
class CausalLM:
    """A base model in four bits, its tokenizer, and whether an adapter is attached."""

    model: Any
    tokenizer: Any
    has_adapter: bool

    @classmethod
    def load(cls, base_model: str, adapter: Path | None, workspace: Path, threads: int | None = None) -> "CausalLM":
        """Load the base and, when given, attach the adapter in that folder.

        Raises:
            NocturneError: the base model is not to be had, or the adapter does not fit it.
        """
        import torch

        if threads:
            torch.set_num_threads(threads)
        tokenizer = load_tokenizer(base_model, workspace)
        model = unpacked(load_base(base_model, workspace))
        if adapter is not None:
            model = _attach(model, adapter)
        return cls(model.eval(), tokenizer, adapter is not None)

    @property
    def max_length(self) -> int:
        """The longest sequence the base model takes, in tokens."""
        return int(self.model.config.max_position_embeddings)

    def score(self, pairs: Sequence[tuple[str, str]], *, adapted: bool) -> list[float]:
        """Bits (−log2 p) of each completion given its prompt, in the pairs' order; the end token does not count.

        Args:
            pairs: (prompt, completion). A prompt that is too long loses its beginning.
            adapted: with the adapter, or with the base model alone.
        """
        encoded = [encode(self.tokenizer, prompt, completion, self.max_length) for prompt, completion in pairs]
        bits = [0.0] * len(encoded)
        with self._as(adapted):
            for batch in _batches([len(e.ids) for e in encoded]):
                for index, value in zip(batch, self._score([encoded[i] for i in batch]), strict=True):
                    bits[index] = value
        return bits

    def generate(self, prompts: Sequence[str], max_new_tokens: int, *, adapted: bool = True) -> list[str]:
        """The most likely continuation of each prompt (greedy), up to an end token, in the prompts' order."""
        room = self.max_length - max_new_tokens
        encoded = [self.tokenizer.encode(p, add_special_tokens=False)[-room:] for p in prompts]
        texts = [""] * len(encoded)
        with self._as(adapted and self.has_adapter):
            for batch in _batches([len(ids) + max_new_tokens for ids in encoded]):
                for index, text in zip(batch, self._generate([encoded[i] for i in batch], max_new_tokens), strict=True):
                    texts[index] = text
        return texts

    @contextmanager
    def _as(self, adapted: bool) -> Iterator[None]:
        import torch

        if adapted and not self.has_adapter:
            raise ValueError("no adapter is attached")
        bare = self.model.disable_adapter() if self.has_adapter and not adapted else nullcontext()
        with torch.inference_mode(), bare:
            yield

    def _score(self, batch: list[Encoded]) -> list[float]:
        import torch

        width = max(len(e.ids) for e in batch)
        ids = torch.full((len(batch), width), self.tokenizer.pad_token_id)
        for row, one in enumerate(batch):
            ids[row, : len(one.ids)] = torch.tensor(one.ids)
        # Logits are wanted only where a completion's token is predicted. Padding stands on the right, where a causal
        # model cannot see it, so there is no mask, and attention takes its fast path.
        wanted = sorted({place for one in batch for place in range(one.start - 1, one.stop - 1)})
        where = {place: index for index, place in enumerate(wanted)}
        kept = torch.tensor(wanted, device=self.model.device)
        logits = self.model(input_ids=ids.to(self.model.device), logits_to_keep=kept, use_cache=False).logits
        found = []
        for row, one in enumerate(batch):
            first = where[one.start - 1]
            predicted = logits[row, first : first + one.stop - one.start].float().log_softmax(-1)
            tokens = torch.tensor(one.ids[one.start : one.stop], device=predicted.device)
            nats = -predicted.gather(-1, tokens[:, None]).double().sum().item()
            found.append(nats / math.log(2))
        return found

    def _generate(self, batch: list[list[int]], max_new_tokens: int) -> list[str]:
        import torch

        width = max(len(ids) for ids in batch)
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(one)) + one for one in batch], device=self.model.device)
        mask = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in batch], device=self.model.device)
        made = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=pad,
            eos_token_id=stop_token_ids(self.tokenizer, self.model.generation_config),
        )
        texts: list[str] = self.tokenizer.batch_decode(made[:, width:], skip_special_tokens=True)
        return texts


def _attach(model: Any, adapter: Path) -> Any:
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, str(adapter), is_trainable=False)
    except (OSError, ValueError, RuntimeError, KeyError, json.JSONDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise NocturneError(
            f"The adapter in {adapter} cannot be loaded on this base model: {reason}",
            "Promote another release (`nocturne releases`), or run `nocturne nightly --force`.",
        ) from error


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
