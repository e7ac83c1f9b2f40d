"""Tickets: one per incident in somebody else's system, made once, kept up with the incident, and read back.

Two workers, a crash or a lost answer must never make a second one. So the ledger has a row per destination and
conversation, with a marker that the ticket carries: whoever makes the ticket holds that row alone, and notes that it is
about to before it does. If that note is there and no ticket is known, the ticket is looked for by its marker first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from alerting_pipeline.domain.incident import Disposition


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a ticket is about: the messages of one incident (or, without one, of one thread) to one destination."""

    destination: str
    thread: str
    incident_id: int | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as its system names it, and where people see it."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class TicketState:
    """What people made of a ticket. `by` closed it; `why` is the system's own word for the resolution."""

    name: str
    is_closed: bool
    by: str = ""
    why: str = ""
    assignee: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """Tickets that changed since a mark, and the mark to go on from. A mark is the system's own, never our clock's."""

    states: Sequence[TicketState]
    mark: str


class HeldTicket(Protocol):
    """The row of one conversation while nobody else can work on it."""

    @property
    def marker(self) -> UUID: ...

    @property
    def ticket(self) -> Ticket | None: ...

    @property
    def seconds_since_tried(self) -> float | None:
        """How long ago somebody was about to make the ticket; None: nobody ever was."""
        ...

    def note_attempt(self) -> None:
        """Committed before the ticket is made."""
        ...

    def keep(self, ticket: Ticket) -> None:
        """Committed as soon as the ticket is known."""
        ...


class TicketBook(Protocol):
    """The ledger's tickets."""

    def hold(self, about: Conversation) -> AbstractContextManager[HeldTicket]:
        """Raises Undelivered, which passes, while another worker holds the conversation."""
        ...


class ReadableTickets(Protocol):
    """A destination whose tickets can be read back."""

    def changes(self, mark: str, now: datetime) -> Changes:
        """What changed since the mark; an empty mark begins now. Raises Undelivered where it can't be read."""
        ...


def disposition_of(why: str, verdicts: Mapping[str, Disposition]) -> Disposition:
    """The verdict that a resolution stands for; one that is not known says that it was worth a ticket."""
    return verdicts.get(why.casefold(), Disposition.TRUE_POSITIVE)
