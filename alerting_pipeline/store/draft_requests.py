"""Requests for new alerts, in the ledger: asked for and decided under the lock of their name.

Of two people who ask for one name at once the second waits for the lock, and then finds the first one's request; a
unique index says the same to whoever comes another way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.draft_request import DraftRequest, NewFile
from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store.outbox import enqueue

_FILE = "alert, path, text, version, definition"
_REST = (
    "requested_by, reason, requested_at, expires_at, approvers, draft_hash, impact, status, decided_by, decided_at, "
    "answer, git_commit, request_id"
)


@dataclass(frozen=True, slots=True)
class DraftRequests:
    """All requests for new alerts."""

    engine: Engine

    @contextmanager
    def begin(self, alert: str) -> Iterator[OpenDrafts]:
        """One transaction in which nobody else asks for, or decides on, an alert of this name."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "select pg_advisory_xact_lock(hashtextextended('alerting draft of ' || %s, 0))", (alert,)
            )
            yield OpenDrafts(connection)

    def find(self, request_id: int) -> DraftRequest | None:
        """A request as it stands; None if there is none of that number."""
        with self.engine.connect() as connection:
            return next(_requests(connection, "request_id = %s", (request_id,)), None)

    def open(self) -> list[DraftRequest]:
        """Those that wait for an answer, the oldest first."""
        with self.engine.connect() as connection:
            return list(_requests(connection, "status = 'open' order by request_id", ()))

    def listed(self, *, is_all: bool) -> list[DraftRequest]:
        """Open requests, or all, the newest first."""
        with self.engine.connect() as connection:
            where = "(%s or status = 'open') order by request_id desc limit 200"
            return list(_requests(connection, where, (is_all,)))


@dataclass(frozen=True, slots=True)
class OpenDrafts:
    """Requests within one transaction that holds the lock of a name."""

    connection: Connection

    def waiting(self, alert: str) -> DraftRequest | None:
        """The request for this name that waits for an answer."""
        return next(_requests(self.connection, "alert = %s and status = 'open'", (alert,)), None)

    def add(self, request: DraftRequest) -> DraftRequest:
        """Store it; returns it with its number."""
        file = request.file
        number = self.connection.exec_driver_sql(
            "insert into ledger.draft_requests (alert, path, text, version, definition, owner, requested_by, reason, "
            "requested_at, expires_at, approvers, draft_hash, impact) "
            "values (%s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s, %s, %s::jsonb) returning request_id",
            (file.alert, file.path, file.text, file.version, json.dumps(file.definition, default=str), file.owner,
             request.requested_by, request.reason, request.requested_at, request.expires_at, list(request.approvers),
             request.draft_hash, None if request.impact is None else json.dumps(request.impact, default=str)),
        ).scalar_one()  # fmt: skip
        return replace(request, request_id=number)

    def lock(self, request_id: int) -> DraftRequest | None:
        """The request, while nobody else can decide it."""
        return next(_requests(self.connection, "request_id = %s for update", (request_id,)), None)

    def settle(self, request: DraftRequest) -> None:
        """Keep how it was decided: status, by whom, when and why, and the commit that wrote it."""
        self.connection.exec_driver_sql(
            "update ledger.draft_requests set status = %s, decided_by = %s, decided_at = %s, answer = %s, "
            "git_commit = %s where request_id = %s",
            (request.status, request.decided_by, request.decided_at, request.answer, request.commit,
             request.request_id),
        )  # fmt: skip

    def tell(self, notifications: Sequence[Notification]) -> None:
        """Write messages, to leave through the outbox."""
        enqueue(self.connection, notifications)

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None:
        """Append to the audit log."""
        self.connection.exec_driver_sql(
            "select ledger.append_audit(%s, %s, %s, %s::jsonb, %s::jsonb)",
            (actor, action, what, json.dumps(before, default=str), json.dumps(after, default=str)),
        )


def _requests(connection: Connection, where: str, values: tuple[Any, ...]) -> Iterator[DraftRequest]:
    rows = connection.exec_driver_sql(f"select {_FILE}, {_REST} from ledger.draft_requests where {where}", values)
    for row in rows.all():
        yield _request(row._mapping)


def _request(row: Mapping[Any, Any]) -> DraftRequest:
    file = NewFile(*(row[name.strip()] for name in _FILE.split(",")))
    same = {
        name: row[name]
        for name in ("requested_by", "reason", "requested_at", "expires_at", "draft_hash", "impact", "status",
                     "decided_by", "decided_at", "answer", "request_id")
    }  # fmt: skip
    return DraftRequest(file=file, approvers=tuple(row["approvers"]), commit=row["git_commit"], **same)
