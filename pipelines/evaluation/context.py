"""What the arms with retrieval are shown: passages of other files, found as the assistant would find them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.model.prompts import FimTokens, Passage, chat, fim_tokens, with_context
from pipelines.params import Evaluation, Params
from pipelines.project import Project
from pipelines.records import Record, read_jsonl

# A passage's place and fences in the prompt take tokens too (measured on nano-coder: 10 to 25, by the path's length).
FRAME_TOKENS = 32


@dataclass(frozen=True)
class Excerpt:
    """The beginning of a chunk, in whole lines."""

    path: str
    start_line: int
    end_line: int
    text: str


def found(project: Project, params: Params, examples: Sequence[Record]) -> list[list[Passage]]:
    """For each example the passages that the project's own index finds for its query, best first.

    Nothing of the example's own file is among them: it would hold the answer.
    """
    import numpy as np

    from pipelines.index import temporary_index
    from pipelines.model.encoder import load_encoder

    encoder = load_encoder(params.embedding.model)
    queries = [example["query"] for example in examples]
    vectors = encoder.encode(queries, params.embedding.batch_size)
    wanted = params.evaluation.context_passages
    chunks = list(read_jsonl(project.path("extraction", "chunks.jsonl")))
    with temporary_index(chunks, np.load(project.path("embedding", "vectors.npy"))) as index:
        return [
            list(index.search(query, vector, wanted, without_path=example["path"]))
            for example, query, vector in zip(examples, queries, vectors, strict=True)
        ]


def prompts_with(
    examples: Sequence[Record], passages: Sequence[Sequence[Passage]], tokenizer: Any, length: int, config: Evaluation
) -> list[str]:
    """Each example's prompt with its passages before it, as many whole lines of them as fit.

    Args:
        passages: those of each example, best first.
        length: the longest sequence the model takes, in tokens. A prompt for which there is no room loses its
            beginning, and then the arms would differ in more than the passages.
    """
    fim = fim_tokens(tokenizer)
    prompts = []
    for example, some in zip(examples, passages, strict=True):
        parts = (example["prompt"], example["completion"])
        asked, wanted = (len(tokenizer.encode(part, add_special_tokens=False)) for part in parts)
        room = length - asked - max(wanted, config.max_new_tokens) - 1
        prompts.append(_prompt(example, list(_fitting(some, tokenizer, room, config.context_chars)), tokenizer, fim))
    return prompts


def _prompt(example: Record, shown: Sequence[Passage], tokenizer: Any, fim: FimTokens | None) -> str:
    if example["mode"] == "chat":
        return chat(tokenizer, with_context(example["request"], shown))
    return fim.with_context(example["prompt"], shown) if fim else str(example["prompt"])


def _fitting(passages: Sequence[Passage], tokenizer: Any, tokens: int, chars: int) -> Iterator[Excerpt]:
    for passage in passages:
        tokens -= FRAME_TOKENS
        kept: list[str] = []
        left = chars
        for line in passage.text.splitlines():
            cost = len(tokenizer.encode(line + "\n", add_special_tokens=False))
            left -= len(line) + 1
            if cost > tokens or left < 0:
                break
            kept.append(line)
            tokens -= cost
        if kept:
            yield Excerpt(passage.path, passage.start_line, passage.start_line + len(kept) - 1, "\n".join(kept))
