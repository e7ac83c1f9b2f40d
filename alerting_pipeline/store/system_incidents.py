"""System incidents that are opened and ended by themselves, not as part of an evaluation or a delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from alerting_pipeline.domain.ports import Clock
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.incidents import clear_finding, record_finding


@dataclass(frozen=True, slots=True)
class SystemIncidents:
    """Each call is one transaction, messages included. Reporting what stands already changes nothing."""

    engine: Engine
    in_force: Callable[[], InForce]
    clock: Clock
    public_url: str

    def report(self, finding: SystemFinding) -> None:
        """Open the incident of a finding."""
        announcer = self._announcer()
        with self.engine.begin() as connection:
            record_finding(connection, finding, now=self.clock.now(), announce=announcer)

    def clear(self, alert: str, entity: Mapping[str, str]) -> None:
        """End it: what was wrong works again."""
        announcer = self._announcer()
        with self.engine.begin() as connection:
            clear_finding(connection, alert, entity, now=self.clock.now(), announce=announcer)

    def _announcer(self) -> Announcer:
        held = self.in_force()
        return Announcer(held.directory(self.public_url), held.of_incidents)
