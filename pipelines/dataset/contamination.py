"""How much of the holdout stands in the training text, measured by other means than those that keep it out.

A held-out completion counts as seen when at least half of its 13-token runs stand somewhere in what is trained on,
prompts included. Runs of 13 are those of Brown et al. (Language Models are Few-Shot Learners, 2020, appendix C); they
counted a single run, which in code an import list or a licence notice fulfils, so a share of the runs is asked for, as
by Chowdhery et al. (PaLM, 2022, section 8: 70% of 8-token runs). Unlike a Jaccard similarity of completions this sees
a completion that is a small part of a longer text.
"""

from typing import TYPE_CHECKING

from pipelines.dataset.shingles import token_runs
from pipelines.records.dataset import Contamination, Example

if TYPE_CHECKING:
    import numpy as np

RUN = 13  # tokens
SEEN = 0.5
METHOD = f"share of held-out completions of which at least {SEEN:.0%} of the {RUN}-token runs stand in training text"
NAMED = 20


def measure_contamination(train: list[Example], holdout: list[Example]) -> Contamination:
    """What `summary.json` says of it.

    Args:
        holdout: completions of fewer than RUN tokens are not measured.

    Returns:
        method, rate (0 to 1; 0 when nothing is measured), measured and seen (numbers of held-out examples), and
        examples: the first few seen, by id.
    """
    import numpy as np

    held = [(row["example_id"], token_runs(row["completion"], RUN)) for row in holdout]
    held = [(name, found) for name, found in held if len(found)]
    wanted = np.unique(np.concatenate([found for _, found in held])) if held else np.zeros(0, np.uint64)
    met = _shared_runs(wanted, train) if len(wanted) else np.zeros(0, bool)
    seen = [name for name, found in held if met[np.searchsorted(wanted, found)].mean() >= SEEN]
    rate = len(seen) / len(held) if held else 0.0
    return {"method": METHOD, "rate": rate, "measured": len(held), "seen": len(seen), "examples": seen[:NAMED]}


def _shared_runs(wanted: "np.ndarray", train: list[Example]) -> "np.ndarray":
    """Which of the wanted runs, sorted, stand in the training text."""
    import numpy as np

    met = np.zeros(len(wanted), dtype=bool)
    for row in train:
        found = token_runs(row["prompt"] + row["completion"], RUN)
        places = np.minimum(np.searchsorted(wanted, found), len(wanted) - 1)
        met[places[wanted[places] == found]] = True
    return met
