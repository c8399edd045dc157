"""What `nocturne up` prints: when nights begin and how they end, which come next, what was missed, is late, or does not
work."""

import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from flows import schedule
from flows.schedule import Schedule
from pipelines.config.load import load_params
from pipelines.config.schema import Params
from pipelines.errors import NocturneError
from pipelines.night import last_night
from pipelines.night.last_night import RUNNING
from pipelines.night.night_words import describe_night, format_moment
from pipelines.night.outcome import read_last_outcome
from pipelines.project import Project

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


class Nights:
    """The nights of the projects that are served, as each writes down itself how it stands."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._since = time.time()
        self._projects: dict[str, Project] = {}
        self._seen: dict[str, tuple[float, str]] = {}
        self._ended: dict[str, float] = {}

    def follow(self, names: Collection[str]) -> None:
        """Look at these projects from now on. While params.yaml has a mistake the former ones stay."""
        if set(names) == self._projects.keys():
            return
        with suppress(NocturneError):
            params = load_params(self._place)
            self._projects = {name: params.project(name, self._place) for name in names if name in params.projects}

    def look(self) -> Iterator[str]:
        """A line for each night that has begun, and one for each that has ended, since the last look."""
        for name, project in self._projects.items():
            night = last_night.read_last_night(project)
            if night is None or (night.began < self._since and name not in self._seen and night.state != RUNNING):
                continue  # it was over before this began
            before, now = self._seen.get(name), (night.began, night.state)
            self._seen[name] = now
            if before is None or before[0] != night.began:
                who = "by the schedule" if night.by == "schedule" else "by hand"
                yield f"Night     {name}: began {format_moment(night.began)} {who}"
            if now != before and night.state != RUNNING:
                self._ended[name] = time.time()
                yield f"Night     {name}: {describe_night(night, read_last_outcome(project))}"

    def take_ended(self, said: Schedule) -> list[str]:
        """The projects whose night has ended and whose next one is planned since then; each once."""
        found = [
            name
            for name, ended in self._ended.items()
            if said.checked >= ended and (plan := said.plans.get(name)) and plan.next
        ]
        for name in found:
            del self._ended[name]
        return found


class Announcer:
    """Prints what changes about the schedule: nights that begin and end, the next ones, what is late, a mistake in
    params.yaml."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._nights = Nights(place)
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
        lines = [*self._nights.look(), *(self._new(said) if said is not None else [])]
        for line in lines:
            print(line, flush=True)

    def _new(self, said: Schedule) -> Iterator[str]:
        now = time.time()
        self._nights.follow(said.plans)
        for name in self._nights.take_ended(said):
            yield f"Next      {name}: {schedule.describe(said, name, now)[1].removeprefix('next ')}"
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
