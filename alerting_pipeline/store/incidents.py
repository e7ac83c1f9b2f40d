"""Incidents in the ledger: read, opened, changed, with their history and what is not to be raised again.

Nothing here decides: every row written is the outcome of `lifecycle.step`. That there is one open incident per
fingerprint is the database's promise (a partial unique index), not ours: of eight evaluators that find the same
violation one inserts, and the others learn that they did not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection

from alerting_pipeline.domain.event import Cleared, Memory, Notify, Reason, Record, Remember
from alerting_pipeline.domain.incident import (
    INCIDENT_FIELDS,
    Disposition,
    Incident,
    Kind,
    Resolution,
    Status,
    Transition,
    fingerprint,
)
from alerting_pipeline.domain.lifecycle import Step, step
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.system_definitions import SystemDefinition, SystemFinding, found
from alerting_pipeline.rendering.notification import News

INCIDENT_COLUMNS = INCIDENT_FIELDS
_TYPES = {
    "incident_id": "bigint", "fingerprint": "uuid", "entity": "jsonb", "fields": "jsonb", "labels": "jsonb",
    "deviance": "numeric", "notified_deviance": "numeric", "occurred_at": "timestamptz", "opened_at": "timestamptz",
    "last_seen_at": "timestamptz", "held_since": "timestamptz", "acknowledged_at": "timestamptz",
    "due_at": "timestamptz", "resolved_at": "timestamptz", "reopened_at": "timestamptz", "calm_since": "timestamptz",
    "snoozed_until": "timestamptz", "snooze_factor": "numeric", "snooze_deviance": "numeric",
    "responded_at": "timestamptz", "warn_at": "timestamptz", "sla_breached_at": "timestamptz",
    "remind_at": "timestamptz", "escalates_at": "timestamptz", "escalation_level": "integer", "next_at": "timestamptz",
}  # fmt: skip
_INSERTED = (*(column for column in INCIDENT_COLUMNS if column != "incident_id"), "next_at")
_WRITTEN = (*INCIDENT_COLUMNS, "next_at")
_values = attrgetter(*_WRITTEN)
_UPDATED = tuple(
    column
    for column in _INSERTED
    if column not in ("alert", "fingerprint", "entity", "kind", "opened_at", "occurred_at", "owner", "labels")
)


class Announce(Protocol):
    """Turns what happened to incidents into outbox rows, in the transaction that it is given."""

    @property
    def people(self) -> People: ...

    @property
    def built_in(self) -> Mapping[str, SystemDefinition]: ...

    def __call__(self, connection: Connection, news: Sequence[News]) -> object: ...


def incident_of(row: Mapping[Any, Any], prefix: str = "") -> Incident:
    """A row of ledger.incidents as a value."""
    values = {column: row[prefix + column] for column in INCIDENT_COLUMNS}
    return Incident(
        **{
            **values,
            "kind": Kind(values["kind"]),
            "status": Status(values["status"]),
            "resolution": Resolution(values["resolution"]) if values["resolution"] else None,
            "disposition": Disposition(values["disposition"]) if values["disposition"] else None,
        }
    )


def carry_out(
    connection: Connection, steps: Sequence[Step], now: datetime, evaluations: Mapping[str, int] | None = None
) -> list[News]:
    """Write what steps led to; returns what is to be told, with the number that makes each message unique.

    A step that wanted to open an incident which somebody else opened meanwhile is dropped, with its intents.
    """
    acting = [(item, item.incident) for item in steps if item.intents and item.incident is not None]
    changing = [(item, incident) for item, incident in acting if incident.incident_id is not None]
    opening = {incident.fingerprint: (item, incident) for item, incident in acting if incident.incident_id is None}
    numbers = _insert(connection, [incident for _, incident in opening.values()], evaluations or {})
    opened = [
        (item, incident.but(incident_id=numbers[key])) for key, (item, incident) in opening.items() if key in numbers
    ]
    _update(connection, [incident for _, incident in changing])
    written = opened + changing
    _remember(connection, written, now)
    return _append_events(connection, written, now)


def incidents_where(connection: Connection, condition: str, parameters: Sequence[Any] = ()) -> list[Incident]:
    """Incidents for which a condition over `ledger.incidents as i` holds, oldest first; the condition is our own.

    They are locked until the transaction ends: whoever reads an incident here is about to change it, and must neither
    overwrite what a person does meanwhile nor be overwritten.
    """
    rows = connection.exec_driver_sql(
        f"select {', '.join(f'i.{column}' for column in INCIDENT_COLUMNS)} from ledger.incidents as i "
        f"where {condition} order by i.incident_id for update of i",
        tuple(parameters),
    )
    return [incident_of(row._mapping) for row in rows]


def record_finding(connection: Connection, finding: SystemFinding, *, now: datetime, announce: Announce) -> int | None:
    """Open the system incident of a finding, in the caller's transaction; returns its number, None if it is open
    already or was resolved by a person and still stands.
    """
    numbers = record_findings(connection, [finding], now=now, announce=announce)
    return numbers[0] if numbers else None


def record_findings(
    connection: Connection, findings: Sequence[SystemFinding], *, now: datetime, announce: Announce
) -> list[int]:
    """The same for several, told together, so that a hundred of a kind are one message."""
    events = [found(finding, announce.people, announce.built_in) for finding in findings]
    keys = [event.fingerprint for event in events]
    standing = incidents_where(connection, "i.fingerprint = any(%s) and i.status <> 'resolved'", [keys])
    incidents = {incident.fingerprint: incident for incident in standing}
    remembered = known(connection, keys)
    steps = [
        step(
            incidents.get(event.fingerprint),
            replace(event, memory=Memory.BY_PERSON) if event.fingerprint in remembered else event,
            now,
        )
        for event in events
    ]
    news = carry_out(connection, steps, now)
    announce(connection, news)
    opened = [item.incident.incident_id for item in news if item.transition is Transition.OPENED]
    return [number for number in opened if number is not None]


def clear_finding(
    connection: Connection, alert: str, entity: Mapping[str, str], *, now: datetime, announce: Announce
) -> bool:
    """End the system incident about this entity: it works again. False if there is none."""
    key = fingerprint(alert, entity)
    forget(connection, alert, [key])
    open_now = incidents_where(connection, "i.fingerprint = %s and i.status <> 'resolved'", [key])
    if not open_now:
        return False
    announce(connection, carry_out(connection, [step(open_now[0], Cleared(Reason.WORKS_AGAIN), now)], now))
    return True


def forget(connection: Connection, alert: str, fingerprints: Sequence[UUID]) -> None:
    """These left their condition: the next violation is a new issue."""
    if fingerprints:
        for table in ("known_fingerprints", "pending_violations"):
            connection.exec_driver_sql(
                f"delete from ledger.{table} where alert = %s and fingerprint = any(%s)", (alert, list(fingerprints))
            )


def _insert(connection: Connection, incidents: Sequence[Incident], evaluations: Mapping[str, int]) -> dict[UUID, int]:
    if not incidents:
        return {}
    columns = ", ".join(_INSERTED)
    rows = connection.exec_driver_sql(
        f"""
        insert into ledger.incidents ({columns}, evaluation_id)
        select {columns}, (%(evaluations)s::jsonb ->> alert)::bigint
        from jsonb_to_recordset(%(rows)s::jsonb) as x ({_typed(_INSERTED)})
        order by fingerprint
        on conflict (fingerprint) where status <> 'resolved' do nothing
        returning fingerprint, incident_id
        """,
        {"rows": _json([_row(incident) for incident in incidents]), "evaluations": _json(evaluations)},
    )
    return {row.fingerprint: row.incident_id for row in rows}


def _update(connection: Connection, incidents: Sequence[Incident]) -> None:
    if not incidents:
        return
    assignments = ", ".join(f"{column} = x.{column}" for column in _UPDATED)
    connection.exec_driver_sql(
        f"""
        update ledger.incidents as i set {assignments}
        from jsonb_to_recordset(%(rows)s::jsonb) as x ({_typed(("incident_id", *_UPDATED))})
        where i.incident_id = x.incident_id
        """,
        {"rows": _json([_row(incident) for incident in incidents])},
    )


def _remember(connection: Connection, written: Sequence[tuple[Step, Incident]], now: datetime) -> None:
    rows = [
        {"alert": incident.alert, "fingerprint": incident.fingerprint, "entity": incident.entity, "why": intent.memory}
        for item, incident in written
        for intent in item.intents
        if isinstance(intent, Remember)
    ]
    if rows:
        connection.exec_driver_sql(
            """
            insert into ledger.known_fingerprints (alert, fingerprint, entity, why, since)
            select alert, fingerprint, entity, why, %(now)s
            from jsonb_to_recordset(%(rows)s::jsonb) as x (alert text, fingerprint uuid, entity jsonb, why text)
            on conflict (alert, fingerprint) do update set why = excluded.why, since = excluded.since
            """,
            {"rows": _json(rows), "now": now},
        )


def _append_events(connection: Connection, written: Sequence[tuple[Step, Incident]], now: datetime) -> list[News]:
    records = [
        (item, incident, intent) for item, incident in written for intent in item.intents if isinstance(intent, Record)
    ]
    if not records:
        return []
    rows = [
        {"place": place, "incident_id": incident.incident_id, "event": intent.transition, "actor": intent.actor,
         "detail": intent.detail}
        for place, (_, incident, intent) in enumerate(records)
    ]  # fmt: skip
    numbered = connection.exec_driver_sql(
        """
        insert into ledger.incident_events (incident_id, at, event, actor, detail)
        select incident_id, %(now)s, event, actor, detail
        from jsonb_to_recordset(%(rows)s::jsonb)
            as x (place bigint, incident_id bigint, event text, actor text, detail jsonb)
        order by place
        returning event_id, incident_id, event
        """,
        {"rows": _json(rows), "now": now},
    )
    numbers = {(row.incident_id, row.event): row.event_id for row in numbered}
    return [
        News(
            incident, record.transition, numbers[incident.incident_id, record.transition], _note(record), now, intent.to
        )
        for item, incident, record in records
        for intent in item.intents
        if isinstance(intent, Notify) and intent.transition is record.transition
    ]


def _note(record: Record) -> str:
    return str(record.detail.get("note", ""))


def known(connection: Connection, keys: Sequence[UUID]) -> set[UUID]:
    """Those among these fingerprints that are not to be raised again while they stand."""
    rows = connection.exec_driver_sql(
        "select fingerprint from ledger.known_fingerprints where fingerprint = any(%s)", (list(keys),)
    )
    return set(rows.scalars())


def _typed(columns: Iterable[str]) -> str:
    return ", ".join(f"{column} {_TYPES.get(column, 'text')}" for column in columns)


def _row(incident: Incident) -> dict[str, Any]:
    """Without what is empty, which is most of it: a storm's rows are half as long to write and to parse."""
    return {column: value for column, value in zip(_WRITTEN, _values(incident), strict=True) if value is not None}


def _json(value: Any) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        # A double where it holds the digits, so that analysts get JSON numbers; text where it would lose some.
        return float(value) if value.is_finite() and Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in the ledger")
