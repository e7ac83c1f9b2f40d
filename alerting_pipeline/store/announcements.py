"""From what happened to incidents to rows of the outbox, in the transaction that made it happen; or to rows of what is
held back, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from alerting_pipeline.domain.data_definition import OfIncidents
from alerting_pipeline.domain.incident import Transition
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.row_cap import cap_of
from alerting_pipeline.domain.system_definitions import SystemDefinition
from alerting_pipeline.rendering.announcement import Directory, letters, notifications_of
from alerting_pipeline.rendering.message import RESOLVING
from alerting_pipeline.rendering.notification import News
from alerting_pipeline.rendering.restraint import Restraint, SortedOut
from alerting_pipeline.store.bundles import Bundler
from alerting_pipeline.store.held import hold_back, known_places, release_inhibited
from alerting_pipeline.store.incidents import record_findings
from alerting_pipeline.store.message_groups import join
from alerting_pipeline.store.outbox import enqueue
from alerting_pipeline.store.restraints import restraint_at
from alerting_pipeline.store.write_runs import halt


@dataclass(frozen=True, slots=True)
class Announcer:
    """Call it with what `carry_out` returned. `definitions` are those in force that open incidents, by name."""

    directory: Directory
    definitions: Mapping[str, OfIncidents] = field(default_factory=dict)

    def __call__(self, connection: Connection, news: Sequence[News]) -> int:
        """Write the notifications, and what is held back; returns how many messages leave at once."""
        if not news:
            return 0
        now = _instant(news)
        numbers = [item.incident.incident_id for item in news if item.transition is not Transition.OPENED]
        follow_ups = [number for number in numbers if number is not None]
        known = known_places(connection, follow_ups) if follow_ups else {}
        if self.directory.tree.inhibit:
            over = [item.incident.incident_id for item in news if item.transition.value in RESOLVING]
            release_inhibited(connection, [number for number in over if number is not None], now)
        restraint = restraint_at(connection, self.directory, now)
        found = restraint.sort_out(letters(news, self.known_definitions, self.directory, known))
        return self._write(connection, found, restraint)

    def _cap(self, alert: str, destination: str) -> int | None:
        return cap_of(self.definitions.get(alert), self.directory.destinations.get(destination))

    @property
    def people(self) -> People:
        """Who answers for what, and when they work."""
        return self.directory.people

    @property
    def known_definitions(self) -> Mapping[str, OfIncidents | SystemDefinition]:
        """Everything that opens incidents, by name, the built-in definitions included."""
        return {**self.built_in, **self.definitions}

    @property
    def built_in(self) -> Mapping[str, SystemDefinition]:
        """The built-in definitions, by name, as they are in force."""
        return self.directory.built_in

    def bundler(self, connection: Connection, restraint: Restraint) -> Bundler:
        """Tells what was held back, within the transaction of `connection`."""
        return Bundler(connection, self.known_definitions, self.directory.public_url, restraint)

    def _write(self, connection: Connection, found: SortedOut, restraint: Restraint) -> int:
        """A group that waits for nothing is told in the same transaction."""
        groups = join(connection, found.held, restraint.now)
        hold_back(connection, found.held, groups, restraint.now)
        told = 0
        if groups:
            bundler = self.bundler(connection, restraint)
            for group in {group.group_id: group for group in groups.values()}.values():
                if group.due_at(restraint.now) <= restraint.now:
                    told += bundler.tell_group(group, is_fresh=group.messages == 0).messages
        leaving = notifications_of(found.at_once, self.directory.public_url)
        new = told + enqueue(connection, leaving)
        if halted := halt(connection, leaving, self._cap, restraint.now):
            record_findings(connection, halted, now=restraint.now, announce=self)
        return new


def _instant(news: Sequence[News]) -> datetime:
    return max(item.at or item.incident.resolved_at or item.incident.last_seen_at for item in news)
