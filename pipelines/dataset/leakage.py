"""Keeping the holdout's functions out of training also where the history has them in another file."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from pipelines.dataset.filters import quarantine_row
from pipelines.records import Record

TAIL_CHARS = 60  # a shorter body, white space left out, is nobody's own
FROM_HISTORY = ("commit_edits", "preference_pairs")


class HeldOutBodies:
    """The bodies of held-out functions, found by their ends: code of the history that ends in one is that function.

    Args:
        holds: whether a symbol or a draft is on the holdout's side.
    """

    def __init__(self, symbols: Iterable[Record], holds: Callable[[Record], bool]) -> None:
        self._holds = holds
        self._bodies: dict[str, dict[str, str]] = defaultdict(dict)
        for symbol in symbols:
            body = _squeeze(symbol["body"])
            if len(body) >= TAIL_CHARS and holds(symbol):
                self._bodies[body[-TAIL_CHARS:]].setdefault(body, f"{symbol['path']}:{symbol['start_line']}")

    def sifted(self, drafts: list[Record]) -> tuple[list[Record], list[Record]]:
        """Drafts without those that would train on a held-out function's text, and a quarantine row for each."""
        kept, quarantined = [], []
        for draft in drafts:
            place = "" if self._holds(draft) else self._place(draft)
            if place:
                quarantined.append(quarantine_row(draft, "held_out", f"its text is that of the held-out {place}"))
            else:
                kept.append(draft)
        return kept, quarantined

    def _place(self, draft: Record) -> str:
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
