"""How a night stands or ended, in one sentence: for `status` and for what `up` prints."""

from datetime import datetime

from pipelines.night.last_night import CRASHED, FAILED, INTERRUPTED, RUNNING, LastNight
from pipelines.night.outcome import Outcome


def describe_night(night: LastNight | None, outcome: Outcome | None) -> str:
    """How a night ended, when, and what it made live.

    Args:
        night: the last one that began.
        outcome: of the last one that came to an end.
    """
    if night is None:
        return "none yet"
    began, by = format_moment(night.began), " by the schedule" if night.by == "schedule" else ""
    at = f" in {night.stage}" if night.stage else ""
    if night.state == RUNNING:
        return f"began {began}{by}, and is running (process {night.pid})"
    if night.state == CRASHED:
        return f"crashed{at}; it began {began}{by} and could not end. The next one goes on from there"
    span = f"{began} to {format_moment(night.ended or night.began)}{by}"
    if night.state in (FAILED, INTERRUPTED):
        why = f": {night.fact} → {night.next_step}" if night.fact else ""
        return f"{night.state}{at}, {span}{why}"
    return f"{_verdict(night.state, outcome)}, {span}{_index(outcome)}"


def _verdict(state: str, outcome: Outcome | None) -> str:
    if state == "rejected":
        return "refused by its gates"
    if outcome is None:
        return state
    if state == "skipped":
        return f"skipped ({outcome.reason})"
    made = f" as release {outcome.release}" if state == "released" else ""
    waits = f" for review: release {outcome.release}" if state == "waiting" else ""
    return f"{state}{made}{waits}"


def _index(outcome: Outcome | None) -> str:
    made = outcome.index_release if outcome else None
    return f"; its index is release {made}, with the former adapter" if made else ""


def format_moment(seconds: float) -> str:
    """A time as this machine's clock shows it.

    Args:
        seconds: since 1970.
    """
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M %Z}"
