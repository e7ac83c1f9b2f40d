"""What can be seen or done (events), and what follows from it (intents): the language of the lifecycle.

An event says what an evaluation saw or what a person did; an intent says what the caller of `lifecycle.step` has to
carry out in the same transaction. Reasons are named, so that a history explains itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from alerting_pipeline.domain.incident import Disposition, Kind, Transition


class Reason(StrEnum):
    """Why a step did what it did, or why it did nothing."""

    FIRST_VIOLATION = "first violation"
    KNOWN = "known: a person resolved it, it expired, or it was there at the baseline"
    UNCHANGED = "unchanged"
    NOT_MATERIAL = "the change is not material"
    ROW_CHANGED = "columns of its row changed"
    SEVERITY_CHANGED = "severity changed"
    DEVIANCE_CHANGED = "deviance changed"
    CONDITION_FALSE = "the row was read and the condition is false"
    CLEAR_WHEN_TRUE = "the row was read and clear_when holds"
    ROW_GONE = "the row is no longer there"
    CONDITION_NULL = "the condition is NULL"
    CLEAR_WHEN_NULL = "clear_when is NULL"
    CLEAR_WHEN_FALSE = "the condition is false and clear_when does not hold yet"
    NO_DATA = "the model is empty"
    DATA_FAILURE = "the data can't be believed"
    SYSTEM_FAILURE = "the evaluation failed"
    CHECKS_PASSED = "every check passed"
    WORKS_AGAIN = "it works again"
    JUDGED_AGAIN = "it can be judged again"
    TIME_OVER = "expire_after has passed"
    PERSON = "a person did it"
    CAME_BACK = "the condition came back soon after it had ended"
    CALM = "the condition ended, and it is kept firing for a while"
    STANDING_SNOOZE = "its entity or its definition is snoozed"
    SNOOZE_OVER = "the snooze is over"
    WORSE = "it got worse than the snooze allows"
    CRITICAL = "it became critical"
    RESPONSE_DUE_SOON = "80 % of the time allowed have passed without a response"
    RESPONSE_OVERDUE = "the time allowed has passed without a response"
    REPEAT_ELAPSED = "remind_every has passed without a response"
    NOBODY_RESPONDED = "nobody responded in time"
    DEFINITION_GONE = "the definition was removed"
    ABSENT = "there is no open incident"


class Memory(StrEnum):
    """Why a fingerprint isn't raised again although its condition holds."""

    BY_PERSON = "by_person"
    EXPIRED = "expired"
    BASELINE = "baseline"


class Audience(StrEnum):
    """Who is told. route: whoever the routing tree says; owner: the assignee, or else the team that answers for it.

    record: nobody. Only what keeps a record follows: rows of sheets and tables, and messages edited without a sound.
    """

    ROUTE = "route"
    OWNER = "owner"
    ON_CALL = "on_call"
    LEAD = "lead"
    RECORD = "record"


# --- What can be seen or done -----------------------------------------------------------------------------------------


class OpenHours(Protocol):
    """The hours in which a team works."""

    def next_open(self, at: datetime) -> datetime:
        """`at` itself where they are at work then, else when they are next."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What of a definition, and of the team that answers for it, the lifecycle needs.

    `respond_within` and `remind_every` are by severity level; `hours` None: always at work. Without a response the one
    on call is told after `on_call_after` (None: when the time allowed is over), and the lead after `lead_after` (None:
    when it is over twice), both counted from the beginning. `row_columns` are those that its rows in sheets and tables
    show; none: it has no rows.
    """

    alert: str
    version: str
    owner: str
    kind: Kind = Kind.BUSINESS
    labels: Mapping[str, str] = field(default_factory=dict)
    respond_within: Mapping[str, timedelta | None] = field(default_factory=dict)
    deviance_changes_by: Decimal | None = None
    expire_after: timedelta | None = None
    row_columns: tuple[str, ...] = ()
    reopen_within: timedelta = timedelta(0)
    is_lower_worse: bool = False
    remind_every: Mapping[str, timedelta | None] = field(default_factory=dict)
    hours: OpenHours | None = None
    on_call_after: timedelta | None = None
    lead_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """A person wants to hear nothing of it: until an instant, or until its deviance is worse by `factor`."""

    person: str
    until: datetime
    factor: Decimal | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Violated:
    """The condition is TRUE for this entity. `memory` says that the fingerprint is known and not to be raised; `snooze`
    that its entity or definition is snoozed, so that it opens unheard.
    """

    terms: Terms
    fingerprint: UUID
    entity: Mapping[str, str | None]
    severity: str
    summary: str
    deviance: Decimal | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    link: str | None = None
    occurred_at: datetime | None = None
    memory: Memory | None = None
    snooze: Snooze | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    """The row was read and the condition is FALSE, or `clear_when` is TRUE. It ends after `keep_firing_for`."""

    reason: Reason = Reason.CONDITION_FALSE
    keep_firing_for: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Gone:
    """The model was read and has no row for the entity. It ends after `keep_firing_for`."""

    keep_firing_for: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Nothing can be said: a NULL, data that can't be believed, a failed evaluation."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class StillStanding:
    """The row was read and the condition is neither TRUE nor the way out: the incident stays as it is."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Time went on: what is due by the incident's stored instants happens, one thing a step."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A person took it."""

    person: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Resolve:
    """A person ended it, with a verdict. It is not raised again while its condition stays true."""

    person: str
    disposition: Disposition | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """A person carried out one of the definition's actions. It ends the incident with the action's verdict."""

    person: str
    action: str
    disposition: Disposition | None = None
    note: str = ""
    row: PutRow | None = None


@dataclass(frozen=True, slots=True)
class Assign:
    """A person says who looks after it; to themselves, they take it. `terms` say when its assignee is reminded."""

    person: str
    assignee: str
    note: str = ""
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Wake:
    """A person lifts its snooze early. `terms` say when it is reminded from then on."""

    person: str
    note: str = ""
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class RemoveDefinition:
    """The definition is no longer among the files."""


PersonsAct = Acknowledge | Resolve | Act | Snooze | Assign | Wake
Event = Violated | Cleared | Gone | Unjudged | StillStanding | TimePassed | PersonsAct | RemoveDefinition


# --- What follows -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """Write this event into the incident's history."""

    transition: Transition
    actor: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell somebody: the destinations of the incident's route, unless `to` says otherwise."""

    transition: Transition
    to: Audience = Audience.ROUTE


@dataclass(frozen=True, slots=True)
class Remember:
    """Do not raise the fingerprint again while its condition stays true."""

    memory: Memory


@dataclass(frozen=True, slots=True)
class Forget:
    """The fingerprint left its condition: the next violation is a new issue."""


@dataclass(frozen=True, slots=True)
class PutRow:
    """Hand this row to a table, through the outbox. `key` finds the row, `values` are its other columns."""

    table: str
    key: Mapping[str, str]
    values: Mapping[str, str]


Intent = Record | Notify | Remember | Forget | PutRow
