"""What `nocturne up` prints of its schedule: when the next nights begin, what was missed, is late, or does not work."""

import time
from collections.abc import Iterator
from pathlib import Path

from flows import schedule
from flows.schedule import Schedule
from pipelines.config.schema import Params
from pipelines.night import last_night

LOOK_AGAIN_AFTER = 60  # seconds


def find_missed(place: Path, params: Params) -> Iterator[str]:
    """Which nights were planned for a time when no `up` was running; none of them is made up for."""
    before = schedule.read(place) or Schedule("", "")
    for name, plan in before.plans.items():
        if plan.next is None or plan.next > time.time() or name not in params.projects:
            continue
        night = last_night.read_last_night(params.project(name, place))
        if night is None or night.began < plan.next:
            when = schedule.format_moment(plan.next, before.timezone)
            yield f"Missed    {name}: {when}, when this was not running. `nocturne nightly {name}` makes up for it"


class Announcer:
    """Prints what changes about the schedule: when the next nights begin, what is late, a mistake in params.yaml."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._stamp = 0
        self._looked = time.monotonic()
        self._served = ""
        self._mistake = ""
        self._wrong: dict[str, str] = {}

    def look(self) -> None:
        """Read what the schedule's process says, and print what is new."""
        file = self._place / schedule.FILE
        stamp = file.stat().st_mtime_ns if file.is_file() else 0
        stale = time.monotonic() - self._looked > LOOK_AGAIN_AFTER  # it may have fallen silent
        said = schedule.read(self._place) if stamp != self._stamp or stale else None
        if said is not None:
            self._stamp, self._looked = stamp, time.monotonic()
        for line in self._new(said) if said is not None else []:
            print(line, flush=True)

    def _new(self, said: Schedule) -> Iterator[str]:
        now = time.time()
        if said.mistake != self._mistake:
            self._mistake = said.mistake
            yield f"params.yaml is not taken over: {said.mistake}" if said.mistake else "params.yaml is in order again."
            if said.mistake:
                yield "The schedule stays as it was."
        served = f"{said.cron} {said.timezone}: {', '.join(said.plans)}"
        if served != self._served and all(plan.next for plan in said.plans.values()):
            if self._served:
                yield f"Schedule  {served}"
            self._served = served
            planned = {name: schedule.describe(said, name, now)[1].removeprefix("next ") for name in said.plans}
            yield from (f"Next      {name}: {when}" for name, when in planned.items())
        for name in said.plans:
            fine, words = schedule.describe(said, name, now)
            if fine and self._wrong.pop(name, ""):
                yield f"Schedule  {name}: well again, {words}"
            elif not fine and name not in self._wrong:
                self._wrong[name] = words
                yield f"Schedule  {name}: {words}"
