"""The release's language model, loaded once, and prompts that fit it."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from pipelines.assistant.protocols import Live
from pipelines.errors import NocturneError
from pipelines.index import Hit
from pipelines.lm import prompts
from pipelines.project import Project


class Writer(Protocol):
    """What is asked of a causal language model here; `pipelines.lm.causal.CausalLM` is one."""

    @property
    def tokenizer(self) -> Any: ...
    @property
    def max_length(self) -> int: ...
    def generate(self, prompts: Sequence[str], max_new_tokens: int) -> list[str]: ...


def load_writer(project: Project, live: Live) -> tuple[Writer, list[str]]:
    """The release's adapter on its base; the base alone, and a notice that says why, when the adapter is broken.

    Raises:
        NocturneError: the base model is not to be had either.
    """
    try:
        return _load(live.base_model, live.adapter, project.workspace), []
    except NocturneError as error:
        writer = _load(live.base_model, None, project.workspace)
        return writer, [f"This is the base model without what was learned. {error.fact} {error.next_step}"]


@lru_cache(maxsize=1)
def _load(base_model: str, adapter: Path | None, workspace: Path) -> Writer:
    from pipelines.lm.causal import CausalLM

    return CausalLM.load(base_model, adapter, workspace)


def build_prompt(writer: Writer, question: str, hits: Sequence[Hit], max_new_tokens: int) -> tuple[str, list[Hit]]:
    """The chat prompt of a question with as many passages, best first, as leave room for the answer; and these."""
    room = writer.max_length - max_new_tokens
    for count in range(len(hits), -1, -1):
        shown = list(hits[:count])
        request = prompts.add_context(prompts.answer_prompt(question), shown)
        prompt = prompts.apply_chat_template(writer.tokenizer, request)
        if tokens(writer, prompt) <= room:
            return prompt, shown
    return prompt, []


def tokens(writer: Writer, text: str) -> int:
    """How many tokens of the model's a text is."""
    return len(writer.tokenizer.encode(text, add_special_tokens=False))
