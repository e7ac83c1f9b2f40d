"""Requests to change parameters, in the ledger: asked for, decided, and applied in one transaction.

Whoever asks or decides takes the lock of the alert first, so that of two changes at once one comes first, and the
other is judged by what it left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.change_request import Change, Held, Key, Request, covering
from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store import parameter_values
from alerting_pipeline.store.outbox import enqueue

_COLUMNS = (
    "request_id, alert, parameter, scope, scope_value, old, new, valid_from, valid_to, requested_by, reason, "
    "requested_at, expires_at, approvers, change_hash, status, reverts, definition_version, decided_by, decided_at, "
    "answer"
)


@dataclass(frozen=True, slots=True)
class ChangeRequests:
    """All requests and the values that came of them."""

    engine: Engine

    @contextmanager
    def begin(self, alert: str) -> Iterator[OpenRequests]:
        """One transaction that changes values of this alert and of no other; an error takes everything back."""
        with self.engine.begin() as connection:
            parameter_values.lock_parameters(connection, alert)
            yield OpenRequests(connection)

    def find(self, request_id: int) -> Request | None:
        """A request as it stands; None if there is none of that number."""
        with self.engine.connect() as connection:
            return _found(connection, "request_id = %s", (request_id,))

    def due(self) -> list[str]:
        """The alerts that have open requests."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select distinct alert from ledger.change_requests where status = 'open' order by alert"
            )
            return list(rows.scalars())

    def listed(self, *, is_all: bool, alert: str | None = None) -> list[Mapping[str, Any]]:
        """Open requests, or all, the newest first."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select request_id, alert, parameter, scope, segment as scope_value, old, new, valid_from, valid_to, "
                "requested_by, requested_at, reason, approvers, expires_at, status, decided_by, decided_at, answer, "
                "change_hash, impact, reverts from alerting.change_requests "
                "where (%(all)s or status = 'open') and (%(alert)s::text is null or alert = %(alert)s) "
                "order by request_id desc limit 200",
                {"all": is_all, "alert": alert},
            )
            return [dict(row._mapping) for row in rows]

    def standing(self, alert: str, now: datetime) -> dict[Key, list[Held]]:
        """What holds of every key of an alert, and what is planned."""
        with self.engine.connect() as connection:
            return parameter_values.standing(connection, alert, now)

    def history(self, alert: str, parameter: str | None) -> list[Mapping[str, Any]]:
        """Every value that parameters of an alert had, in the order in which they were written."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select parameter, scope, segment as scope_value, value, valid_from, valid_to, changed_by, "
                "approved_by, recorded_at, superseded_at, request_id, reason, author from alerting.parameter_values "
                "where alert = %(alert)s and (%(parameter)s::text is null or parameter = %(parameter)s) "
                "order by parameter, scope, segment nulls first, recorded_at, valid_from",
                {"alert": alert, "parameter": parameter},
            )
            return [dict(row._mapping) for row in rows]


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """Requests within one transaction that holds the lock of their alert."""

    connection: Connection

    def timeline(self, key: Key, now: datetime) -> list[Held]:
        """What holds of a key now, and what is planned."""
        return parameter_values.timeline(self.connection, key, now)

    def add(self, request: Request, impact: Mapping[str, Any] | None) -> Request:
        """Store it; returns it with its number."""
        change, key = request.change, request.change.key
        number = self.connection.exec_driver_sql(
            "insert into ledger.change_requests (alert, parameter, segment, scope, scope_value, old, new, reason, "
            "requested_by, requested_at, valid_from, valid_to, approvers, expires_at, change_hash, reverts, "
            "definition_version, impact) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, "
            "%s::jsonb) returning request_id",
            (key.alert, key.parameter, None if key.scope == "default" else key.scope_value, key.scope, key.scope_value,
             change.old, change.new, request.reason, request.requested_by, request.requested_at, change.starts_at,
             change.ends_at, list(request.approvers), request.expires_at, request.change_hash, request.reverts,
             request.definition_version, None if impact is None else json.dumps(impact, default=str)),
        ).scalar_one()  # fmt: skip
        return replace(request, request_id=number)

    def lock(self, request_id: int) -> Request | None:
        """The request, while nobody else can decide it."""
        return _found(self.connection, "request_id = %s for update", (request_id,))

    def open(self, alert: str) -> list[Request]:
        """The open requests of the alert, in the order in which they were made."""
        rows = self.connection.exec_driver_sql(
            f"select {_COLUMNS} from ledger.change_requests where alert = %s and status = 'open' "
            "order by request_id for update",
            (alert,),
        )
        return [_request(row._mapping) for row in rows]

    def settle(self, request: Request) -> None:
        """Keep how it was decided: status, by whom, when and why."""
        self.connection.exec_driver_sql(
            "update ledger.change_requests set status = %s, decided_by = %s, decided_at = %s, answer = %s "
            "where request_id = %s",
            (request.status, request.decided_by, request.decided_at, request.answer, request.request_id),
        )

    def apply(self, request: Request, value: Held | None, now: datetime) -> None:
        """Put the value on the timeline in place of what held there; `value` None: nothing holds there any more.

        What held continues before and after it.
        """
        change = request.change
        begins = change.begins(now)
        base = covering(self.timeline(change.key, now), begins)
        if base is not None:
            parameter_values.end(self.connection, base, begins, now)
        if value is not None:
            ends = min((each for each in (change.ends_at, value.valid_to) if each is not None), default=None)
            parameter_values.put(self.connection, change.key, replace(value, valid_from=begins, valid_to=ends))
        if base is not None and change.ends_at is not None and base.covers(change.ends_at):
            parameter_values.put(self.connection, change.key, replace(base, valid_from=change.ends_at))

    def tell(self, notifications: Sequence[Notification]) -> None:
        """Write messages, to leave through the outbox."""
        enqueue(self.connection, notifications)

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None:
        """Append to the audit log."""
        self.connection.exec_driver_sql(
            "select ledger.append_audit(%s, %s, %s, %s::jsonb, %s::jsonb)",
            (actor, action, what, json.dumps(before, default=str), json.dumps(after, default=str)),
        )


def requests_of(connection: Connection, numbers: Sequence[int]) -> dict[int, Request]:
    """Requests by number, as they stand."""
    rows = connection.exec_driver_sql(
        f"select {_COLUMNS} from ledger.change_requests where request_id = any(%s)", (list(numbers),)
    )
    return {row.request_id: _request(row._mapping) for row in rows}


def _found(connection: Connection, where: str, values: tuple[Any, ...]) -> Request | None:
    row = connection.exec_driver_sql(f"select {_COLUMNS} from ledger.change_requests where {where}", values).first()
    return None if row is None else _request(row._mapping)


def _request(row: Mapping[Any, Any]) -> Request:
    key = Key(row["alert"], row["parameter"], row["scope"], row["scope_value"])
    change = Change(key, row["old"], row["new"], row["valid_from"], row["valid_to"])
    same = (
        "requested_by", "requested_at", "expires_at", "change_hash", "status", "reverts", "definition_version",
        "decided_by", "decided_at", "answer", "request_id",
    )  # fmt: skip
    kept = {name: row[name] for name in same}
    return Request(change=change, reason=row["reason"] or "", approvers=tuple(row["approvers"]), **kept)
