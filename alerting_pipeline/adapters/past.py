"""The past as a source of relations: whoever evaluates at an instant reads what was there then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.history import SNAPSHOT, History
from alerting_pipeline.domain.relation import Relation


@dataclass(frozen=True, slots=True)
class Past:
    """A definition's history in place of its marts. `since`: events up to then are not looked at."""

    history: History
    since: datetime

    def relation(self, definition: AlertDefinition, as_of: datetime) -> Relation:
        """What was there at `as_of`."""
        return self.history.relation(as_of, self.since)


@dataclass(frozen=True, slots=True)
class PastState:
    """The same for an evaluation that was recorded: it saw what a snapshot had seen by `state_at`."""

    history: History
    state_at: datetime

    def relation(self, definition: AlertDefinition, as_of: datetime) -> Relation:
        """What was there; events and queries are read by the instant of the evaluation itself."""
        is_kept = self.history.source == SNAPSHOT and definition.query is None
        return self.history.relation(self.state_at if is_kept else as_of)
