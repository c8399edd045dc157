"""How the schedule stands, in words: what is next, what is late and why, and what is not served."""

import asyncio
import errno
import os
import re
import time

import pytest
from conftest import make_workspace
from prefect.client.schemas.schedules import CronSchedule
from pydantic import ValidationError

from flows import announce, deployments, schedule
from flows.deployments import Deployments, Failures, file_stamps
from flows.running import PART_OF
from flows.schedule import Plan, Schedule, describe, format_duration
from pipelines.config import schema
from pipelines.config.load import load_params
from pipelines.night import last_night
from pipelines.night.lock import exclusive_lock
from pipelines.night.outcome import Outcome, write_outcome
from pipelines.records import write_json

FORMS = """
* */2 */99 */0 0 00 59 7 12 30 31 1-31 5-10 10-5 0-7 6-7 5-10/2 5/7 1,2 1,5-7 *,1 ? W 15W L LW L/2 L,1
5L L5 5l 5L,1 SUNL SUN sun SUN-SAT FRI-SUN MON/2 5#2 SUN#1 7#1 5#6 1,5#2 5#2,1 1#2,3#4 5#2/2 1-5#2
JAN dec JAN-MAR DEC-JAN
"""
PAST = 1_768_464_000.0  # 2026-01-15 08:00 UTC
NOW = 1_800_000_000.0  # 2027-01-15 08:00 UTC
FAILURE = """\
15:30:01.1 | INFO    | prefect.server.services.scheduler - Scheduled 3 runs.
15:31:01.2 | ERROR   | docket.dependencies - ↩ [   353ms] schedule_recent_deployments(){schedule_recent_deployments}
Traceback (most recent call last):
  File "scheduler.py", line 243, in schedule_deployments
    inserted_runs = await models.deployments._insert_scheduled_flow_runs(
sqlalchemy.exc.InvalidRequestError: Can't evaluate bulk DML statement
15:31:02.0 | INFO    | uvicorn.access - 127.0.0.1
"""


def served(**values):
    return Schedule("0 2 * * *", "UTC", NOW - 5, {"moon": Plan(**values.pop("plan", {}))}, **values)


def test_the_next_night_is_told_with_its_time_and_how_long_until_then():
    well, said = describe(served(plan={"next": NOW + 18 * 3600}), "moon", NOW)
    assert (well, said.split(",")[0].split(" (")[0]) == (True, "next 2027-01-16 02:00 UTC")
    assert said.endswith("(in 18 h)")


def test_a_night_that_has_not_begun_minutes_after_its_time_is_late():
    assert describe(served(plan={"next": NOW + 60, "overdue": NOW - 60}), "moon", NOW)[0]
    well, said = describe(served(plan={"overdue": NOW - 720}, trouble="Prefect's scheduler fails: X"), "moon", NOW)
    assert (well, said) == (False, "late by 12 min: Prefect's scheduler fails: X")


def test_a_night_that_waits_for_another_is_late_and_nothing_is_wrong():
    well, said = describe(served(plan={"overdue": NOW - 720}, busy="sun"), "moon", NOW)
    assert (well, said) == (True, "late by 12 min: it waits for the night of `sun`")


def test_a_project_that_is_not_served_says_so_with_the_mistake_that_is_in_the_way():
    well, said = describe(served(mistake="unknown key `x`."), "sun", NOW)
    assert (well, said) == (False, "`sun` is not served: unknown key `x`.")


def test_a_schedule_that_says_nothing_any_more_is_not_believed():
    well, said = describe(served(plan={"next": NOW + 3600}), "moon", NOW + 600)
    assert not well
    assert said.startswith("silent for 10 min")


def is_taken(expression):
    try:
        return bool(schema.Schedule(cron=expression, timezone="UTC"))
    except ValidationError:
        return False


@pytest.mark.parametrize("field", range(5))
def test_prefect_takes_every_cron_expression_that_params_take(field):
    lines = [" ".join(form if place == field else "*" for place in range(5)) for form in FORMS.split()]
    taken = [line for line in lines if is_taken(line)]
    assert len(taken) > 5
    for line in taken:
        assert CronSchedule(cron=line, timezone="UTC").cron == line


@pytest.mark.parametrize(
    ("seconds", "said"), [(40, "40 s"), (720, "12 min"), (32400, "9 h"), (259200, "3 days"), (-1, "0 s")]
)
def test_a_span_is_told_in_one_unit(seconds, said):
    assert format_duration(seconds) == said


def test_a_night_missed_while_nothing_ran_is_named_unless_one_was_run_by_hand_since(tmp_path):
    place = make_workspace(tmp_path / "workspace", {"moon": tmp_path, "sun": tmp_path})
    values = load_params(place)
    plans = {"moon": Plan(next=PAST), "sun": Plan(next=4e9), "gone": Plan(next=PAST)}
    schedule.write(place, Schedule("0 8 * * *", "UTC", plans=plans))
    (line,) = announce.find_missed(place, values)
    assert line.startswith("Missed    moon: 2026-01-15 08:00 UTC")
    assert "`nocturne nightly moon`" in line
    plans["moon"].next = time.time() - 60
    schedule.write(place, Schedule("0 8 * * *", "UTC", plans=plans))
    with last_night.record_night(values.project("moon", place), "hand"):
        pass
    assert list(announce.find_missed(place, values)) == []


@pytest.fixture
def announced(tmp_path, capsys):
    """A workspace whose schedule is served, what `up` prints of it, and what it has printed since it was asked last."""
    place = make_workspace(tmp_path / "workspace", {"moon": tmp_path})
    project = load_params(place).project("moon", place)
    with last_night.record_night(project, "schedule"):
        write_outcome(project, Outcome("moon", "released", True, 1))
    announcer = announce.Announcer(place)

    def look(following=4e9):
        for _ in range(2):  # as in `up`, which looks twice a second at what the schedule says every few
            schedule.write(place, Schedule("0 8 * * *", "UTC", plans={"moon": Plan(next=following)}))
            announcer.look()
        return capsys.readouterr().out.splitlines()

    return project, look


def test_up_prints_when_a_night_begins_how_it_ends_and_which_is_next(announced):
    project, look = announced
    assert [line.split()[0] for line in look()] == ["Next"], "the night before is no news"
    with exclusive_lock(project), last_night.record_night(project, "schedule"):
        (began,) = look()
        write_outcome(project, Outcome("moon", "rejected", False, 1, index_release=2))
    ended, following = look(following=4.1e9)
    assert re.fullmatch(r"Night     moon: began .* by the schedule", began)
    assert ended.startswith("Night     moon: refused by its gates, ")
    assert ended.endswith("; its index is release 2, with the former adapter")
    assert following.startswith("Next      moon: 2099-")
    assert look(following=4.1e9) == []


def test_up_prints_a_night_that_was_over_between_two_looks(announced):
    project, look = announced
    look()
    with last_night.record_night(project, "hand"):
        write_outcome(project, Outcome("moon", "released", True, 3))
    began, ended, _ = look()
    assert began.endswith(" by hand")
    assert ended.startswith("Night     moon: released as release 3, ")


def test_up_prints_that_a_night_crashed(announced):
    project, look = announced
    look()
    night = last_night.LastNight(time.time(), 1, "schedule")
    write_json(project.night / "outcome" / "night.json", night.facts())
    assert any(line.startswith("Night     moon: crashed; it began ") for line in look())


def test_a_failure_of_the_scheduler_is_read_from_its_log_and_forgotten_when_it_is_over(tmp_path):
    log = tmp_path / "prefect.log"
    log.write_text(FAILURE)  # of an earlier start
    failures = Failures(log)
    assert failures.last(NOW) == ""
    with log.open("a") as file:
        file.write(FAILURE)
    told = "Prefect's scheduler fails: sqlalchemy.exc.InvalidRequestError: Can't evaluate bulk DML statement"
    assert failures.last(NOW) == told
    assert failures.last(NOW + 60) == told
    assert failures.last(NOW + 600) == ""


def test_either_file_of_settings_is_seen_to_change(tmp_path):
    (tmp_path / "params.yaml").write_text("a: 1\n")
    before = file_stamps(tmp_path)
    (tmp_path / "params.local.yaml").write_text("a: 2\n")
    assert file_stamps(tmp_path) != before


def test_a_disk_that_is_full_for_a_moment_does_not_end_the_following(tmp_path, monkeypatch):
    told = []

    async def tell():
        told.append(len(told))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if told == [0] else asyncio.CancelledError

    monkeypatch.setattr(deployments, "LOOK_EVERY", 0)
    monkeypatch.setattr(deployments, "TELL_EVERY", -1)
    monkeypatch.delenv(PART_OF, raising=False)
    followed = Deployments(tmp_path, None, None)
    followed.tell = tell
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(followed.follow(file_stamps(tmp_path)))
    assert told == [0, 1]
