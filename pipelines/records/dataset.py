"""What the dataset stage writes: examples and pairs with their provenance, and what became neither.

Provenance is that of the file or edit that an example is made of; the byte range is that of the completion.
"""

from typing import Annotated, NotRequired, TypedDict, final

from pipelines.records.extraction import Origin, Span


class Provenance(Origin, Span):
    """Where a row is from."""

    license: Annotated[str, "SPDX expression of the file today; `unknown` where nothing states one"]
    path_then: NotRequired[Annotated[str, "of an edit: the file's name at `commit`"]]


class Question(TypedDict):
    """What is asked."""

    task: Annotated[str, "the recipe that made it"]
    prompt: Annotated[str, "text before the completion, ready for the tokenizer; TRL's column"]
    request: Annotated[str, 'the words before the chat template; `""` for fill-in-the-middle']


class Draft(Provenance, Question):
    """What a recipe yields: nobody has yet counted, compared or split it."""

    mode: Annotated[str, "how the prompt is built: `chat`, `psm` (prefix, suffix, middle) or `spm`"]
    completion: Annotated[str, "what is to be learned; TRL's column"]
    query: Annotated[str, "what one would search the index with, at most 400 characters"]
    same: Annotated[str, "SHA-256 of `content`: the same content makes the same example"]
    content: Annotated[list[str], "what it has from the source"]


class PairDraft(Provenance, Question):
    """What the recipe of preference pairs yields."""

    mode: Annotated[str, "always `chat`"]
    chosen: Annotated[str, "the better completion; TRL's column"]
    rejected: Annotated[str, "the worse completion; TRL's column"]
    same: Annotated[str, "SHA-256 of `content`: the same content makes the same pair"]
    content: Annotated[list[str], "what it has from the source"]


class Counted(TypedDict):
    """What is added when a draft is taken."""

    example_id: Annotated[
        str, "16 hexadecimal digits made of the row's content: a row that is changed by hand breaks the contract"
    ]
    tokens: Annotated[int, "tokens of prompt and completion by the base model's tokenizer, with the one that ends it"]
    source: Annotated[str, "the project's name"]


class Scored(TypedDict):
    """How much an example can teach."""

    quality: Annotated[
        float,
        "0 to 1: the geometric mean of `quality_parts`. It selects nothing while `dataset.min_quality` is 0",
    ]
    quality_parts: Annotated[
        dict[str, float], "0 to 1 each, by name; `pipelines/dataset/quality.py` says what they are and why"
    ]


@final
class Example(Provenance, Question, Counted, Scored):
    """One prompt and its completion, for training or held out."""

    mode: Annotated[str, "how the prompt is built: `chat`, `psm` (prefix, suffix, middle) or `spm`"]
    completion: Annotated[str, "what is to be learned; TRL's column"]
    query: Annotated[str, "what one would search the index with, at most 400 characters"]


@final
class Preference(Provenance, Question, Counted):
    """One prompt with a better and a worse completion. Held-out files make none."""

    chosen: Annotated[str, "what replaced the edit; TRL's column"]
    rejected: Annotated[str, "the edit that was reverted or soon fixed; TRL's column"]


class Quarantined(TypedDict):
    """A draft that was refused: where it is from, never what it says."""

    task: Annotated[str, "the recipe that made it"]
    path: Annotated[str, "the file that it is made of"]
    language: Annotated[str, "the language's name"]
    start_line: Annotated[int, "its first line, from 1"]
    end_line: Annotated[int, "its last line, from 1"]
    blob: Annotated[str, "git's hash of the file's bytes"]
    commit: Annotated[str, "the last commit that changed the file, or the edit's"]
    rule: Annotated[str, "the short name of the rule that it breaks"]
    reason: Annotated[str, "how, in words and with figures"]


class RecipeCount(TypedDict):
    """What one recipe made, in examples (of preference pairs: in pairs)."""

    share: Annotated[float, "0 to 1: how much of what it made was kept, from `dataset.recipes`"]
    train: Annotated[int, "examples to train on"]
    holdout: Annotated[int, "held-out examples"]
    quarantined: Annotated[int, "drafts that were refused"]
    none_because: NotRequired[Annotated[str, "why there is no example; only where there is none"]]


class Contamination(TypedDict):
    """How much of the holdout stands in the training text."""

    method: Annotated[str, "how it is measured, in words"]
    rate: Annotated[float, "0 to 1: `seen` of `measured`; 0 when nothing is measured"]
    measured: Annotated[int, "held-out examples that are long enough to be measured"]
    seen: Annotated[int, "those that the training text shows"]
    examples: Annotated[list[str], "`example_id` of the first 20 of them"]


class DatasetSummary(TypedDict):
    """What the dataset consists of."""

    recipes: Annotated[dict[str, RecipeCount], "by recipe"]
    contamination: Annotated[Contamination, "how much of the holdout stands in the training text"]
