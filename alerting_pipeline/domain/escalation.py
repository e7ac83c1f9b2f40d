"""When an incident that nobody takes climbs: from its owner to whoever is on call, from there to the team's lead.

The times count from the moment at which it was told, by the clock: being on call means being reached out of hours, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alerting_pipeline.domain.contact import AddressBook, Reached
from alerting_pipeline.domain.people import Team


@dataclass(frozen=True, slots=True)
class Rung:
    """One step up: whom it reaches, and at which instant if nobody has taken the incident by then."""

    to: Literal["on_call", "lead"]
    at: datetime


def rungs(team: Team | None, since: datetime) -> tuple[Rung, ...]:
    """The steps of a team's incident told at `since`, in order; none where the team states none."""
    if team is None:
        return ()
    climb: list[Rung] = []
    if (after := team.escalation.on_call_after) is not None:
        climb.append(Rung("on_call", since + after))
    if (after := team.escalation.lead_after) is not None:
        climb.append(Rung("lead", since + after))
    return tuple(climb)


def reached(rung: Rung, team: str, book: AddressBook) -> Reached:
    """Whom a step reaches at its instant."""
    return book.on_call(team, rung.at) if rung.to == "on_call" else book.lead(team, rung.at)
