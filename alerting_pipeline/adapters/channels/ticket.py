"""Tickets: one per incident, in GitHub or Jira. It is made once, commented on, closed and reopened with its incident.

The ledger's book of tickets is what makes it one: see domain.ticket. A ticket that people closed is left closed, and
one that they deleted is not made again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alerting_pipeline.adapters.channels.secret_name import SecretName
from alerting_pipeline.domain.incident import Disposition
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.ticket import Changes, Conversation, HeldTicket, Ticket, TicketBook, TicketState
from alerting_pipeline.domain.written import Duration
from alerting_pipeline.rendering.message import Message

LABEL = "alerting"
_VERDICTS = {
    "completed": Disposition.TRUE_POSITIVE,
    "done": Disposition.TRUE_POSITIVE,
    "not_planned": Disposition.EXPECTED,
    "won't do": Disposition.EXPECTED,
    "duplicate": Disposition.DUPLICATE,
}


class TicketSettings(BaseModel):
    """Settings of a ticket destination: which system, where in it, and the variable that holds the token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: Literal["github", "jira"] = Field(description="Which system the tickets are in.")
    repository: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$", description="GitHub: owner/name."
    )
    project: str | None = Field(
        default=None, pattern=r"^[A-Z][A-Z0-9_]{1,99}$", description="Jira: the key of the project."
    )
    issue_type: str = Field(
        default="Task", pattern=r"^[^\"\\\x00-\x1f]{1,60}$", description="Jira: the type of new issues."
    )
    url: str | None = Field(
        default=None,
        pattern=r"^https?://[^?#\s]+$",
        description="The system's address; needed for Jira, and for a GitHub of your own (https://host/api/v3).",
    )
    user: str | None = Field(default=None, max_length=200, description="Jira: the account that the token belongs to.")
    token_env: SecretName = Field(description="The variable that holds the token.")
    labels: tuple[str, ...] = Field(default=(), max_length=20, description=f"Labels beside `{LABEL}`.")
    settle: Duration = Field(
        default=timedelta(minutes=2),
        description="Jira: how long a new issue may be missing from a search; only waited for after a lost answer.",
    )
    read_every: Duration = Field(
        default=timedelta(minutes=5), description="How often it is read what people did with the tickets; 0: never."
    )
    verdicts: dict[str, Disposition] = Field(
        default_factory=dict, description="What a resolution there says of the incident here, where not as built in."
    )
    per_second: float = Field(default=1.0, gt=0, le=1000, description="At most so many messages a second.")

    @field_validator("labels")
    @classmethod
    def _plain(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for label in value:
            if not 0 < len(label) <= 50 or any(sign.isspace() or sign in ',"\\' for sign in label):
                raise Mistake("AP108", f'"{label}" is not a label; write one word of at most 50 letters')
        return value

    @field_validator("url")
    @classmethod
    def _without_end(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else value

    @model_validator(mode="after")
    def _is_complete(self) -> TicketSettings:
        needed = ("repository",) if self.system == "github" else ("url", "project", "user")
        for name in needed:
            if getattr(self, name) is None:
                raise Mistake("AP403", f"{name} is missing, which {self.system} needs; add it")
        return self

    @property
    def all_verdicts(self) -> dict[str, Disposition]:
        return _VERDICTS | {word.casefold(): verdict for word, verdict in self.verdicts.items()}


class TicketSystem(Protocol):
    """What any ticket system can do. Every method raises Undelivered, classified."""

    def find(self, held: HeldTicket) -> Ticket | None:
        """The ticket with this marker; None if there certainly is none."""
        ...

    def create(self, message: Message, marker: UUID) -> Ticket: ...

    def comment(self, ticket: Ticket, message: Message, key: UUID, *, look: bool) -> None:
        """Say what happened. `look`: an earlier attempt may have said it."""
        ...

    def state(self, ticket: Ticket) -> TicketState | None:
        """None if somebody deleted it."""
        ...

    def close(self, ticket: Ticket, message: Message) -> None: ...

    def reopen(self, ticket: Ticket) -> None: ...

    def changes(self, mark: str, now: datetime) -> Changes: ...


class TicketChannel:
    """One repository or project."""

    def __init__(self, settings: TicketSettings, system: TicketSystem, book: TicketBook) -> None:
        self.pace = Pace(settings.per_second, burst=max(3, int(settings.per_second)))
        self._system = system
        self._book = book

    def deliver(self, delivery: Delivery) -> Receipt:
        """Make the ticket, or tell the one that there is."""
        message = Message.from_json(delivery.message)
        thread = message.thread or f"{message.alert}.{message.incident_id}"
        with self._book.hold(Conversation(delivery.destination, thread, message.incident_id)) as held:
            ticket = self._known(held)
            if ticket is not None:
                return self._follow(ticket, message, delivery)
            if message.is_resolved:
                return Receipt({"via": "ticket", "skipped": "there is no ticket to close"})
            held.note_attempt()
            ticket = self._system.create(message, held.marker)
            held.keep(ticket)
        return _receipt(ticket)

    def revise(self, delivery: Delivery, earlier: Receipt) -> Receipt:
        """The book knows the ticket, whatever the earlier receipt says."""
        return self.deliver(delivery)

    def try_out(self, delivery: Delivery) -> Receipt:
        """Make a ticket that says it is a test, and close it; the book is not asked, so nothing is kept."""
        message = Message.from_json(delivery.message)
        ticket = self._system.create(message, uuid5(delivery.id, "trial"))
        self._system.close(ticket, message)
        return Receipt({**_receipt(ticket).data, "taken_back": f"{ticket.name} was closed at once"})

    def changes(self, mark: str, now: datetime) -> Changes:
        """What people did with tickets since the mark."""
        return self._system.changes(mark, now)

    def _known(self, held: HeldTicket) -> Ticket | None:
        if held.ticket is not None:
            return held.ticket
        if held.seconds_since_tried is None:
            return None
        found = self._system.find(held)
        if found is not None:
            held.keep(found)
        return found

    def _follow(self, ticket: Ticket, message: Message, delivery: Delivery) -> Receipt:
        if message.transition == "opened":
            return _receipt(ticket)  # the delivery that made it, whose answer was lost
        state = self._system.state(ticket)
        if state is None:
            return Receipt(
                {**_receipt(ticket).data, "warning": f"somebody deleted or moved {ticket.name}; it is not made again"}
            )
        if message.is_resolved and state.is_closed:
            return _receipt(ticket)
        if state.is_closed and message.transition == "reopened":
            self._system.reopen(ticket)
        self._system.comment(ticket, message, delivery.id, look=delivery.attempt > 1)
        if message.is_resolved:
            self._system.close(ticket, message)
        return _receipt(ticket)


def _receipt(ticket: Ticket) -> Receipt:
    return Receipt({"via": "ticket", "ticket": ticket.name, "url": ticket.url})
