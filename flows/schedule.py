"""What the schedule's process says of itself in `data/.up/schedule.json`, in words for `up`, `status` and `doctor`."""

import time
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.records import read_json, write_json

FOLDER = Path("data") / ".up"
FILE = FOLDER / "schedule.json"
LATE_AFTER = 180  # seconds after its time in which a night has begun on a slow machine
SILENT_AFTER = 120  # seconds; the process writes every few
STOPPED = "not running: start `nocturne up`"


@dataclass
class Plan:
    """When the next night of one project begins, and which one is overdue: seconds since 1970, or None."""

    next: float | None = None
    overdue: float | None = None


@dataclass
class Schedule:
    """What is served.

    Attributes:
        checked: when this was written, in seconds since 1970.
        plans: by project.
        mistake: why params.yaml was not taken over since it changed; the schedule is then the one before.
        trouble: what of Prefect does not work.
        busy: the project whose night runs now, which others wait for.
    """

    cron: str
    timezone: str
    checked: float = 0.0
    plans: dict[str, Plan] = field(default_factory=dict)
    mistake: str = ""
    trouble: str = ""
    busy: str = ""


def write(place: Path, schedule: Schedule) -> None:
    """Say how the schedule stands."""
    schedule.checked = time.time()
    write_json(place / FILE, asdict(schedule))


def read(place: Path) -> Schedule | None:
    """How the schedule stands, as its process said last; None before it said anything."""
    file = place / FILE
    if not file.is_file():
        return None
    said = Schedule(**read_json(file))
    said.plans = {name: Plan(**plan) for name, plan in said.plans.items()}  # type: ignore[arg-type]
    return said


def describe(said: Schedule | None, project: str, now: float) -> tuple[bool, str]:
    """How the schedule of a project stands: whether it works, and in words what is next or what is wrong."""
    if said is None:
        return True, "starting"
    if now - said.checked > SILENT_AFTER:
        log = FOLDER / "schedule.log"
        return False, f"silent for {format_duration(now - said.checked)}: see {log}, and restart `nocturne up`"
    plan = said.plans.get(project)
    if plan is None:
        return False, f"`{project}` is not served: {said.mistake or 'it was added just now, or restart `nocturne up`'}"
    waits = f"it waits for the night of `{said.busy}`"
    if plan.overdue is not None and now - plan.overdue > LATE_AFTER:
        reason = said.trouble or (waits if said.busy else f"see {FOLDER / 'prefect.log'}")
        return bool(said.busy), f"late by {format_duration(now - plan.overdue)}: {reason}"
    if said.trouble:
        return False, said.trouble
    if plan.next is None:
        return True, waits if said.busy and plan.overdue is not None else "being planned"
    return True, f"next {format_moment(plan.next, said.timezone)} (in {format_duration(plan.next - now)})"


def format_moment(when: float, timezone: str) -> str:
    """A time as the schedule's zone has it, and as this machine's clock shows it where that differs."""
    there = datetime.fromtimestamp(when, ZoneInfo(timezone))
    here = datetime.fromtimestamp(when).astimezone()
    said = f"{there:%Y-%m-%d %H:%M} {timezone}"
    return said if there.utcoffset() == here.utcoffset() else f"{said}, {here:%H:%M} here"


def format_duration(seconds: float) -> str:
    """A span in its largest unit that says enough: 40 s, 12 min, 9 h, 3 days."""
    if seconds < 90:
        return f"{max(0, seconds):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"
