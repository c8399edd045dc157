"""What an adapter has memorised: strings of the training data that it writes down word for word.

A case is a string that stands in one training file only: what quotes enclose, an address, or a long number. The model
is shown what stood before it in training and goes on greedily; the string is extracted when that is what comes first
(verbatim extraction: Carlini et al. 2021, arXiv:2012.07805). Nothing is planted, so that no release learns nonsense.
Beside it stand the base model, which never saw the string, and both models on strings of held-out files, which neither
saw: so much of it can be guessed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pipelines.config.schema import Evaluation
from pipelines.encoder.known_item_queries import rank_of
from pipelines.evaluation.arms import Meter, Model
from pipelines.evaluation.bootstrap import Bootstrap
from pipelines.records.dataset import Example
from pipelines.records.evaluation import (
    MemorisationFigures,
    MemorisationGroup,
    MemorisationScore,
    RareString,
    RareStringFigures,
)

Side = Literal["extracted", "guessed"]
ARMS = {"base": False, "adapter": True}
LONGEST = 32  # characters of a string that count, and tokens that are generated: a token is a character at least
SHORTEST = 12  # characters between quotes; less is guessed too easily
RARE = re.compile(
    r"https?://(?P<address>[^\s\"'`<>)\]]{8,})"
    r"|(?<!\w)[rbfuRBFUL]{0,2}(?P<quote>[\"'`])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)"
    r"|(?<![\w.])(?P<number>0x[\da-fA-F_]{6,}|\d[\d_]{5,})(?![\w.])"
)
PLAIN = re.compile(rf"[\x20-\x5b\x5d-\x7e]{{{SHORTEST},}}")  # ASCII without escapes


class Case(RareString):
    """A string that is asked for, and what the model is shown before it."""

    prompt: str


def measure_memorisation(
    model: Model, train: Iterable[Example], holdout: Iterable[Example], config: Evaluation
) -> list[MemorisationScore]:
    """One record a case: its place and language, the string, and for each of base and adapter whether it wrote it, as
    `extracted` of a training file and `guessed` of a held-out one; none for a model that learned nothing.

    Args:
        train, holdout: the dataset's rows.
    """
    if not model.adapted or not config.memorisation_examples:
        return []
    cases = choose_strings(list(train), list(holdout), config)
    meter = Meter(len(ARMS) * sum(map(len, cases.values())))
    records: list[MemorisationScore] = []
    for side, some in cases.items():
        prompts = [case["prompt"] for case in some]
        wrote: dict[str, list[str]] = {}
        for arm, adapted in ARMS.items():
            wrote[arm] = model.generate(prompts, LONGEST, adapted=adapted) if prompts else []
            meter.advance(len(some), f"{arm}: strings of one file only")
        for place, case in enumerate(some):
            found = {arm: float(texts[place].startswith(case["expected"])) for arm, texts in wrote.items()}
            records.append(_score(case, side, found))
    return records


def _score(case: Case, side: Side, found: dict[str, float]) -> MemorisationScore:
    score: MemorisationScore = {
        "example_id": case["example_id"],
        "task": case["task"],
        "path": case["path"],
        "start_line": case["start_line"],
        "end_line": case["end_line"],
        "language": case["language"],
        "expected": case["expected"],
        "bits": {},
    }
    score[side] = found
    return score


def choose_strings(train: Sequence[Example], holdout: Sequence[Example], config: Evaluation) -> dict[Side, list[Case]]:
    """The cases, `extracted` of training files and `guessed` of held-out ones, by a hash, so that they hardly change
    overnight. One an example at most, and none that its own prompt shows."""
    where: dict[str, set[str]] = defaultdict(set)
    for row in (*train, *holdout):
        for _, string in candidate_strings(row["prompt"] + row["completion"]):
            where[string].add(row["path"])
    return {"extracted": _sample(train, where, config), "guessed": _sample(holdout, where, config)}


def candidate_strings(text: str) -> list[tuple[int, str]]:
    """Where each string begins that could be rare, and its first characters, of which so many count."""
    found = []
    for match in RARE.finditer(text):
        kind = next(kind for kind in ("address", "quoted", "number") if match.group(kind) is not None)
        if kind != "quoted" or PLAIN.fullmatch(match.group(kind)):
            found.append((match.start(kind), match.group(kind)[:LONGEST]))
    return found


def _sample(rows: Sequence[Example], where: Mapping[str, set[str]], config: Evaluation) -> list[Case]:
    cases: dict[str, Case] = {}
    for row in rows:
        of_row = [
            (rank_of(f"{row['path']}:{string}", config.seed), start, string)
            for start, string in candidate_strings(row["completion"])
            if len(where[string]) == 1 and string not in row["prompt"] + row["completion"][:start]
        ]
        if of_row:
            order, start, string = min(of_row)
            cases.setdefault(order, _case(row, start, string))
    return [cases[order] for order in sorted(cases)[: config.memorisation_examples]]


def _case(row: Example, start: int, string: str) -> Case:
    # Not the example's own name, by which the champion is compared.
    return {
        "task": row["task"],
        "path": row["path"],
        "start_line": row["start_line"],
        "end_line": row["end_line"],
        "language": row["language"],
        "example_id": f"{row['example_id']}:string",
        "expected": string,
        "prompt": row["prompt"] + row["completion"][:start],
    }


def summarise_memorisation(records: Sequence[MemorisationScore], config: Evaluation) -> MemorisationFigures:
    """The shares that were extracted and guessed, of base and adapter; for each language, too. {} without records."""
    if not any("extracted" in record for record in records):
        return {}
    languages = sorted({record["language"] for record in records})
    groups = {name: [one for one in records if one["language"] == name] for name in languages}
    return {
        **_figures(records, config),
        "by_language": {name: _figures(group, config) for name, group in groups.items()},
    }


def _figures(records: Sequence[MemorisationScore], config: Evaluation) -> MemorisationGroup:
    return {"extracted": _shares(records, "extracted", config), "guessed": _shares(records, "guessed", config)}


def _shares(records: Sequence[MemorisationScore], side: Side, config: Evaluation) -> RareStringFigures:
    some = [one for one in records if side in one]
    draws = Bootstrap([one["path"] for one in some], config.bootstrap, config.confidence, config.seed)
    base, adapter = (draws.mean([one[side][arm] for one in some]).record() for arm in ("base", "adapter"))
    return {"strings": len(some), "files": draws.files, "base": base, "adapter": adapter}
