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
from typing import Any
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
    DEFINITION_GONE = "the definition was removed"
    ABSENT = "there is no open incident"


class Memory(StrEnum):
    """Why a fingerprint isn't raised again although its condition holds."""

    BY_PERSON = "by_person"
    EXPIRED = "expired"
    BASELINE = "baseline"


# --- What can be seen or done -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terms:
    """What of a definition the lifecycle needs. `respond_within` maps severity levels to the time allowed.

    `row_columns` are those that its rows in sheets and tables show; none: it has no rows.
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


@dataclass(frozen=True, slots=True)
class Violated:
    """The condition is TRUE for this entity. `memory` says that the fingerprint is known and not to be raised."""

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


@dataclass(frozen=True, slots=True)
class Cleared:
    """The row was read and the condition is FALSE, or `clear_when` is TRUE."""

    reason: Reason = Reason.CONDITION_FALSE


@dataclass(frozen=True, slots=True)
class Gone:
    """The model was read and has no row for the entity."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Nothing can be said: a NULL, data that can't be believed, a failed evaluation."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class StillStanding:
    """The row was read and the condition is neither TRUE nor the way out: the incident stays as it is."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Time went on; `expire_after` is the definition's."""

    expire_after: timedelta | None


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
class RemoveDefinition:
    """The definition is no longer among the files."""


Event = (
    Violated | Cleared | Gone | Unjudged | StillStanding | TimePassed | Acknowledge | Resolve | Act | RemoveDefinition
)


# --- What follows -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """Write this event into the incident's history."""

    transition: Transition
    actor: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the destinations of the incident's route."""

    transition: Transition


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
