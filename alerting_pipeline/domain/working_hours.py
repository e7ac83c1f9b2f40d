"""A team's working time: its hours by its own clock, without its holidays, as intervals of real time.

Intervals are what makes it right when the clocks change: each day's opening and closing are turned into instants first,
and everything else is counted between instants. A team that states no hours works around the clock, holidays apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerting_pipeline.domain.hours import WEEKDAYS, Hours, local
from alerting_pipeline.domain.people import Team

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When a team works. Instants come back in UTC."""

    hours: Hours
    holidays: frozenset[date] = frozenset()

    @classmethod
    def of(cls, team: Team | None) -> WorkingHours:
        """Those of a team; None, or a team that states none: around the clock."""
        zone = team.zone if team is not None else "UTC"
        always = Hours.model_validate({"days": WEEKDAYS, "from": time(0), "to": time.max, "timezone": zone})
        if team is None:
            return cls(always)
        return cls(team.hours or always, frozenset(team.holidays))

    def is_open(self, at: datetime) -> bool:
        """Does the team work at that instant?"""
        return self.next_open(at) == at

    def next_open(self, at: datetime) -> datetime:
        """That instant if the team works then, otherwise the next one at which it begins to."""
        begin, _ = next(self._intervals(at))
        return max(begin, at.astimezone(UTC))

    def add_open_time(self, at: datetime, duration: timedelta) -> datetime:
        """The instant at which so much working time has passed since `at`. No time at all: `next_open`."""
        left = duration
        for begin, end in self._intervals(at):
            since = max(begin, at)
            if left <= end - since:
                return since.astimezone(UTC) + left
            left -= end - since
        raise AssertionError("the intervals of a week never end")

    def open_time_between(self, since: datetime, until: datetime) -> timedelta:
        """How much working time lies between two instants; none where `until` comes first."""
        total = timedelta(0)
        for begin, end in self._intervals(since):
            if begin >= until:
                break
            total += max(timedelta(0), min(end, until) - max(begin, since))
        return total

    def _intervals(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open intervals that end after `at`, in order, without end."""
        zone = ZoneInfo(self.hours.timezone)
        day = at.astimezone(zone).date() - _DAY
        while True:
            if WEEKDAYS[day.weekday()] in self.hours.days and day not in self.holidays:
                begin, end = local(day, self.hours.from_, zone), local(day, self.hours.to, zone)
                if begin < end and end > at:
                    yield begin, end
            day += _DAY
