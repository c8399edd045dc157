"""How a prompt and its completion become tokens: once, for training and for measuring alike."""

from dataclasses import dataclass
from typing import Any

from pipelines.lm.prompts import fim_tokens


@dataclass(frozen=True)
class Encoded:
    """Token ids; those of the completion are `ids[start:stop]`, and one end token follows them."""

    ids: list[int]
    start: int
    stop: int


def encode(tokenizer: Any, prompt: str, completion: str, limit: int) -> Encoded:
    """Tokenise the two parts apart, so that the prompt's tokens do not depend on the completion.

    A prompt that does not fit `limit` tokens loses its beginning; then the completion loses its end.
    """
    wanted = tokenizer.encode(completion, add_special_tokens=False)[: limit - 2]
    given = tokenizer.encode(prompt, add_special_tokens=False)
    given = given[-(limit - 1 - len(wanted)) :]
    end = end_token_id(tokenizer, prompt)
    return Encoded([*given, *wanted, end], len(given), len(given) + len(wanted))


def end_token_id(tokenizer: Any, prompt: str) -> int:
    """The token that ends a completion: the family's own after fill-in-the-middle, else the end of the turn."""
    fim = fim_tokens(tokenizer)
    token = fim.end if fim and prompt.endswith(fim.middle) else tokenizer.eos_token
    return int(tokenizer.convert_tokens_to_ids(token))


def stop_token_ids(tokenizer: Any, generation_config: Any) -> list[int]:
    """Every token at which generation ends: the model's own, the end of the turn, the end of a middle, a next file."""
    configured = generation_config.eos_token_id
    ids = set(configured if isinstance(configured, list) else [configured])
    ids.add(tokenizer.eos_token_id)
    fim = fim_tokens(tokenizer)
    if fim:
        ids |= {tokenizer.convert_tokens_to_ids(token) for token in (fim.end, fim.file) if token}
    return sorted(int(token) for token in ids if token is not None)
