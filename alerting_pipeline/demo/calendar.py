"""The sample company lives at one fixed instant, so that its story is the same whenever it is told.

Its "now" is handed to evaluation as the environment's ALERTING_AS_OF; a second run of the demo is then a repetition,
and a repetition must send nothing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

AS_OF = datetime(2026, 1, 19, 6, 0, tzinfo=UTC)
"""A Monday morning: yesterday's files have come, people begin to work."""

DEFAULT_DAYS = 14
STORY_DAYS = 14
"""How far back the planted cases reach. They are there however few days of ordinary traffic surround them."""


def day_before(days: int) -> date:
    """The calendar day that many days before AS_OF."""
    return AS_OF.date() - timedelta(days=days)


def at(days_ago: int, clock: str) -> datetime:
    """The instant of a wall-clock time such as 14:20 (UTC), so many days before AS_OF."""
    return datetime.combine(day_before(days_ago), time.fromisoformat(clock), UTC)


def past_days(days: int) -> list[date]:
    """The complete days before AS_OF, oldest first: as many as asked for, and never fewer than the story needs."""
    return [day_before(ago) for ago in range(max(days, STORY_DAYS), 0, -1)]
