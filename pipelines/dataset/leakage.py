"""Keeping the holdout's functions out of training also where the history has them in another file."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from pipelines.dataset.filters import quarantine_row
from pipelines.records.dataset import Draft, PairDraft, Quarantined
from pipelines.records.extraction import Symbol
from pipelines.source.cutoff import Lines

TAIL_CHARS = 60  # a shorter body, white space left out, is nobody's own
D = TypeVar("D", Draft, PairDraft)
FROM_HISTORY = ("commit_edits", "preference_pairs")


class HeldOutBodies:
    """The bodies of held-out functions, found by their ends: code of the history that ends in one is that function.

    Args:
        holds: whether a symbol or a draft is on the holdout's side.
    """

    def __init__(self, symbols: Iterable[Symbol], holds: Callable[[Lines], bool]) -> None:
        self._holds = holds
        self._bodies: dict[str, dict[str, str]] = defaultdict(dict)
        for symbol in symbols:
            body = _squeeze(symbol["body"])
            if len(body) >= TAIL_CHARS and holds(symbol):
                self._bodies[body[-TAIL_CHARS:]].setdefault(body, f"{symbol['path']}:{symbol['start_line']}")

    def sifted(self, drafts: list[D]) -> tuple[list[D], list[Quarantined]]:
        """Drafts without those that would train on a held-out function's text, and a quarantine row for each."""
        kept: list[D] = []
        quarantined: list[Quarantined] = []
        for draft in drafts:
            place = "" if self._holds(draft) else self._place(draft)
            if place:
                quarantined.append(quarantine_row(draft, "held_out", f"its text is that of the held-out {place}"))
            else:
                kept.append(draft)
        return kept, quarantined

    def _place(self, draft: Draft | PairDraft) -> str:
        if draft["task"] not in FROM_HISTORY:
            return ""
        for part in draft["content"]:
            code = _squeeze(part)
            for body, place in self._bodies.get(code[-TAIL_CHARS:], {}).items():
                if code.endswith(body):
                    return place
        return ""


def _squeeze(code: str) -> str:
    return "".join(code.split()).rstrip(";,)")
