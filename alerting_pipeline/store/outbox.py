"""The outbox: what has to leave, written in the transaction that changed the incident, and leased to workers.

A row is never lost and never forgotten: it is waiting, leased to somebody until an instant, sent, or dead. The fence
grows with every claim, so that a worker that was thought dead can't overwrite what another has done since. Of one
incident (or group) and destination only the oldest unfinished row can be claimed: a later message never overtakes it.
Instants are the database's real clock, never the business clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from alerting_pipeline.domain.ports import Claim, Delivery, Failure, Receipt, Undelivered
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.store import outbox_statements as statements

if TYPE_CHECKING:
    from alerting_pipeline.rendering.notification import Notification

SIGNAL = "alerting_outbox"
DEAD_LETTER = "dead_letter"

ReportDead = Callable[[Connection, SystemFinding], object]
ReportAlive = Callable[[Connection, str, Mapping[str, str]], object]


def enqueue(connection: Connection, notifications: Iterable[Notification]) -> int:
    """Write notifications within the caller's transaction; returns how many were new.

    The same delivery id again changes nothing. An update that nobody has tried to send yet is merged into the later
    message of the same incident and destination: it is marked as sent in that one.
    """
    rows = [
        {
            "delivery_id": str(item.delivery_id),
            "incident_id": item.incident_id,
            "group_id": item.group_id,
            "counted_for": item.counted_for,
            "told_at": item.told_at.isoformat() if item.told_at is not None else None,
            "alert": item.alert,
            "transition": item.transition,
            "destination": item.destination,
            "channel": item.channel,
            "message": item.message.to_json(),
        }
        for item in notifications
    ]
    if not rows:
        return 0
    inserted = (
        connection.execute(statements.INSERT, {"rows": json.dumps(storable(rows), ensure_ascii=False)}).scalars().all()
    )
    if inserted:
        connection.execute(statements.SUPERSEDE, {"ids": inserted})
        connection.execute(text(f"notify {SIGNAL}"))
    return len(inserted)


class PostgresOutbox:
    """The queue as a delivery worker sees it. `lease` is in seconds.

    `report_dead` opens the system incident of a dead letter in the transaction that declares it dead; `report_alive`
    (given alert and entity) ends it in the transaction that records the next success at that destination.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        worker: str,
        lease: float = 120.0,
        report_dead: ReportDead | None = None,
        report_alive: ReportAlive | None = None,
    ) -> None:
        self._engine = engine
        self._worker = worker
        self._lease = lease
        self._report_dead = report_dead
        self._report_alive = report_alive
        self._listener: Any = None

    def claim(self, each: int, room: Mapping[str, int]) -> list[Claim]:
        """Lease due deliveries, at most `each` of a destination; of one named in `room` at most that many (0: none)."""
        given = {
            "each": each,
            "named": list(room),
            "rooms": list(room.values()),
            "lease": self._lease,
            "worker": self._worker,
        }
        with self._engine.begin() as connection:
            rows = connection.execute(statements.CLAIM, given).mappings().all()
        return [_claim(dict(row)) for row in rows]

    def record_sent(self, sent: Sequence[tuple[Claim, Receipt]]) -> int:
        """Store receipts; returns how many of the claims still held their fence."""
        if not sent:
            return 0
        with self._engine.begin() as connection:
            return self._note_sent(connection, sent)

    def record_with(
        self,
        claims: Sequence[Claim],
        write: Callable[[Connection, Sequence[Delivery]], Sequence[Receipt | Undelivered]],
    ) -> list[tuple[Claim, Receipt | Undelivered]]:
        """Let `write` hand over what still holds its fence, in one transaction with its receipts; returns the answers.

        Their rows are locked meanwhile, so that nobody else can claim them. Raises Undelivered if the transaction is
        lost, or if its end is not known.
        """
        try:
            with self._engine.begin() as connection:
                given = {"rows": json.dumps([_key(claim) for claim in claims])}
                held = set(connection.execute(statements.HELD, given).scalars())
                kept = [claim for claim in claims if claim.delivery.id in held]
                answers = write(connection, [claim.delivery for claim in kept]) if kept else []
                answered = list(zip(kept, answers, strict=True))
                sent = [(claim, answer) for claim, answer in answered if isinstance(answer, Receipt)]
                if sent:
                    self._note_sent(connection, sent)
            return answered
        except DBAPIError:
            raise Undelivered("the database can't be reached or is busy", retryable=True) from None

    def _note_sent(self, connection: Connection, sent: Sequence[tuple[Claim, Receipt]]) -> int:
        rows = [
            {
                **_key(claim),
                "receipt": dict(receipt.data),
                "result": "sent again" if receipt.is_duplicate_possible else "sent",
            }
            for claim, receipt in sent
        ]
        held = connection.execute(statements.SENT, {"rows": json.dumps(rows)}).scalar_one()
        if self._report_alive is not None:
            given = {"alert": DEAD_LETTER, "destinations": list({claim.delivery.destination for claim, _ in sent})}
            for destination in connection.execute(statements.RECOVERED, given).scalars().all():
                self._report_alive(connection, DEAD_LETTER, {"destination": destination})
        return held

    def record_failed(self, failures: Sequence[Failure]) -> int:
        """Store failed attempts, to be tried again or dead; returns how many of the claims still held their fence."""
        rows = [
            {
                **_key(failure.claim),
                "error": failure.reason[:2_000],
                "retry_in": failure.retry_in,
                "progress": None if failure.progress is None else dict(failure.progress),
                "result": "uncertain" if failure.is_uncertain else "failed",
            }
            for failure in failures
        ]
        if not rows:
            return 0
        with self._engine.begin() as connection:
            held = set(connection.execute(statements.FAILED, {"rows": json.dumps(rows)}).scalars())
            for failure in failures:
                if failure.retry_in is None and failure.claim.delivery.id in held:
                    self._report(connection, failure)
        return len(held)

    def release(self, claims: Sequence[Claim]) -> int:
        """Give unused leases back; the attempt does not count."""
        rows = [_key(claim) for claim in claims]
        with self._engine.begin() as connection:
            return connection.execute(statements.RELEASE, {"rows": json.dumps(rows)}).scalar_one() if rows else 0

    def seconds_until_due(self) -> float | None:
        """Time until the next delivery is due (0: now); None if nothing waits."""
        with self._engine.connect() as connection:
            seconds = connection.execute(statements.NEXT).scalar()
        return None if seconds is None else max(0.0, float(seconds))

    def wait(self, seconds: float) -> bool:
        """Sleep until something was committed to the outbox (True), `seconds` at most (False).

        One thread may wait. Raises OperationalError while the database can't be reached.
        """
        if self._listener is None or self._listener.closed:
            self._listener = self._listen()
            return True  # what was committed before the first LISTEN must be looked for
        try:
            return bool(list(self._listener.notifies(timeout=seconds, stop_after=1)))
        except Exception:
            self._listener.close()
            raise

    def close(self) -> None:
        """Give the listening connection back."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _listen(self) -> Any:
        """A connection of its own, taken out of the pool for good."""
        pooled = self._engine.raw_connection()
        listener: Any = pooled.driver_connection
        pooled.detach()
        listener.autocommit = True
        listener.execute(f"listen {SIGNAL}")
        return listener

    def _report(self, connection: Connection, failure: Failure) -> None:
        if self._report_dead is None:
            return
        delivery = failure.claim.delivery
        finding = SystemFinding(
            alert=DEAD_LETTER,
            entity={"destination": delivery.destination},
            summary=f"{delivery.destination} ({delivery.channel}) does not take messages: {failure.reason[:300]}",
            detail={"delivery_id": str(delivery.id), "attempts": delivery.attempt},
        )
        self._report_dead(connection, finding)


def listed(connection: Connection, status: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Deliveries, newest first, without their content."""
    return [dict(row) for row in connection.execute(statements.LIST, {"status": status, "limit": limit}).mappings()]


def retry(connection: Connection, delivery_id: str | None = None) -> list[dict[str, Any]]:
    """Make dead deliveries due again, all or one; returns what became of each.

    A message whose incident has since told something later to the same destination is not sent after it: it is marked
    as covered by that later message.
    """
    return [dict(row) for row in connection.execute(statements.RETRY, {"id": delivery_id}).mappings()]


def counts(connection: Connection) -> dict[str, int]:
    """Deliveries by status, and `resent`: messages that may have arrived twice."""
    return {row["status"]: row["count"] for row in connection.execute(statements.COUNTS).mappings()}


def storable(value: Any) -> Any:
    """Without what Postgres cannot store as text: the null character and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, list | tuple) else value


def _key(claim: Claim) -> dict[str, Any]:
    return {"delivery_id": str(claim.delivery.id), "fence": claim.fence}


def _claim(row: dict[Any, Any]) -> Claim:
    delivery = Delivery(
        id=row["delivery_id"],
        incident_id=row["incident_id"],
        destination=row["destination"],
        channel=row["channel"],
        message=row["message"],
        attempt=row["attempts"],
        is_uncertain=row["is_uncertain"],
        progress=row["progress"] or {},
    )
    earlier = row["earlier"]
    return Claim(delivery, row["fence"], None if earlier is None else Receipt(earlier))
