"""The windows of a schedule: the instants at which a definition with a cron trigger is due.

Windows are counted from the last one that was done, not from the last tick: a scheduler that was down for three hours
owes three hourly windows, and one that ticks twice owes none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from alerting_pipeline.domain.definition import AlertDefinition

CRON, CLOCK, MATERIALIZATION, REPORT, TUNED = "cron", "clock", "materialization", "report", "tuned"
"""Kinds of due work: what precedes the colon of `DueWork.work`."""

RECOVERED = "recovered:"
"""How the window of a mart begins that is due because what held its alerts is over."""

MOST = 100
"""Windows made up for in one go; what a longer outage left over is made up for by the next tick."""

_LONGEST_AGO = timedelta(days=4 * 366)

CLOCK_MINUTES = 15
"""How often what time alone changes is looked at."""


@dataclass(frozen=True, slots=True)
class DueWork:
    """One piece of work that is due once: what is to be done (`kind:name`), and for which window (together its key)."""

    work: str
    window: str
    due_at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What follows the colon: an alert, a model, a run."""
        return self.work.partition(":")[2]


def windows_between(cron: str, timezone: str, after: datetime, until: datetime, most: int = MOST) -> list[datetime]:
    """The instants later than `after`, up to and with `until`, oldest first, in UTC; at most `most` of them.

    Local times that a change of the clocks leaves out are due when the clocks have changed; those that it repeats are
    due once, except for schedules that run every few minutes or hours, which go on (Debian's cron does the same).
    """
    found: list[datetime] = []
    for instant in _from(cron, timezone, after):
        if instant > until or len(found) == most:
            break
        found.append(instant)
    return found


def next_window(cron: str, timezone: str, after: datetime) -> datetime:
    """The first instant later than `after`, in UTC; local times around a change of the clocks as in windows_between."""
    return next(_from(cron, timezone, after))


def latest_window(cron: str, timezone: str, now: datetime) -> datetime | None:
    """The window that is the current one: the latest instant of the schedule that has come, in UTC.

    None for a schedule that did not come within the last four years.
    """
    start = now.astimezone(UTC) + timedelta(minutes=1)
    for local in CronSim(cron, start.astimezone(ZoneInfo(timezone)), reverse=True):
        found = local.astimezone(UTC)
        if found <= now:
            return found
        if now - found > _LONGEST_AGO:
            break
    return None


def clock_window(now: datetime) -> datetime:
    """The quarter of an hour that `now` falls into, by its start, in UTC."""
    utc = now.astimezone(UTC)
    return utc.replace(minute=utc.minute // CLOCK_MINUTES * CLOCK_MINUTES, second=0, microsecond=0)


def depends_on_time(definition: AlertDefinition) -> bool:
    """Can the definition's incidents change although its model doesn't: by :as_of in its SQL, by expiring, or because
    its condition must hold, or be over, for a time?
    """
    if definition.expire_after is not None or definition.hold_for or definition.keep_firing_for:
        return True
    texts = (definition.condition, definition.clear_when or "", definition.query or "")
    texts = (*texts, *(level.when or "" for level in definition.severity))
    texts = (*texts, definition.deviance.value if definition.deviance else "")
    return any(":as_of" in text for text in texts)


def _from(cron: str, timezone: str, after: datetime) -> Iterator[datetime]:
    for local in CronSim(cron, after.astimezone(ZoneInfo(timezone))):
        yield local.astimezone(UTC)
