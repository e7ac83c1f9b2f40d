"""From what happened to incidents to rows of the outbox, in the transaction that made it happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from alerting_pipeline.domain.data_definition import OfIncidents
from alerting_pipeline.domain.system_definitions import SYSTEM_DEFINITIONS
from alerting_pipeline.rendering.announcement import ENDINGS, Directory, Place, announcements
from alerting_pipeline.rendering.notification import News
from alerting_pipeline.store.incidents import told
from alerting_pipeline.store.outbox import enqueue


@dataclass(frozen=True, slots=True)
class Announcer:
    """Call it with what `carry_out` returned. `definitions` are those in force that open incidents, by name."""

    directory: Directory
    definitions: Mapping[str, OfIncidents] = field(default_factory=dict)

    def __call__(self, connection: Connection, news: Sequence[News]) -> int:
        """Write the notifications; returns how many were new."""
        if not news:
            return 0
        follow_ups = [
            item.incident.incident_id
            for item in news
            if item.incident.incident_id is not None and (item.transition in ENDINGS or item.transition == "updated")
        ]
        before = told(connection, follow_ups) if follow_ups else {}
        places = {number: [Place(name, channel) for name, channel in pairs] for number, pairs in before.items()}
        known = {**SYSTEM_DEFINITIONS, **self.definitions}
        return enqueue(connection, announcements(news, known, self.directory, places))
