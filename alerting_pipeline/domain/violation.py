"""What an evaluation saw, as values: violations, and what it must look up because it did not see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation as it was seen. `record` holds the shown columns and the parameter values, numbers as Decimal."""

    ordinal: int
    fingerprint: UUID
    entity: Mapping[str, str | None]
    severity: str
    deviance: Decimal | None
    occurred_at: datetime | None
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Missing:
    """An open incident, or a known fingerprint, that was not among the violations and has to be looked up by key."""

    ordinal: int
    fingerprint: UUID
    entity: Mapping[str, str | None]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A definition that may open and close incidents, with what decides about a change.

    `row_columns` are the columns that its rows in sheets and tables show; none: it has no rows to keep up to date.
    `holds_for` and `reopens_within` None: a violation opens at once, and a new incident.
    """

    ordinal: int
    alert: str
    changes_by: Decimal | None
    expires_after: timedelta | None
    row_columns: tuple[str, ...] = ()
    holds_for: timedelta | None = None
    reopens_within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """How an entity's newest incident stands after an evaluation, and what happened to it there; none: nothing."""

    entity: Mapping[str, str | None]
    events: tuple[str, ...]
    is_open: bool
    is_held: bool
    severity: str
    deviance: Decimal | None
    summary: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What was seen of one definition, counted."""

    violations: int = 0
    null_rows: int = 0
    unknown_segments: int = 0
