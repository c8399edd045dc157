"""What the arms with retrieval are shown: passages of other files, found as the assistant would find them."""

from collections.abc import Sequence
from typing import Any

from pipelines.config.schema import Evaluation, Params
from pipelines.lm.context_packing import Prompted, choose_fitting, prompt_with_context
from pipelines.lm.prompts import Passage, fim_tokens
from pipelines.project import Project
from pipelines.records import read_json


class Question(Prompted):
    """What is asked of a model, and what the index is searched with for it."""

    task: str
    query: str
    completion: str
    path: str


def find_passages(project: Project, params: Params, examples: Sequence[Question]) -> list[list[Passage]]:
    """For each example the passages that the project's own index finds for its query, best first.

    Nothing of the example's own file is among them: it would hold the answer. An example of the recipe `retrieval`
    has its passages already, and gets none.
    """
    from pipelines.encoder.encoder import load_encoder
    from pipelines.index import Scope, private_index

    written = read_json(project.path("embedding", "embedding.json"))["model"]
    encoder = load_encoder(written, trust_remote_code=params.embedding.trust_remote_code)
    queries = [example["query"] for example in examples]
    vectors = encoder.encode_queries(queries)
    wanted = [0 if e["task"] == "retrieval" else params.evaluation.context_passages for e in examples]
    with private_index(project) as index:
        return [
            list(index.search(query, vector, limit, Scope(must_not={"path": [example["path"]]})))
            for example, query, vector, limit in zip(examples, queries, vectors, wanted, strict=True)
        ]


def add_passages(
    examples: Sequence[Question], passages: Sequence[Sequence[Passage]], tokenizer: Any, length: int, config: Evaluation
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
        prompts.append(
            prompt_with_context(
                example, list(choose_fitting(some, tokenizer, room, config.context_chars)), tokenizer, fim
            )
        )
    return prompts
