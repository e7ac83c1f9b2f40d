"""The book of tickets: which conversation has which ticket, and who is at work on it.

Held by a session's advisory lock on a connection of its own: what is noted is committed at once, and a worker that dies
lets go by dying. So a second worker waits for its turn, and then finds what the first one noted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.ports import Undelivered
from alerting_pipeline.domain.ticket import Conversation, Ticket

_LOCK = "hashtextextended('ticket' || chr(31) || %s || chr(31) || %s, 0)"


@dataclass(slots=True)
class Held:
    """One conversation's row while nobody else can work on it."""

    connection: Connection
    about: Conversation
    marker: UUID
    ticket: Ticket | None
    seconds_since_tried: float | None

    def note_attempt(self) -> None:
        """Committed before the ticket is made: from now on it may be there."""
        self._change("tried_at = clock_timestamp()")

    def keep(self, ticket: Ticket) -> None:
        """Committed as soon as the ticket is known."""
        self._change("ticket = %s, url = %s, made_at = clock_timestamp()", ticket.name, ticket.url)
        self.ticket = ticket

    def _change(self, what: str, *values: Any) -> None:
        self.connection.exec_driver_sql(
            f"update ledger.tickets set {what} where destination = %s and thread = %s",
            (*values, self.about.destination, self.about.thread),
        )


@dataclass(frozen=True, slots=True)
class PostgresTicketBook:
    """The ledger's tickets."""

    engine: Engine = field(repr=False)

    @contextmanager
    def hold(self, about: Conversation) -> Iterator[Held]:
        """Raises Undelivered, which passes, while another worker holds the conversation."""
        key = (about.destination, about.thread)
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.exec_driver_sql(f"select pg_try_advisory_lock({_LOCK})", key).scalar():
                raise Undelivered("another worker is at this ticket", retryable=True, retry_after=2.0)
            try:
                yield _row(connection, about)
            finally:
                if not connection.invalidated:
                    connection.exec_driver_sql(f"select pg_advisory_unlock({_LOCK})", key)

    def of(self, destination: str, tickets: Sequence[str]) -> dict[str, int]:
        """The incidents of these tickets, by the ticket's name."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select ticket, incident_id from ledger.tickets "
                "where destination = %s and ticket = any(%s) and incident_id is not null",
                (destination, list(tickets)),
            )
            return {str(ticket): int(incident_id) for ticket, incident_id in rows}

    def mark(self, destination: str) -> tuple[str, datetime | None]:
        """Up to where a destination was read, and when (a business instant); nothing for one never read."""
        with self.engine.connect() as connection:
            found = connection.exec_driver_sql(
                "select mark, read_at from ledger.ticket_readings where destination = %s", (destination,)
            ).first()
        return ("", None) if found is None else (str(found[0]), found[1])

    def advance(self, destination: str, mark: str, now: datetime) -> None:
        """Everything up to the mark was acted on."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "insert into ledger.ticket_readings (destination, mark, read_at) values (%s, %s, %s) "
                "on conflict (destination) do update set mark = excluded.mark, read_at = excluded.read_at",
                (destination, mark, now),
            )

    def listed(self, limit: int) -> list[dict[str, Any]]:
        """The newest tickets first."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select destination, ticket, url, incident_id, made_at, tried_at from alerting.tickets "
                "order by made_at desc nulls last limit %s",
                (limit,),
            )
            return [dict(row._mapping) for row in rows]


def _row(connection: Connection, about: Conversation) -> Held:
    found = connection.exec_driver_sql(
        "insert into ledger.tickets (destination, thread, incident_id) values (%s, %s, %s) "
        "on conflict (destination, thread) do update set thread = excluded.thread "
        "returning marker, ticket, url, extract(epoch from clock_timestamp() - tried_at)::float8",
        (about.destination, about.thread, about.incident_id),
    ).one()
    ticket = None if found[1] is None else Ticket(str(found[1]), str(found[2] or ""))
    return Held(connection, about, found[0], ticket, found[3])
