"""Incidents for people: to look at, with all that happened to them, and to act on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.action import Action
from alerting_pipeline.domain.event import PutRow
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.lifecycle import Step
from alerting_pipeline.domain.snooze import StandingSnooze
from alerting_pipeline.rendering.action_row import action_row
from alerting_pipeline.rendering.postmortem import Waited
from alerting_pipeline.store import snoozes
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.definitions import actions_of
from alerting_pipeline.store.incidents import carry_out, incidents_where
from alerting_pipeline.store.outbox import enqueue
from alerting_pipeline.store.waiting import held_evaluations

_SHOWN = (
    "incident_id, alert, kind, status, severity, deviance, entity, summary, owner, opened_at, last_seen_at, "
    "acknowledged_at, acknowledged_by, due_at, held_since, resolved_at, resolved_by, resolution, disposition, "
    "occurred_at, fields, link, labels, definition_version, fingerprint, assignee, responded_at, snoozed_until, "
    "snoozed_by, snooze_factor, snooze_deviance, reopened_at, calm_since, warn_at, sla_breached_at, remind_at, "
    "escalates_at, escalation_level, next_at"
)

_MADE_BY = """
select e.definition_version as version, v.path, v.author, v.git_revision, v.is_committed, v.in_force_from, v.in_force_to
from ledger.incidents as i
join ledger.evaluations as e using (evaluation_id)
left join lateral (
    select d.* from alerting.definition_versions as d
    where d.alert = e.alert and d.version = e.definition_version and d.in_force_from <= e.started_at
    order by d.in_force_from desc limit 1
) as v on true
where i.incident_id = %s
"""
"""The version that opened it: `definition_version` is the one by which it was told last."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents a list shows. `is_open` None: open and ended ones."""

    is_open: bool | None = True
    alert: str | None = None
    severity: str | None = None
    owner: str | None = None
    kind: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class IncidentDesk:
    """The ledger's incidents, one transaction at a time."""

    engine: Engine
    announcer: Announcer

    @contextmanager
    def begin(self) -> Iterator[OpenDesk]:
        """One transaction; an error takes everything back."""
        with self.engine.begin() as connection:
            yield OpenDesk(connection, self.announcer)

    def listed(self, wanted: Wanted) -> list[Mapping[str, Any]]:
        """The newest incidents first."""
        conditions, values = ["true"], []
        if wanted.is_open is not None:
            conditions.append("status <> 'resolved'" if wanted.is_open else "status = 'resolved'")
        for column in ("alert", "severity", "owner", "kind"):
            value = getattr(wanted, column)
            if value is not None:
                conditions.append(f"{column} = %s")
                values.append(value)
        where = " and ".join(conditions)
        return self._rows(
            f"select {_SHOWN} from alerting.incidents where {where} order by incident_id desc limit %s",
            [*values, wanted.limit],
        )

    def shown(self, incident_id: int) -> Mapping[str, Any] | None:
        """One incident with its history and its messages; None if there is none of that number."""
        found = self._rows(f"select {_SHOWN} from alerting.incidents where incident_id = %s", [incident_id])
        if not found:
            return None
        events = self._rows(
            "select event_id, at, event, actor, detail from alerting.incident_events "
            "where incident_id = %s order by event_id",
            [incident_id],
        )
        deliveries = self._rows(
            "select delivery_id, created_at, transition, destination, channel, status, attempts, sent_at, error "
            "from alerting.deliveries where incident_id = %s order by created_at, destination",
            [incident_id],
        )
        held = self._rows(
            "select held_at, transition, destination, why, reason, due_at, settled_at, fate "
            "from alerting.held_notifications where incident_id = %s order by held_id",
            [incident_id],
        )
        with self.engine.connect() as connection:
            actions = actions_of(connection, found[0]["alert"], found[0]["definition_version"])
        offered = {} if found[0]["status"] == "resolved" else actions
        return {
            **found[0],
            "actions": [{"name": name, **action.model_dump(mode="json")} for name, action in offered.items()],
            "events": events,
            "deliveries": deliveries,
            "parameters": self._rows(
                "select p.parameter, p.scope, p.scope_value, p.value, p.changed_by, p.approved_by, p.request_id "
                "from ledger.incidents as i join alerting.parameters_of_evaluations as p using (evaluation_id) "
                "where i.incident_id = %s order by p.parameter, p.scope, p.scope_value",
                [incident_id],
            ),
            "held_back": held,
            "made_by": next(iter(self._rows(_MADE_BY, [incident_id])), None),
        }

    def waited(self, shown: Mapping[str, Any]) -> list[Waited]:
        """The evaluations held while an incident of data or system stood; of data, those of the alerts it held."""
        if shown["kind"] == "business":
            return []
        named = shown["fields"].get("alerts_held")
        alerts = None if named is None else [each.strip() for each in str(named).split(",")]
        with self.engine.connect() as connection:
            return held_evaluations(connection, shown["opened_at"], shown["resolved_at"], alerts)

    def snoozes(self, at: datetime) -> list[Mapping[str, Any]]:
        """Snoozes of entities and definitions that hold at that instant."""
        with self.engine.connect() as connection:
            return snoozes.listed(connection, at)

    def _rows(self, statement: str, values: Sequence[Any]) -> list[Mapping[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.exec_driver_sql(statement, tuple(values))]


@dataclass(frozen=True, slots=True)
class OpenDesk:
    """Incidents within one transaction."""

    connection: Connection
    announcer: Announcer

    def lock(self, incident_id: int) -> Incident | None:
        """The incident, while nobody else can change it."""
        self.connection.exec_driver_sql(
            "select 1 from ledger.incidents where incident_id = %s for update", (incident_id,)
        )
        found = incidents_where(self.connection, "i.incident_id = %s", [incident_id])
        return found[0] if found else None

    def carry_out(self, item: Step, now: datetime) -> None:
        """Write the step, its history, its messages, and the row that it puts into a table."""
        news = carry_out(self.connection, [item], now)
        self.announcer(self.connection, news)
        rows = [intent for intent in item.intents if isinstance(intent, PutRow)]
        destinations = self.announcer.directory.destinations
        enqueue(self.connection, [action_row(each, row, destinations) for each in news for row in rows])

    def add_snooze(self, standing: StandingSnooze, now: datetime) -> int:
        """Keep a snooze of an entity or a definition."""
        return snoozes.add(self.connection, standing, now)

    def end_snooze(self, number: int, person: str, reason: str, now: datetime) -> StandingSnooze | None:
        """End a snooze of an entity or a definition; None where it doesn't hold any more."""
        return snoozes.end(self.connection, number, person, reason, now)

    def standing(self, now: datetime) -> list[StandingSnooze]:
        """Snoozes of entities and definitions that hold now."""
        return snoozes.standing_at(self.connection, now)

    def silent_by(self, standing: StandingSnooze) -> Iterator[list[Incident]]:
        """Open incidents that are silent by it."""
        return snoozes.silent_by(self.connection, standing)

    def concerned(self, standing: StandingSnooze) -> Iterator[list[Incident]]:
        """Open incidents that it silences."""
        return snoozes.concerned(self.connection, standing)

    def carry_out_all(self, steps: Sequence[Step], now: datetime) -> None:
        """Write steps that write no rows, told together."""
        self.announcer(self.connection, carry_out(self.connection, steps, now))

    def actions(self, incident: Incident) -> Mapping[str, Action]:
        """The actions of the version of its definition that the incident was told by."""
        return actions_of(self.connection, incident.alert, incident.definition_version)

    def acted(self, incident_id: int) -> tuple[str, str] | None:
        """Which action ended the incident, and who did it; None where no action did."""
        found = self.connection.exec_driver_sql(
            "select detail ->> 'action', actor from ledger.incident_events "
            "where incident_id = %s and detail ? 'action' order by event_id desc limit 1",
            (incident_id,),
        ).first()
        return None if found is None else (str(found[0]), str(found[1]))

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None:
        """Append to the audit log."""
        self.connection.exec_driver_sql(
            "select ledger.append_audit(%s, %s, %s, %s::jsonb, %s::jsonb)",
            (actor, action, what, json.dumps(before), json.dumps(after)),
        )
