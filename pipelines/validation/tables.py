"""The dataset as the suite looks at it: measures of each example, and what became of each draft."""

import pandas as pd

from pipelines.records.dataset import Example, Quarantined

ECHO_CHARS = 40
LONGEST_LINE = 1000
LARGEST = "largest"


def measure_table(
    train: list[Example], holdout: list[Example], recipes: list[str], contamination: float
) -> pd.DataFrame:
    """One row an example: provenance, lengths, and 0/1 marks whose mean is a share.

    Marks: `held_out`; `foreign`, held out in a language that is not trained on; one for each recipe; `minified`, a line
    of the completion has more than LONGEST_LINE characters; `repeated`, prompt and completion are those of an earlier
    row; `respaced`, they are but for white space; `echoed`, a completion of ECHO_CHARS or more stands word for word in
    its prompt. `contamination` is the rate of the whole dataset in every row, so that its mean is the rate.
    """
    trained = {row["language"] for row in train}
    rows = [(row, 0) for row in train] + [(row, 1) for row in holdout]
    frame = pd.DataFrame(
        {
            "task": [row["task"] for row, _ in rows],
            "mode": [row["mode"] for row, _ in rows],
            "language": [row["language"] for row, _ in rows],
            "tokens": [row["tokens"] for row, _ in rows],
            "prompt_chars": [len(row["prompt"]) for row, _ in rows],
            "completion_chars": [len(row["completion"]) for row, _ in rows],
            "minified": [int(max(map(len, row["completion"].splitlines())) > LONGEST_LINE) for row, _ in rows],
            "held_out": [held_out for _, held_out in rows],
            "foreign": [int(row["language"] not in trained) for row, _ in rows],
            "echoed": [int(_echoed(row)) for row, _ in rows],
        }
    )
    for recipe in recipes:
        frame[f"is_{recipe}"] = (frame["task"] == recipe).astype(int)
    frame["repeated"] = _repeated([(row["prompt"], row["completion"]) for row, _ in rows])
    frame["respaced"] = _repeated([(_unspaced(row["prompt"]), _unspaced(row["completion"])) for row, _ in rows])
    frame["contamination"] = contamination
    return frame


def draft_table(train: list[Example], holdout: list[Example], quarantined: list[Quarantined]) -> pd.DataFrame:
    """One row a draft, kept or not: task, the rule that kept it out ("" for an example), `quarantined` as 0/1."""
    kept = [{"task": row["task"], "rule": "", "quarantined": 0} for row in (*train, *holdout)]
    left_out = [{"task": row.get("task"), "rule": row.get("rule"), "quarantined": 1} for row in quarantined]
    return pd.DataFrame([*kept, *left_out])


def drift_table(distances: dict[str, float]) -> pd.DataFrame:
    """One row: the distance of each distribution from the earlier one, and the largest of them."""
    return pd.DataFrame([{**distances, LARGEST: max(distances.values())}])


def _echoed(row: Example) -> bool:
    completion = row["completion"].strip()
    return len(completion) >= ECHO_CHARS and completion in row["prompt"]


def _unspaced(text: str) -> str:
    return "".join(text.split())


def _repeated(pairs: list[tuple[str, str]]) -> "pd.Series[int]":
    return pd.Series(pairs).duplicated(keep="first").astype(int)
