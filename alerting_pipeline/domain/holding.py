"""What is held back from whom, why, and until when: the decision between telling at once and later.

Nothing is lost by it: what is held back is a row in the ledger, and ends as told, as told together with others, or as
over before anybody was told, each with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerting_pipeline.domain.telling import Telling, next_digest

CRITICAL = "critical"
ROWS = frozenset({"sheet", "table", "csv", "webhook"})
"""Channels that take a row, or a program's call, per incident: that is what they are for, and nobody is interrupted."""


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
    DIGEST = "digest"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why something is held back, in words, and the instant at which that is looked at again."""

    why: Why
    reason: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Flushed:
    """What came of a pass: messages written, incidents told by them, and incidents that ended untold."""

    messages: int = 0
    told: int = 0
    ended: int = 0

    def __add__(self, other: Flushed) -> Flushed:
        return Flushed(self.messages + other.messages, self.told + other.told, self.ended + other.ended)


def hold_for_digest(telling: Telling, severity: str, now: datetime) -> Hold | None:
    """Is it to be collected? Never what is critical: whoever wrote it wants to know now."""
    if telling.digest is None or severity == CRITICAL:
        return None
    due_at = next_digest(telling.digest, now)
    return Hold(Why.DIGEST, f"the {telling.digest} digest of {due_at:%Y-%m-%d %H:%M} UTC", due_at)
