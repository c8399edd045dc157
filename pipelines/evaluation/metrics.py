"""How good a generated text is beside the one that stands in the repository."""

from collections.abc import Mapping

from rapidfuzz.distance import Levenshtein

from pipelines.records import Record
from pipelines.syntax.languages import named, valid

PROSE = ("explain", "questions")


def exact_match(expected: str, generated: str) -> float:
    """1 when the texts are the same but for white space around them, else 0."""
    return float(expected.strip() == generated.strip())


def edit_similarity(expected: str, generated: str) -> float:
    """1 less the Levenshtein distance in characters over the longer length, white space around them left out."""
    return Levenshtein.normalized_similarity(expected.strip(), generated.strip())


def syntax_validity(example: Record, generated: str, files: Mapping[str, Record]) -> float | None:
    """Whether the file still parses with the generated text where the completion stands: 1 or 0.

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
    language, source = named(example["language"]), file["text"].encode()
    start, end = example["start_byte"], example["end_byte"]
    expected, made = (source[:start] + text.encode() + source[end:] for text in (example["completion"], generated))
    if not valid(source, language) or not valid(expected, language):
        return None
    return float(valid(made, language) or False)
