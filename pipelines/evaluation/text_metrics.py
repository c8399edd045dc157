"""How good a generated text is beside the one that stands in the repository."""

import warnings
from collections import Counter
from collections.abc import Mapping

from rapidfuzz.distance import Levenshtein

from pipelines.records.dataset import Example
from pipelines.records.extraction import File
from pipelines.syntax.languages import language_named
from pipelines.syntax.parser import is_valid

PROSE = ("explain", "questions")
ORDER, BETA = 6, 2  # of chrF: the longest n-gram, and how much recall counts beside precision


def exact_match(expected: str, generated: str) -> float:
    """1 when the texts are the same but for white space around them, else 0."""
    return float(expected.strip() == generated.strip())


def edit_similarity(expected: str, generated: str) -> float:
    """1 less the Levenshtein distance in characters over the longer length, white space around them left out."""
    return Levenshtein.normalized_similarity(expected.strip(), generated.strip())


def chrf(expected: str, generated: str) -> float:
    """chrF2, 0 to 1: the F-score of character n-grams up to 6, white space left out (Popović 2015, W15-3049).

    It stands in for CodeBLEU: of six metrics it agreed best with people's judgement of generated code (Evtikhiev et al.
    2023, arXiv:2208.03133), and codebleu 0.7 wants tree-sitter below 0.23. The mean over those n of which both texts
    have n-grams; 0 when there is no such n. The same figures as sacrebleu's `CHRF(word_order=0)`.
    """
    found = [_precision_and_recall(expected, generated, n) for n in range(1, ORDER + 1)]
    held = [pair for pair in found if pair is not None]
    if not held:
        return 0.0
    precision, recall = (sum(values) / len(held) for values in zip(*held, strict=True))
    if not precision + recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def _precision_and_recall(expected: str, generated: str, n: int) -> tuple[float, float] | None:
    wanted, made = (_ngrams("".join(text.split()), n) for text in (expected, generated))
    if not wanted or not made:
        return None
    common = (wanted & made).total()
    return common / made.total(), common / wanted.total()


def _ngrams(text: str, n: int) -> Counter[str]:
    return Counter(text[at : at + n] for at in range(len(text) - n + 1))


def syntax_validity(example: Example, generated: str, files: Mapping[str, File]) -> float | None:
    """Whether the file still parses with the generated text where the completion stands: 1 or 0; Python must compile.

    None when that says nothing: for a text that is no code (explain, questions, prose), for a place in another version
    of the file (edits), and for a file whose own text does not parse.

    Args:
        files: by path, the records of `extraction/files.jsonl`.
    """
    file = files.get(example["path"])
    if example["task"] in PROSE or file is None:
        return None
    if example.get("blob") != file.get("blob"):
        return None
    language, source = language_named(example["language"]), file["text"].encode()
    start, end = example["start_byte"], example["end_byte"]
    expected, made = (source[:start] + text.encode() + source[end:] for text in (example["completion"], generated))
    if not is_valid(source, language) or not is_valid(expected, language):
        return None
    if language.name == "python" and does_compile(source) and not does_compile(made):
        return 0.0
    return float(is_valid(made, language) or False)


def does_compile(source: bytes) -> bool:
    """Whether this Python takes it, which knows more than the grammar, such as a `return` outside of a function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<file>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
