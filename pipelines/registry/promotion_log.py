"""The promotion history: what was live, when, and who moved it. It only grows.

The alias `champion` is the truth, and the history follows it: a move is announced (`INTENT`), the alias moves, and then
the event is written. Whoever reads next writes what is missing: an announced move whose process was killed, under the
name of who announced it, or else a move by hand. An event's key follows from the events before it, so that two readers
that notice the same move write the same event once.
"""

import getpass
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

# MLflow's pages hide tags that begin so; one tag a night would push a model's versions off its page.
HIDDEN = "mlflow."
EVENT = HIDDEN + "nocturne.history."
INTENT = HIDDEN + "nocturne.intent"
BY_HAND = "by hand"
FIRST = EVENT + "0"  # before any key made of a time

Event = dict[str, Any]


def read_events(tags: Mapping[str, str]) -> list[Event]:
    """Every move of `champion`, oldest first: `at` (UTC), `from` and `to` (versions; None: nothing was live), `by`
    (nightly, promote, rollback, by hand) and `user` (of this machine; empty when it was by hand).

    Args:
        tags: those of the registered model.
    """
    return [json.loads(tags[key]) for key in _keys(tags)]


def make_announcement(tags: Mapping[str, str], to: int, by: str) -> str:
    """The value of `INTENT` for a move that is about to be made."""
    now = datetime.now(UTC)
    key = max(EVENT + now.strftime("%Y%m%dT%H%M%S%f"), _next(tags))  # a clock that was set back does not reorder
    event = {"at": now.isoformat(), "from": _live(tags), "to": to, "by": by, "user": _user()}
    return json.dumps({"key": key, "event": event})


def find_missing(tags: Mapping[str, str], champion: int | None) -> tuple[str, Event] | None:
    """The key and the event that the history lacks, or None when it ends with what is live.

    Args:
        champion: the version that the alias points to now.
    """
    before = _live(tags)
    if champion == before:
        return None
    announced = json.loads(tags[INTENT]) if INTENT in tags else None
    if announced and announced["key"] not in tags:
        event: Event = announced["event"]
        if (event["from"], event["to"]) == (before, champion):
            return announced["key"], event
    noticed = datetime.now(UTC).isoformat()
    return _next(tags), {"at": noticed, "from": before, "to": champion, "by": BY_HAND, "user": ""}


def _keys(tags: Mapping[str, str]) -> list[str]:
    return sorted(key for key in tags if key.startswith(EVENT))


def _live(tags: Mapping[str, str]) -> int | None:
    keys = _keys(tags)
    return json.loads(tags[keys[-1]])["to"] if keys else None


def _next(tags: Mapping[str, str]) -> str:
    """The first key after the last one: `X` is followed by `X.000001`, that by `X.000002`."""
    last = max([FIRST, *_keys(tags)])
    counted = re.fullmatch(r"(.*)\.(\d{6})", last.removeprefix(EVENT))
    stem, count = (counted[1], int(counted[2])) if counted else (last.removeprefix(EVENT), 0)
    return f"{EVENT}{stem}.{count + 1:06}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's user may have no name
        return ""
