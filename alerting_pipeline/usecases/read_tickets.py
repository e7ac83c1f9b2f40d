"""Read back what people did with tickets: who closed one resolves its incident, who took one acknowledges it.

People who work in their ticket system need not come here. Each destination is read when it is due, from its own mark
on, so a reading costs what changed there; what was read twice changes nothing, because the incident has ended by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from alerting_pipeline.domain.event import Acknowledge, Resolve
from alerting_pipeline.domain.incident import Disposition, Incident, Status
from alerting_pipeline.domain.lifecycle import Step, step
from alerting_pipeline.domain.ports import Undelivered
from alerting_pipeline.domain.ticket import ReadableTickets, TicketState, disposition_of


class Desk(Protocol):
    """Incidents within one transaction."""

    def lock(self, incident_id: int) -> Incident | None: ...

    def carry_out(self, item: Step, now: datetime) -> None: ...

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None: ...


class Incidents(Protocol):
    """Where incidents are kept."""

    def begin(self) -> AbstractContextManager[Desk]: ...


class Book(Protocol):
    """Which incident has which ticket, and up to where each destination was read."""

    def of(self, destination: str, tickets: Sequence[str]) -> Mapping[str, int]: ...

    def mark(self, destination: str) -> tuple[str, datetime | None]: ...

    def advance(self, destination: str, mark: str, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class TicketQueue:
    """One ticket destination, how often it is read, and what its resolutions say of incidents."""

    destination: str
    tickets: ReadableTickets
    every: timedelta
    verdicts: Mapping[str, Disposition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one destination. `failure` says why it could not be read; it is tried again when it is due again."""

    destination: str
    resolved: tuple[int, ...] = ()
    acknowledged: tuple[int, ...] = ()
    failure: str = ""


def read_tickets(queues: Sequence[TicketQueue], book: Book, incidents: Incidents, now: datetime) -> list[Reading]:
    """Read every destination that is due at `now`; one that can't be read keeps no other from it."""
    found = []
    for queue in queues:
        mark, read_at = book.mark(queue.destination)
        if not queue.every or (read_at is not None and read_at <= now < read_at + queue.every):
            continue
        try:
            found.append(_read(queue, book, incidents, mark, now))
        except Undelivered as error:
            book.advance(queue.destination, mark, now)
            found.append(Reading(queue.destination, failure=error.reason))
    return found


def _read(queue: TicketQueue, book: Book, incidents: Incidents, mark: str, now: datetime) -> Reading:
    changes = queue.tickets.changes(mark, now)
    known = book.of(queue.destination, [state.name for state in changes.states])
    resolved, acknowledged = [], []
    for state in changes.states:
        incident_id = known.get(state.name)
        if incident_id is None:
            continue
        if state.is_closed and _resolve(incidents, incident_id, state, queue, now):
            resolved.append(incident_id)
        elif not state.is_closed and state.assignee and _acknowledge(incidents, incident_id, state, now):
            acknowledged.append(incident_id)
    book.advance(queue.destination, changes.mark, now)
    return Reading(queue.destination, tuple(resolved), tuple(acknowledged))


def _resolve(incidents: Incidents, incident_id: int, state: TicketState, queue: TicketQueue, now: datetime) -> bool:
    verdict = disposition_of(state.why, queue.verdicts)
    note = f"Ticket {state.name} was closed{f' as {state.why}' if state.why else ''}."
    event = Resolve(f"ticket:{state.by or 'unknown'}", verdict, note)
    return _act(incidents, incident_id, event, now)


def _acknowledge(incidents: Incidents, incident_id: int, state: TicketState, now: datetime) -> bool:
    event = Acknowledge(f"ticket:{state.assignee}", f"Ticket {state.name} was assigned.")
    return _act(incidents, incident_id, event, now)


def _act(incidents: Incidents, incident_id: int, event: Resolve | Acknowledge, now: datetime) -> bool:
    """Was anything done? An incident that has ended, or that somebody has taken already, is left alone."""
    with incidents.begin() as desk:
        before = desk.lock(incident_id)
        is_resolution = isinstance(event, Resolve)
        if before is None or before.is_resolved or not (is_resolution or before.status is Status.OPEN):
            return False
        done = step(before, event, now)
        if done.incident is None:
            return False
        desk.carry_out(done, now)
        action = "incident_resolved" if is_resolution else "incident_acknowledged"
        after = {"status": done.incident.status.value, "note": event.note}
        desk.audit(event.person, action, f"incident {incident_id}", {"status": before.status.value}, after)
        return True
