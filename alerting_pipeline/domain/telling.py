"""How a destination is told: at once, in groups, or collected into a digest; and when the next digest is due.

Grouping keeps a person from reading the same thing twenty times, a digest from being interrupted by what can wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alerting_pipeline.domain.window import next_window

Every = Literal["hourly", "daily", "weekly"]

AT_EIGHT = "0 8"
_CRON: dict[str, str] = {"hourly": "0 * * * *", "daily": f"{AT_EIGHT} * * *", "weekly": f"{AT_EIGHT} * * 1"}


@dataclass(frozen=True, slots=True)
class Telling:
    """What a definition and the branches that took its incident say about telling one destination."""

    digest: Every | None = None


def next_digest(every: Every, now: datetime, timezone: str = "UTC") -> datetime:
    """When what is held back now is told: the next full hour, 08:00, or Monday 08:00 by the recipient's clock."""
    return next_window(_CRON[every], timezone, now)
