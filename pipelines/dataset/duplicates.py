"""Which examples say again what another one says, within a side of the split and across it.

Two examples of one task on one side are near-duplicates when what they teach is: of a question its `content` (question
and answer), of a hole to fill in the completion alone, since the windows around two holes of one file overlap by
nature. Different tasks teach different things about the same code, and are not compared. Across the split the
completions of any task are compared with those of any task, and of each cluster that spans it the holdout's side
stays: a body that is held out must not be trained on under another question.

Completions of fewer than MIN_TOKENS tokens are exempt: `return None` would make one cluster of half a dataset, and
of five-token runs they have too few for a similarity to mean anything. Measured at 0.7 on completions of the same
task (2026-11-20), rows lost with a minimum of 5, 12 and 20 tokens: this project 44, 15, 8 of 1,935; click 101, 51, 22
of 2,334; gson 358, 194, 120 of 4,214.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pipelines.dataset.minhash import find_clusters, find_pairs
from pipelines.dataset.shingles import WIDTH, shingle, token_runs
from pipelines.records.dataset import Draft

if TYPE_CHECKING:
    import numpy as np

MIN_TOKENS = 12
WITHIN, ACROSS = "near_duplicate", "near_duplicate_of_holdout"


def find_repeats(drafts: Sequence[Draft], held: Sequence[bool], threshold: float) -> dict[int, tuple[str, int]]:
    """Position of a draft that must go → the rule, and the position of the draft that stays for it.

    Args:
        drafts: in the order in which the first of several equals wins.
        held: whether each is held out.
        threshold: Jaccard similarity of the sets of 5-token shingles; 0 finds nothing.
    """
    if not threshold:
        return {}
    long = [len(token_runs(draft["completion"], WIDTH)) > MIN_TOKENS - WIDTH for draft in drafts]
    answers = _sets(drafts, long, lambda draft: [draft["completion"]])
    linked = list(find_pairs(answers, threshold, "completions"))
    gone = _across(find_clusters(len(drafts), linked), held)
    asked = [use and draft["mode"] == "chat" for use, draft in zip(long, drafts, strict=True)]
    lessons = _sets(drafts, asked, lambda draft: draft["content"])
    linked = [(one, other) for one, other in linked if not asked[one] and not asked[other]]
    linked += find_pairs(lessons, threshold, "questions")
    for first, later in sorted(linked, key=lambda pair: (pair[1], pair[0])):
        same = drafts[first]["task"] == drafts[later]["task"] and held[first] == held[later]
        if same and first not in gone and later not in gone:
            gone[later] = (WITHIN, first)
    return gone


def _across(heads: list[int], held: Sequence[bool]) -> dict[int, tuple[str, int]]:
    """The training side of every cluster that has a held-out one."""
    stays: dict[int, int] = {}
    for at, head in enumerate(heads):
        if held[at]:
            stays.setdefault(head, at)
    return {at: (ACROSS, stays[head]) for at, head in enumerate(heads) if not held[at] and head in stays}


def _sets(drafts: Sequence[Draft], used: Sequence[bool], texts: Callable[[Draft], list[str]]) -> "list[np.ndarray]":
    return [shingle(*(texts(draft) if use else ())) for draft, use in zip(drafts, used, strict=True)]
