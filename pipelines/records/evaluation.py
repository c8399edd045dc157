"""What the evaluation stage writes: what was measured of each example, and figures over them.

An arm is the model with or without the adapter, and with or without retrieved passages: `base`, `base+rag`, `adapter`,
`adapter+rag`. Where nothing was trained there are no arms with an adapter.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, TypedDict

Arms = dict[str, dict[str, float]]
Measured = Mapping[str, Any]  # any of the scores below: which fields a metric reads is the metric's own


class Place(TypedDict):
    """Which example was measured, and where it is from."""

    example_id: Annotated[str, "the example, as in `holdout.jsonl`, or a name of its own for what is no example"]
    path: Annotated[str, "its file; intervals are drawn by it"]
    start_line: Annotated[int, "its first line, from 1"]
    language: Annotated[str, "the language's name"]


class Lines(Place):
    """The same, with where it ends."""

    end_line: Annotated[int, "its last line, from 1"]


class Score(Lines):
    """What was measured of one held-out example."""

    task: Annotated[str, "the recipe that made it"]
    bytes: Annotated[int, "bytes of the completion in UTF-8"]
    bits: Annotated[dict[str, float], "by arm: bits of the completion, given its prompt; lower is better"]
    expected: NotRequired[Annotated[str, "the completion; only where texts were written"]]
    generated: NotRequired[Annotated[dict[str, str], "by arm: what it wrote"]]
    metrics: NotRequired[
        Annotated[
            Arms,
            "by arm: `exact_match`, `edit_similarity`, `chrf`, `syntax_validity` and `consistency`, 0 to 1, as far as "
            "they apply",
        ]
    ]


class ForgettingScore(Lines):
    """What was measured of one bundled excerpt of another project (`pipelines/evaluation/general/`)."""

    bytes: Annotated[int, "bytes of the completion in UTF-8"]
    bits: Annotated[dict[str, float], "always empty: it is no held-out example"]
    general: Annotated[dict[str, float], "bits of the completion, by `base` and `adapter`"]


class RareString(Lines):
    """A string that stands in one file only: quoted, an address, or a long number."""

    task: Annotated[str, "the recipe that made the example that it is from"]
    expected: Annotated[str, "its first 32 characters, which count"]


class MemorisationScore(RareString):
    """Whether such a string was written word for word after all that stood before it. Of the last two one is there."""

    bits: Annotated[dict[str, float], "always empty: it is no held-out example"]
    extracted: NotRequired[Annotated[dict[str, float], "of a training file: 1 or 0, by `base` and `adapter`"]]
    guessed: NotRequired[Annotated[dict[str, float], "of a held-out file: 1 or 0, by `base` and `adapter`"]]


class SuiteScore(Place):
    """What was answered to one case of a test suite; `path` names suite and case."""

    suite: Annotated[str, "the suite's file"]
    bits: Annotated[dict[str, float], "always empty: it is no held-out example"]
    generated: Annotated[dict[str, str], "by arm: the answer"]
    metrics: Annotated[Arms, "by arm: `pattern_adherence`, 1 when the case passes, else 0"]


RetrievalMetrics = TypedDict(
    "RetrievalMetrics",
    {
        "recall@1": Annotated[float, "0 to 1: the share of `relevant` at rank 1"],
        "recall@5": Annotated[float, "0 to 1: the share of `relevant` among the first 5"],
        "recall@10": Annotated[float, "0 to 1: the share of `relevant` among the first 10"],
        "mrr": Annotated[float, "0 to 1: one over the first rank"],
        "ndcg@10": Annotated[float, "0 to 1: gains of 1 discounted by log2(1 + rank), over the best order"],
    },
)
RetrievalMetrics.__doc__ = "How well the passages of a symbol were found."


class RetrievalScore(RetrievalMetrics):
    """What the index found for one documented function, asked for by its documentation."""

    symbol_id: Annotated[str, "the function, as in `symbols.jsonl`"]
    qualified_name: Annotated[str, "the names around it and its own"]
    kind: Annotated[str, "`function` or `method`"]
    language: Annotated[str, "the language's name"]
    path: Annotated[str, "its file; intervals are drawn by it"]
    start_line: Annotated[int, "its first line, from 1"]
    question: Annotated[str, "the first paragraph of its documentation, which the passages do not show"]
    relevant: Annotated[int, "passages that hold some of its code"]
    ranks: Annotated[list[int], "where these were found among the first ten, from 1"]


class Figure(TypedDict):
    """An estimate with its interval (a bootstrap by whole files); null where nothing was measured."""

    value: Annotated[float | None, "the estimate, in the metric's unit"]
    low: Annotated[float | None, "lower end of the interval"]
    high: Annotated[float | None, "upper end of the interval"]


class ArmFigures(TypedDict):
    """What was measured of some held-out examples."""

    examples: Annotated[int, "held-out examples"]
    files: Annotated[int, "files that they are of"]
    bytes: Annotated[int, "bytes of their completions"]
    generated: Annotated[int, "examples for which texts were written"]
    arms: Annotated[dict[str, dict[str, Figure]], "by arm and metric: bits per byte, and shares from 0 to 1"]
    gains: Annotated[dict[str, Figure], "`ONE_vs_OTHER`: the share of bits that one arm saves of another's"]


class RetrievalGroup(TypedDict, total=False):
    """What the index finds."""

    questions: Annotated[int, "functions that were asked for"]
    files: Annotated[int, "files that they are of"]
    metrics: Annotated[dict[str, Figure], "`recall@1`, `recall@5`, `recall@10`, `mrr`, `ndcg@10`, 0 to 1"]


class RetrievalFigures(RetrievalGroup, total=False):
    """What the index finds; {} when nothing was asked."""

    by_language: Annotated[dict[str, RetrievalGroup], "the same for each language"]


class SuiteGroup(TypedDict, total=False):
    """How many cases of test suites pass."""

    cases: Annotated[int, "cases"]
    arms: Annotated[dict[str, Figure], "by arm: the share that passes, 0 to 1"]


class SuiteFigures(SuiteGroup, total=False):
    """How many cases of test suites pass; {} without suites."""

    by_suite: Annotated[dict[str, SuiteGroup], "the same for each suite"]


class ForgettingGroup(TypedDict, total=False):
    """What the adapter forgets of code in general."""

    examples: Annotated[int, "excerpts"]
    files: Annotated[int, "files that they are of"]
    bits_per_byte: Annotated[dict[str, Figure], "by `base` and `adapter`"]
    forgetting: Annotated[Figure, "the share of bits that the adapter needs more than the base"]


class ForgettingFigures(ForgettingGroup, total=False):
    """What the adapter forgets of code in general; {} where nothing was trained."""

    by_language: Annotated[dict[str, ForgettingGroup], "the same for each language"]


class RareStringFigures(TypedDict):
    """How many strings are written word for word."""

    strings: Annotated[int, "strings that were asked for"]
    files: Annotated[int, "files that they are of"]
    base: Annotated[Figure, "the share that the base model writes, 0 to 1"]
    adapter: Annotated[Figure, "the share that the adapter writes, 0 to 1"]


class MemorisationGroup(TypedDict, total=False):
    """What is memorised."""

    extracted: Annotated[RareStringFigures, "strings of training files"]
    guessed: Annotated[RareStringFigures, "strings of held-out files, which is what can be guessed"]


class MemorisationFigures(MemorisationGroup, total=False):
    """What is memorised; {} where nothing was trained or no string is rare."""

    by_language: Annotated[dict[str, MemorisationGroup], "the same for each language"]


class StrengthFigures(TypedDict, total=False):
    """The gain at parts of the adapter's strength, on other held-out examples; told, and no gate uses it."""

    examples: Annotated[int, "held-out examples"]
    files: Annotated[int, "files that they are of"]
    gains: Annotated[dict[str, Figure], "by strength, 0.25 to 1: the share of bits that the adapter saves"]
    best: Annotated[str, "the strength with the largest gain"]


class EvaluationFigures(ArmFigures):
    """Every figure over held-out examples, with how it was measured."""

    arm: Annotated[str, "which one the candidate answers with: `adapter`, or `base` where nothing was trained"]
    confidence: Annotated[float, "of every interval, 0 to 1, from `evaluation.confidence`"]
    note: Annotated[str, 'what a reader must know about the intervals; `""` for nothing']
    by_task: Annotated[dict[str, ArmFigures], "the same for each recipe"]
    by_language: Annotated[dict[str, ArmFigures], "the same for each language"]


class Evaluation(EvaluationFigures):
    """Every figure of the night, with its interval."""

    base_model: Annotated[str, "`training.base_model`"]
    context_passages: Annotated[int, "passages shown to the arms with retrieval, from `evaluation.context_passages`"]
    with_passages: Annotated[int, "examples whose prompt had room for some"]
    retrieval: Annotated[RetrievalFigures, "what the index finds"]
    suites: Annotated[SuiteFigures, "how many cases of test suites pass"]
    forgetting: Annotated[ForgettingFigures, "what the adapter forgets of code in general"]
    memorisation: Annotated[MemorisationFigures, "what is memorised"]
    scale: Annotated[StrengthFigures, "the gain at parts of the adapter's strength"]
