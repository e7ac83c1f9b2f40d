"""What goes quiet without telling: a part that is not heard of any more, an alert that is not evaluated any more.

Each is a finding about the alerting itself, for as long as it lasts. Both are silence, so they are found by whoever
still lives, and not by what fell silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerting_pipeline.domain.system_definitions import OVERDUE_EVALUATION, PART_STOPPED, SystemFinding

TOLERANCE = timedelta(minutes=30)
"""How long after a mart was built its alerts may wait for their evaluation."""


PATIENCE = 3
"""For how many of its intervals a part may be silent; the view alerting.heartbeats says the same."""
_LONGEST_RETURN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Beat:
    """When a part was last heard of, and how often it means to be."""

    part: str
    at: datetime
    every: timedelta
    is_resting: bool
    is_overdue: bool
    heard_for: timedelta | None = None

    @property
    def is_back(self) -> bool:
        """Is it heard of, but only of late? It may fall silent again: what was told of it stands for a little longer.
        Unknown, it has been there for long.
        """
        enough = min(PATIENCE * self.every, _LONGEST_RETURN)
        return not (self.is_resting or self.is_overdue) and self.heard_for is not None and self.heard_for < enough

    @property
    def finding(self) -> SystemFinding:
        """That it is not heard of any more."""
        summary = f"{self.part} was last heard of at {_said(self.at)}, and means to be every {_length(self.every)}"
        return SystemFinding(PART_STOPPED, {"part": self.part}, summary)


@dataclass(frozen=True, slots=True)
class Witness:
    """Who notices silence at `now`: itself heard of without a gap from `since`, and last before that at `before`.

    When a machine slept, or its database was away, everybody was silent, the witness too: that is no part's silence. A
    part is missed only for as long as somebody was there who would have heard it.
    """

    now: datetime
    since: datetime
    before: datetime

    def misses(self, beat: Beat) -> bool:
        """Would it have heard the part, and did not?"""
        return beat.at < self.before and self.has_watched(PATIENCE * beat.every)

    def has_watched(self, length: timedelta) -> bool:
        """Was it there for longer than that?"""
        return self.now - self.since > length


def stopped(part: str, times: int) -> SystemFinding:
    """That a part ended by itself, so many times of late, for whoever saw it end."""
    return SystemFinding(PART_STOPPED, {"part": part}, f"{part} ended by itself, {times} times within ten minutes")


@dataclass(frozen=True, slots=True)
class Late:
    """An alert that should have been evaluated since that instant. `why` completes "…was not evaluated, although"."""

    alert: str
    since: datetime
    why: str

    @property
    def finding(self) -> SystemFinding:
        """That it is overdue."""
        summary = f"{self.alert} was not evaluated, although {self.why} at {_said(self.since)}"
        return SystemFinding(OVERDUE_EVALUATION, {"alert": self.alert}, summary)


def _said(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _length(every: timedelta) -> str:
    seconds = every.total_seconds()
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} min"
