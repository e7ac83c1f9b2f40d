"""The incident: the lifetime of one fingerprint, from the first violation to a resolution.

Values only. What may happen to an incident is decided in `lifecycle.step`, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import md5
from operator import attrgetter
from typing import Any
from uuid import UUID


class Kind(StrEnum):
    """What sort of failure was found: of the business, of the data, or of the system that looks at both."""

    BUSINESS = "business"
    DATA = "data"
    SYSTEM = "system"


class Status(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """How an incident ended."""

    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"
    BY_PERSON = "by_person"
    EXPIRED = "expired"
    DEFINITION_REMOVED = "definition_removed"


class Disposition(StrEnum):
    """A person's verdict on an incident."""

    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    EXPECTED = "expected"
    DUPLICATE = "duplicate"


class Transition(StrEnum):
    """What happened to an incident. held, released, calmed and relapsed are kept in its history and told to nobody; of
    refreshed only rows hear: its columns changed, and not enough to tell people.

    calmed: its condition ended, and it is kept firing for a while; relapsed: the condition came back meanwhile.
    """

    OPENED = "opened"
    REOPENED = "reopened"
    UPDATED = "updated"
    REFRESHED = "refreshed"
    HELD = "held"
    RELEASED = "released"
    CALMED = "calmed"
    RELAPSED = "relapsed"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    ASSIGNED = "assigned"
    REMINDED = "reminded"
    SLA_WARNED = "sla_warned"
    SLA_BREACHED = "sla_breached"
    ESCALATED = "escalated"
    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    DEFINITION_REMOVED = "definition_removed"


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident as the ledger keeps it. `incident_id` is None until it has been stored.

    `entity` maps the definition's entity columns to their canonical text; `fields` holds the columns of the row that
    the definition uses, and the parameter values then in force. `severity` and `notified_deviance` are those of the
    last material change: what people were told. `deviance` and `fields` may be newer, where a row shows them. Instants
    are business instants (the evaluation's `as_of`), in UTC.

    What the clock changes is stored as instants: `snoozed_until`, `warn_at` (of the time allowed 80 % have passed),
    `due_at`, `remind_at`, `escalates_at`. One that is None never comes, or has come and was told.
    """

    alert: str
    fingerprint: UUID
    entity: Mapping[str, str | None]
    kind: Kind
    severity: str
    summary: str
    owner: str
    definition_version: str
    opened_at: datetime
    last_seen_at: datetime
    incident_id: int | None = None
    status: Status = Status.OPEN
    deviance: Decimal | None = None
    notified_deviance: Decimal | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    link: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    occurred_at: datetime | None = None
    held_since: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    due_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: Resolution | None = None
    disposition: Disposition | None = None
    reopened_at: datetime | None = None
    calm_since: datetime | None = None
    snoozed_until: datetime | None = None
    snoozed_by: str | None = None
    snooze_factor: Decimal | None = None
    snooze_deviance: Decimal | None = None
    assignee: str | None = None
    responded_at: datetime | None = None
    warn_at: datetime | None = None
    sla_breached_at: datetime | None = None
    remind_at: datetime | None = None
    escalates_at: datetime | None = None
    escalation_level: int = 0

    def but(self, **changes: Any) -> Incident:
        """The same incident with other values. `dataclasses.replace` takes three times as long, and a storm needs it
        some hundred thousand times.
        """
        return Incident(**{**dict(zip(INCIDENT_FIELDS, _values(self), strict=True)), **changes})

    @property
    def next_at(self) -> datetime | None:
        """The earliest stored instant at which the clock matters to it; None: time alone changes nothing.

        A business incident that is held stands still: what can't be judged must not be pressed on anybody.
        """
        if self.is_resolved or (self.held_since is not None and self.kind is Kind.BUSINESS):
            return None
        if self.status is Status.SNOOZED:
            return self.snoozed_until
        instants = (self.warn_at, self.breaches_at, self.remind_at, self.escalates_at)
        return min((instant for instant in instants if instant is not None), default=None)

    @property
    def breaches_at(self) -> datetime | None:
        """When the time allowed is over without a response; None once somebody responded, or the breach was told."""
        is_over = self.responded_at is not None or self.sla_breached_at is not None
        return None if is_over else self.due_at

    @property
    def is_resolved(self) -> bool:
        """Whether its lifetime is over."""
        return self.status is Status.RESOLVED

    @property
    def entity_text(self) -> str:
        """The entity in one line: the value alone where there is one column, otherwise `column=value, …`."""
        if len(self.entity) == 1:
            return str(next(iter(self.entity.values())))
        return ", ".join(f"{column}={value}" for column, value in sorted(self.entity.items()))


INCIDENT_FIELDS = tuple(each.name for each in fields(Incident))
_values = attrgetter(*INCIDENT_FIELDS)


def fingerprint(alert: str, entity: Mapping[str, str | None]) -> UUID:
    """The dedupe key of (alert, entity): md5 over the alert and the JSON array of the entity's values.

    The values are ordered by column name, so that listing the columns in another order keeps the incidents. JSON is
    the escaped delimiter: ("a", "b,c") and ("a,b", "c") stay apart. `scan.fingerprint_sql` computes the same in the
    database; a property test holds the two together.
    """
    values = [entity[column] for column in sorted(entity)]
    text = alert + json.dumps(values, ensure_ascii=False)
    return UUID(md5(text.encode(), usedforsecurity=False).hexdigest())
