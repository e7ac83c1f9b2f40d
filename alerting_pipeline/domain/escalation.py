"""How an incident climbs while nobody responds: what its clock will bring, and whom each stage reaches.

The instants are the lifecycle's own: `response.passed` is asked for one after the other, as it will be in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerting_pipeline.domain import response
from alerting_pipeline.domain.contact import AddressBook, Reached
from alerting_pipeline.domain.event import Audience, Terms
from alerting_pipeline.domain.incident import Incident, Transition

_MOST = 1_000  # reminders between two stages: a bound, not a limit that anybody meets


@dataclass(frozen=True, slots=True)
class Rung:
    """One stage: what is told to whom, at which instant, if nobody has responded by then."""

    at: datetime
    transition: Transition
    to: Audience


def climb(incident: Incident, terms: Terms) -> tuple[Rung, ...]:
    """The warning, the breach and the stages of escalation ahead of an open incident, in order; without reminders."""
    found: list[Rung] = []
    for _ in range(_MOST):
        at = incident.next_at
        ahead = (incident.warn_at, incident.breaches_at, incident.escalates_at)
        if at is None or at == incident.snoozed_until or not any(ahead):
            break
        due = response.passed(incident, terms, at)
        incident = due.incident
        if due.transition is not Transition.REMINDED:
            found.append(Rung(at, due.transition, due.to))
    return tuple(found)


def asked(to: Audience, incident: Incident, book: AddressBook, at: datetime | None) -> Reached:
    """Whom an audience beyond the route reaches at an instant: the taker or the owner, whoever is on call, the lead."""
    taker = incident.assignee or incident.acknowledged_by
    if to is Audience.OWNER and taker in book.people.people:
        return book.person(taker, at)
    if incident.owner not in book.people.teams:
        return Reached((), f"{incident.owner} is not a team in people.yaml")
    if to is Audience.ON_CALL:
        return book.on_call(incident.owner, at)
    return book.lead(incident.owner, at) if to is Audience.LEAD else book.team(incident.owner, at)
