"""What becomes of the rows of a report: which are sent, wait for the recipient's hours, or are left out, and why.

The window is what makes a message a new one. Without a column for it, it is the window of the schedule: each entity
hears once in each. With one (a due date), each entity hears once of each value, however often the schedule comes by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from alerting_pipeline.domain.people import is_email
from alerting_pipeline.domain.report import ReportDefinition, SendWithin

LONGEST_ADDRESS = 254


class Fate(StrEnum):
    """What becomes of one row in one pass. `waiting`: outside of the recipient's hours, so a later pass looks again.

    `known` is seen in previews alone: its message was written before, and what became of it is the reason.
    """

    QUEUED = "queued"
    KNOWN = "known"
    WAITING = "waiting"
    SKIPPED = "skipped"
    UNSUBSCRIBED = "unsubscribed"


class WindowStatus(StrEnum):
    """How a report's window stands. Only `done` is an end: every other one is looked at again while it is current."""

    DONE = "done"
    WAITING = "waiting"
    HELD = "held"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DueLetter:
    """One row of the mart. `record` holds the columns that the texts name; `known` says what became of its message,
    where one was written before (in a preview: a pass leaves those rows out).
    """

    fingerprint: UUID
    entity: Mapping[str, str | None]
    window: str
    recipient: str | None
    zone: str | None
    record: Mapping[str, Any]
    is_unsubscribed: bool = False
    known: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a recipient gets: the subject, the body as HTML whose values are escaped, and where to end it.

    It is plain data, for it waits in the outbox. `why` says why it is sent, in the last line.
    """

    report: str
    to: str
    subject: str
    body: str
    why: str = ""
    from_name: str = ""
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A row with its fate and, where there is one, the reason; `letter` is there where it is queued or known."""

    due: DueLetter
    fate: Fate
    reason: str = ""
    letter: Letter | None = None
    has_unknown_zone: bool = False


@dataclass(slots=True)
class SendResult:
    """One pass over one window of a report, counted. `sent` were written to the outbox by this pass."""

    report: str
    window: datetime
    as_of: datetime
    status: WindowStatus = WindowStatus.DONE
    reason: str = ""
    due: int = 0
    sent: int = 0
    known: int = 0
    waiting: int = 0
    skipped: int = 0
    unsubscribed: int = 0
    duplicates: int = 0
    null_rows: int = 0
    unknown_zones: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def is_finished(self) -> bool:
        """Is there nothing left to look at while this window is the current one?"""
        return self.status is WindowStatus.DONE

    @property
    def left_out(self) -> int:
        """Rows that should have been sent and could not be."""
        return self.skipped + self.duplicates

    def count(self, judged: Judged) -> None:
        """Add one row."""
        self.sent += judged.fate is Fate.QUEUED
        self.known += judged.fate is Fate.KNOWN
        self.waiting += judged.fate is Fate.WAITING
        self.skipped += judged.fate is Fate.SKIPPED
        self.unsubscribed += judged.fate is Fate.UNSUBSCRIBED
        self.unknown_zones += judged.has_unknown_zone
        if judged.fate is Fate.SKIPPED:
            self.reasons[judged.reason] = self.reasons.get(judged.reason, 0) + 1

    def settle(self) -> None:
        """The status that the counts come to."""
        if self.waiting:
            self.status, self.reason = WindowStatus.WAITING, f"{self.waiting:,} wait for their recipients' hours"


def judged_before_rendering(definition: ReportDefinition, due: DueLetter, now: datetime) -> Judged | None:
    """What keeps a row from being sent, whatever its texts say; None: nothing does."""
    if not due.window:
        return Judged(due, Fate.SKIPPED, f"{definition.window} is empty")
    if due.recipient is None or not due.recipient.strip():
        return Judged(due, Fate.SKIPPED, f"{definition.to_column} is empty")
    if not is_address(due.recipient):
        return Judged(due, Fate.SKIPPED, f"{definition.to_column} is not a mail address")
    if due.is_unsubscribed:
        return Judged(due, Fate.UNSUBSCRIBED, "the recipient has unsubscribed")
    if definition.send_within is not None and not is_within(definition.send_within, due.zone, now):
        unknown = has_unknown_zone(definition.send_within, due.zone)
        return Judged(due, Fate.WAITING, "outside of the recipient's hours", has_unknown_zone=unknown)
    return None


def is_address(text: str) -> bool:
    """May a message be sent there: one plain address, short enough for SMTP, that a server can be told in ASCII?"""
    return is_email(text) and len(text) <= LONGEST_ADDRESS and text.isascii() and ".." not in text


def is_within(hours: SendWithin, zone: str | None, now: datetime) -> bool:
    """Is it business hours where the recipient is? A missing or unknown zone is taken for the declared one."""
    named = zone if hours.timezone_column is not None and is_zone(zone) else hours.timezone
    return hours.model_copy(update={"timezone": named}).include(now)


def has_unknown_zone(hours: SendWithin, zone: str | None) -> bool:
    """Had the declared zone to stand in for the row's own?"""
    return hours.timezone_column is not None and not is_zone(zone)


def is_zone(name: str | None) -> bool:
    """Is it a time zone of the IANA list?"""
    if not name:
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True
