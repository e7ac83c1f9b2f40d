"""A part of the week by the clock of one time zone, which branches of routing.yaml and teams of people.yaml state."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.written import Strict, TimeZone, text, text_list

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _clock_time(value: Any) -> Any:
    if isinstance(value, time):
        return value
    match = re.fullmatch(r"([01][0-9]|2[0-4]):([0-5][0-9])", text(value))
    if match is None or (match.group(1) == "24" and match.group(2) != "00"):
        raise Mistake("AP109", f'"{value}" is not a time of day; write one such as "09:00"')
    return time.max if match.group(1) == "24" else time(int(match.group(1)), int(match.group(2)))


def _clock_text(value: time) -> str:
    return "24:00" if value == time.max else f"{value:%H:%M}"


TimeOfDay = Annotated[
    time,
    BeforeValidator(_clock_time),
    PlainSerializer(_clock_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"}),
]
_LIST = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Days = Annotated[tuple[Weekday, ...], BeforeValidator(text_list), WithJsonSchema(_LIST)]


class Hours(Strict):
    """A part of the week, in one time zone; the end is not included."""

    days: Days = Field(default=WEEKDAYS[:5], min_length=1, description="Days of the week: [mon, tue, wed, thu, fri].")
    from_: TimeOfDay = Field(default=time(9), alias="from", description='The start, such as "09:00".')
    to: TimeOfDay = Field(default=time(17), description='The end, such as "17:00".')
    timezone: TimeZone = Field(default="UTC", description="The IANA time zone, such as Europe/Berlin.")

    @model_validator(mode="after")
    def _goes_forward(self) -> Hours:
        if self.from_ >= self.to:
            raise Mistake("AP114", "hours end after they start; for a night, write outside_hours with the day's hours")
        return self

    def include(self, moment: datetime) -> bool:
        """Does the moment fall into these hours, by the clock of their time zone?"""
        local = moment.astimezone(ZoneInfo(self.timezone))
        return WEEKDAYS[local.weekday()] in self.days and self.from_ <= local.time() < self.to

    def described(self) -> str:
        """The hours in words."""
        return f"{', '.join(self.days)} {_clock_text(self.from_)}-{_clock_text(self.to)} {self.timezone}"


def local(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the zone's clock shows this time: the first of two such, and where the clock skips
    it, the instant that would have been it. `time.max` is the end of the day.
    """
    if at == time.max:
        day, at = day + timedelta(days=1), time(0)
    return datetime.combine(day, at, zone).astimezone(UTC)
