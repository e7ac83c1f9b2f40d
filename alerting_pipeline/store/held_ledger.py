"""What is held back, as the flush sees it: what is due becomes messages in the transaction that settles it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.holding import Fate, Flushed
from alerting_pipeline.rendering.announcement import presentation_of
from alerting_pipeline.rendering.message import RESOLVING
from alerting_pipeline.rendering.roundup import Member, digest
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.held import HeldRow, due, settle
from alerting_pipeline.store.outbox import enqueue


@dataclass(frozen=True, slots=True)
class HeldLedger:
    """One transaction at a time."""

    engine: Engine
    announcer: Callable[[], Announcer]

    @contextmanager
    def begin(self) -> Iterator[OpenHeldLedger]:
        """One transaction; an error takes everything back."""
        with self.engine.begin() as connection:
            yield OpenHeldLedger(connection, self.announcer)


@dataclass(frozen=True, slots=True)
class OpenHeldLedger:
    """What is held back, within one transaction. What is in force is read only where something is due."""

    connection: Connection
    announcer: Callable[[], Announcer]

    def tell_due(self, now: datetime) -> Flushed:
        """One digest for each destination that has something to hear of."""
        found, done = due(self.connection, now), Flushed()
        announcer = self.announcer() if found else None
        for _, rows in groupby(found, key=lambda row: row.place.name):
            if announcer is not None:
                done += self._digest(list(rows), announcer, now)
        return done

    def _digest(self, rows: Sequence[HeldRow], announcer: Announcer, now: datetime) -> Flushed:
        ending = {row.incident.incident_id for row in rows if row.transition in RESOLVING}
        over = [row for row in rows if row.incident.is_resolved and row.incident.incident_id not in ending]
        told = [row for row in rows if row not in over]
        settle(self.connection, [row.held_id for row in over], Fate.ENDED, now)
        ended = len({row.incident.incident_id for row in over})
        if not told:
            return Flushed(ended=ended)
        known = announcer.known_definitions
        members = {
            row.incident.incident_id: Member(
                row.incident, presentation_of(row.incident, known.get(row.incident.alert)), row.event_id
            )
            for row in told
        }
        reasons = dict.fromkeys(row.reason for row in told)
        message = digest(told[0].place, list(members.values()), reasons, announcer.directory.public_url)
        enqueue(self.connection, [message])
        settle(self.connection, [row.held_id for row in told], Fate.TOLD, now, message.delivery_id)
        return Flushed(messages=1, told=len(members), ended=ended)
