"""Do what the clock made due to incidents: end snoozes, remind, warn, note breaches, escalate.

Each incident carries the instants at which the clock matters to it; the earliest is `next_at`. Whoever is woken takes
those whose `next_at` has come, a batch at a time, and steps each through the lifecycle. So the cost grows with what is
due, a wake-up that comes twice finds nothing, and one that never came is made up for by the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from alerting_pipeline.domain.event import Terms, TimePassed
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.lifecycle import Step, step

BATCH = 500


class Due(Protocol):
    """Incidents whose instants have come, within one transaction."""

    def take(self, now: datetime, limit: int) -> Sequence[Incident]:
        """The earliest so many, locked; those that somebody else is changing, or whose definition is paused, are left
        out.
        """
        ...

    def carry_out(self, steps: Sequence[Step], now: datetime) -> Sequence[Any]:
        """Write the steps and their history; returns the news."""
        ...

    def announce(self, news: Sequence[Any]) -> int:
        """Put the messages into the outbox; returns how many."""
        ...


class Watched(Protocol):
    """Where incidents are kept, and what holds for them."""

    @property
    def terms(self) -> Mapping[str, Terms]:
        """The terms of every definition in force, by its name."""
        ...

    def begin(self) -> AbstractContextManager[Due]: ...


@dataclass(slots=True)
class Reminded:
    """What came of it: how many incidents each transition happened to, and how many messages were written."""

    transitions: Counter[str] = field(default_factory=Counter)
    messages: int = 0

    @property
    def incidents(self) -> int:
        """How often something happened to an incident."""
        return self.transitions.total()


def remind(watched: Watched, now: datetime) -> Reminded:
    """Everything that is due at `now`, each incident as often as something is."""
    done = Reminded()
    terms: Mapping[str, Terms] | None = None
    while True:
        with watched.begin() as due:
            incidents = due.take(now, BATCH)
            if not incidents:
                break
            terms = watched.terms if terms is None else terms
            steps = [step(incident, TimePassed(_terms(incident, terms)), now) for incident in incidents]
            news = due.carry_out(steps, now)
            done.messages += due.announce(news)
            done.transitions.update(item.transition.value for item in news)
    return done


def _terms(incident: Incident, terms: Mapping[str, Terms]) -> Terms:
    """One whose definition is gone is about to be ended by the next evaluation; until then its clock goes on."""
    known = terms.get(incident.alert)
    return known if known is not None else Terms(incident.alert, incident.definition_version, incident.owner)
