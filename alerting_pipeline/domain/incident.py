"""The incident: the lifetime of one fingerprint, from the first violation to a resolution.

Values only. What may happen to an incident is decided in `lifecycle.step`, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import md5
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
    """What happened to an incident. `held` and `released` are kept in its history and told to nobody; of
    `refreshed` only rows hear: its columns changed, and not enough to tell people.
    """

    OPENED = "opened"
    UPDATED = "updated"
    REFRESHED = "refreshed"
    HELD = "held"
    RELEASED = "released"
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


def fingerprint(alert: str, entity: Mapping[str, str | None]) -> UUID:
    """The dedupe key of (alert, entity): md5 over the alert and the JSON array of the entity's values.

    The values are ordered by column name, so that listing the columns in another order keeps the incidents. JSON is
    the escaped delimiter: ("a", "b,c") and ("a,b", "c") stay apart. `scan.fingerprint_sql` computes the same in the
    database; a property test holds the two together.
    """
    values = [entity[column] for column in sorted(entity)]
    text = alert + json.dumps(values, ensure_ascii=False)
    return UUID(md5(text.encode(), usedforsecurity=False).hexdigest())
