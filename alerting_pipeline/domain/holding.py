"""What is held back from whom, why, and until when: the decision between telling at once and later.

Nothing is lost by it: what is held back is a row in the ledger, and ends as told, as told together with others, or as
over before anybody was told, each with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerting_pipeline.domain.telling import Group

CRITICAL = "critical"
ROWS = frozenset({"sheet", "table", "csv", "webhook"})
"""Channels that take a row, or a program's call, per incident: that is what they are for, and nobody is interrupted."""
PROGRAMS = frozenset({"webhook", "ticket", "pagerduty"})
"""Channels whose other side keeps an incident of its own for each of ours, opened, changed and closed with it. They
wait for no group and no digest and use nobody's budget; what a person silenced they are not told either."""


class Why(StrEnum):
    """Why somebody isn't told at once."""

    GROUP = "group"
    DIGEST = "digest"
    BUDGET = "budget"
    SILENCE = "silence"
    INHIBITION = "inhibition"


class Fate(StrEnum):
    """What became of something that was held back."""

    TOLD = "told"
    ENDED = "ended"


class How(StrEnum):
    """How a destination knows of an incident; where it has heard of it in several ways, the first of these counts."""

    ALONE = "alone"
    GROUP = "group"
    DIGEST = "digest"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why something is held back, in words, and the instant at which that is looked at again.

    Without `due_at` it is the pace of its `group` (`group_id`, where that is known already), or the end of the incident
    `source_id` that inhibits it.
    """

    why: Why
    reason: str
    due_at: datetime | None = None
    group: Group | None = None
    group_id: int | None = None
    silence_id: int | None = None
    source_id: int | None = None
    recipient: str | None = None


@dataclass(frozen=True, slots=True)
class Flushed:
    """What came of a pass: messages written, what they told, incidents that ended untold, and what failed, in words."""

    messages: int = 0
    told: int = 0
    ended: int = 0
    failed: tuple[str, ...] = ()

    def __add__(self, other: Flushed) -> Flushed:
        return Flushed(
            self.messages + other.messages,
            self.told + other.told,
            self.ended + other.ended,
            self.failed + other.failed,
        )
