"""System incidents that are opened and ended by themselves, not as part of an evaluation or a delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, text

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

    def settle(self, alert: str, findings: Sequence[SystemFinding], unsure: Sequence[SystemFinding] = ()) -> None:
        """Make the incidents of one built-in definition what the findings say: open the new, end those that are over.

        One that a person resolved is told again only after it was over. Those that are `unsure` change nothing.
        """
        standing = self.standing(alert)
        wanted = [dict(each.entity) for each in (*findings, *unsure)]
        for finding in findings:
            if dict(finding.entity) not in standing:
                self.report(finding)
        for entity in standing:
            if entity not in wanted:
                self.clear(alert, entity)

    def standing(self, alert: str) -> list[dict[str, str]]:
        """What its open incidents are about, and those that a person resolved although it isn't over."""
        query = """
            select i.entity from ledger.incidents as i where i.alert = :alert and i.status <> 'resolved'
            union
            select k.entity from ledger.known_fingerprints as k where k.alert = :alert
            order by entity
            """
        with self.engine.connect() as connection:
            return [dict(entity) for entity in connection.execute(text(query), {"alert": alert}).scalars()]

    def _announcer(self) -> Announcer:
        held = self.in_force()
        return Announcer(held.directory(self.public_url), held.of_incidents)
