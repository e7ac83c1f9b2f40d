"""How a destination is told: at once, in groups, or collected into a digest; and when the next digest is due.

Grouping keeps a person from reading the same thing twenty times, a digest from being interrupted by what can wait. A
branch says it for its destinations, its children inherit it, and a definition's own words go before both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from alerting_pipeline.domain.hours import WEEKDAYS, Hours
from alerting_pipeline.domain.window import next_window

Every = Literal["hourly", "daily", "weekly"]

INTERVAL = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Telling:
    """What a definition and the branches that took its incident say about telling one destination.

    `group_by` names labels, columns of the entity, or alert, severity, owner and kind; None: no groups, and an empty
    one: everything together. `wait` is how long a new group waits for more, `interval` how long a later addition does.
    """

    digest: Every | None = None
    group_by: tuple[str, ...] | None = None
    wait: timedelta = timedelta(0)
    interval: timedelta = INTERVAL

    def narrowed(
        self,
        digest: Every | None = None,
        group_by: tuple[str, ...] | None = None,
        wait: timedelta | None = None,
        interval: timedelta | None = None,
    ) -> Telling:
        """With what somebody closer says; what they leave out stays. A digest and groups exclude each other."""
        said = replace(
            self, wait=self.wait if wait is None else wait, interval=self.interval if interval is None else interval
        )
        if digest is not None:
            return replace(said, digest=digest, group_by=None)
        return said if group_by is None else replace(said, digest=None, group_by=group_by)


@dataclass(frozen=True, slots=True)
class Mornings:
    """When a recipient's day begins: the time of day, the days (1: Monday), and by which clock."""

    at: time = time(8)
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    timezone: str = "UTC"

    @classmethod
    def of(cls, hours: Hours | None, timezone: str) -> Mornings:
        """The mornings of whoever works in these hours; without any, 08:00 of every day."""
        if hours is None:
            return cls(timezone=timezone)
        return cls(hours.from_, tuple(WEEKDAYS.index(day) + 1 for day in hours.days), hours.timezone)

    def schedule(self, every: Every) -> tuple[str, str]:
        """The digests as a cron schedule, and its time zone."""
        if every == "hourly":
            return "0 * * * *", self.timezone
        days = self.days if every == "daily" else self.days[:1]
        return f"{self.at.minute} {self.at.hour} * * {','.join(map(str, days)) or '*'}", self.timezone


@dataclass(frozen=True, slots=True)
class Group:
    """What is told together: its key within a destination, the values that its incidents share, and its pace."""

    key: str
    values: Mapping[str, str]
    wait: timedelta = timedelta(0)
    interval: timedelta = INTERVAL


def group_of(telling: Telling, facts: Mapping[str, str | None], now: datetime) -> Group | None:
    """The group of an incident, None where it has none. A group is one day's: yesterday's message is read no more."""
    if telling.group_by is None:
        return None
    values = {name: facts.get(name) or "" for name in telling.group_by}
    key = "|".join([f"{now.astimezone(UTC):%Y-%m-%d}", *(f"{name}={value}" for name, value in values.items())])
    return Group(key, values, telling.wait, telling.interval)


def next_digest(every: Every, now: datetime, mornings: Mornings | None = None) -> datetime:
    """When what is held back now is told: the next full hour, morning, or first morning of a week."""
    return next_window(*(mornings or Mornings()).schedule(every), now)
