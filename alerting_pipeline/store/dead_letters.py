"""The system incident of a destination that does not take messages, opened and ended with the outbox's own writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from alerting_pipeline.domain.ports import Clock
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.incidents import clear_finding, record_finding

_FRESH_SECONDS = 5.0


class Remembered:
    """What is in force, read again when it is a few seconds old: a message must not cost a read of all definitions."""

    def __init__(self, read: Callable[[], InForce]) -> None:
        self._read = read
        self._held: InForce | None = None
        self._at = 0.0

    def __call__(self) -> InForce:
        if self._held is None or time.monotonic() - self._at > _FRESH_SECONDS:
            self._held, self._at = self._read(), time.monotonic()
        return self._held


class DeadLetters:
    """What an outbox calls in its own transaction: `report` for a dead letter, `clear` when the destination works."""

    def __init__(self, in_force: Callable[[], InForce], clock: Clock, public_url: str) -> None:
        self._in_force = Remembered(in_force)
        self._clock = clock
        self._public_url = public_url

    def report(self, connection: Connection, finding: SystemFinding) -> None:
        """Open the incident, unless it is open already: ten dead letters of one destination are one thing to mend."""
        record_finding(connection, finding, now=self._clock.now(), announce=self._announcer())

    def clear(self, connection: Connection, alert: str, entity: Mapping[str, str]) -> None:
        """End the incident of a destination that has taken a message again."""
        clear_finding(connection, alert, entity, now=self._clock.now(), announce=self._announcer())

    def _announcer(self) -> Announcer:
        held = self._in_force()
        return Announcer(held.directory(self._public_url), held.alerts)
