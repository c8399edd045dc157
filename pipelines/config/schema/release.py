"""The settings of releases, and of when a night begins."""

import re
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator

from pipelines.config.schema.section import Count, CountOrZero, Section

CRON_RULE = "use five fields of numbers, names, *, ranges, lists and steps, L for a month's last day, 5#1"


class Release(Section):
    """How a candidate that passed its gates becomes live, and how much is kept."""

    promotion: Literal["auto", "review"] = Field(
        description="`auto` makes a candidate that passed live; with `review` it waits for `nocturne promote`."
    )
    keep: Count = Field(
        description="Newest releases that are kept whole, with run, index and dataset. "
        "The live one, the one before it and one that waits are always kept. "
        "As many candidates are kept, refused ones too."
    )
    trash_days: CountOrZero = Field(
        description="Days in the trash before data that no kept release uses is deleted. "
        "`nocturne gc --now` deletes it at once."
    )


class Schedule(Section):
    """When a night begins under `nocturne up`, which follows a change while it runs."""

    cron: str = Field(
        description="When nights begin, as a cron expression of five fields. `0 2 * * *` is every night at 02:00."
    )
    timezone: str = Field(description="Time zone of the schedule, such as Europe/Vienna.")

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        try:
            CronSim(value, datetime(2026, 1, 1))
        except CronSimError:
            raise ValueError("must be a cron expression of five fields, such as 0 2 * * * for 02:00") from None
        if lacking := _find_unsupported_cron(value.upper().split()):
            raise ValueError(f"Prefect, which starts the nights, does not know `{lacking}`; {CRON_RULE}")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("must be a time zone of the IANA database, such as Europe/Vienna or UTC") from None
        return value


def _find_unsupported_cron(fields: list[str]) -> str:
    """The part of a cron expression that cronsim reads and Prefect does not, or reads as something else; or ""."""
    if len(fields) != 5:
        return " ".join(fields)  # with seconds, which Prefect looks for at the end
    day, weekday = fields[2], fields[4]
    if "L" in day and day != "L":
        return day
    return weekday if re.search(r"\dL|#.*,|,.*#", weekday) else ""
