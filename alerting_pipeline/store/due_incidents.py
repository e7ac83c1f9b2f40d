"""Incidents whose instants have come: found by one index, a batch and a transaction at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.event import Terms
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.lifecycle import Step
from alerting_pipeline.domain.terms import terms_of
from alerting_pipeline.rendering.notification import News
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.incidents import carry_out, incidents_where

_OPEN = "i.status <> 'resolved'"


@dataclass(frozen=True, slots=True)
class DueIncidents:
    """The ledger's incidents, as the clock sees them. `in_force` is asked once for each look."""

    engine: Engine
    in_force: Callable[[], InForce]
    public_url: str

    @property
    def terms(self) -> Mapping[str, Terms]:
        """The terms of every definition in force, by its name."""
        held = self.in_force()
        built_in = {name: definition.terms(held.people) for name, definition in held.built_in.items()}
        return {**built_in, **{name: terms_of(each, held.people) for name, each in held.of_incidents.items()}}

    @contextmanager
    def begin(self) -> Iterator[OpenDue]:
        """One transaction; an error takes everything back."""
        with self.engine.begin() as connection:
            yield OpenDue(connection, self)


@dataclass(frozen=True, slots=True)
class OpenDue:
    """What is due, within one transaction."""

    connection: Connection
    watched: DueIncidents

    def take(self, now: datetime, limit: int) -> list[Incident]:
        """The earliest so many, locked; those that somebody else is changing are left to the next look.

        What is in force is read only where something is due. A paused definition's incidents wait for its pause to end.
        """
        is_due = f"i.next_at <= %s and {_OPEN}"
        found = self.connection.exec_driver_sql(
            f"select exists (select from ledger.incidents as i where {is_due})", (now,)
        )
        if not found.scalar():
            return []
        paused = [each.name for each in self.watched.in_force().definitions.values() if each.is_paused(now)]
        numbers = self.connection.exec_driver_sql(
            f"select i.incident_id from ledger.incidents as i where {is_due} and i.alert <> all(%s) "
            "order by i.next_at, i.incident_id limit %s for update skip locked",
            (now, paused, limit),
        )
        return incidents_where(self.connection, "i.incident_id = any(%s)", [list(numbers.scalars())])

    def carry_out(self, steps: Sequence[Step], now: datetime) -> list[News]:
        """Write the steps and their history. One that brought nothing had another instant than its row said: mended."""
        idle = [item.incident for item in steps if not item.intents and item.incident is not None]
        for incident in idle:
            self.connection.exec_driver_sql(
                "update ledger.incidents set next_at = %s where incident_id = %s",
                (incident.next_at, incident.incident_id),
            )
        return carry_out(self.connection, steps, now)

    def announce(self, news: Sequence[News]) -> int:
        """Put the messages into the outbox; returns how many."""
        held = self.watched.in_force()
        return Announcer(held.directory(self.watched.public_url), held.of_incidents)(self.connection, news)
