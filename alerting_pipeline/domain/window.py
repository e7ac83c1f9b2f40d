"""The windows of a schedule: the instants at which a definition with a cron trigger is due.

Windows are counted from the last one that was done, not from the last tick: a scheduler that was down for three hours
owes three hourly windows, and one that ticks twice owes none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

MOST = 100
"""Windows made up for in one go; what a longer outage left over is made up for by the next tick."""


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


def _from(cron: str, timezone: str, after: datetime) -> Iterator[datetime]:
    for local in CronSim(cron, after.astimezone(ZoneInfo(timezone))):
        yield local.astimezone(UTC)
