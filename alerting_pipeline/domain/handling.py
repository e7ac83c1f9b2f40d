"""What people do to an open incident: acknowledge, assign, snooze, resolve, act; each gives a step of the lifecycle.

Only `lifecycle.step` calls these; it has made sure that the incident has not ended.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from alerting_pipeline.domain import response
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.event import (
    Acknowledge,
    Act,
    Assign,
    Audience,
    Memory,
    Notify,
    Reason,
    Record,
    Remember,
    Resolve,
    Snooze,
    Wake,
)
from alerting_pipeline.domain.incident import Incident, Resolution, Status, Transition
from alerting_pipeline.domain.snooze import snoozed, woken
from alerting_pipeline.domain.step import Step, shown


def acknowledge(incident: Incident, event: Acknowledge, now: datetime) -> Step:
    """Somebody takes it, which ends a snooze and its reminders."""
    if incident.acknowledged_at is not None and incident.status is Status.ACKNOWLEDGED:
        raise AlertingError(
            f"Incident {incident.incident_id} was already acknowledged by {incident.acknowledged_by}; "
            "`alerting incidents resolve` ends it."
        )
    record = Record(Transition.ACKNOWLEDGED, event.person, shown(note=event.note))
    return Step(_taken(incident, event.person, now), (record, Notify(Transition.ACKNOWLEDGED)), Reason.PERSON)


def assign(incident: Incident, event: Assign, now: datetime) -> Step:
    """It is somebody's. To oneself it is a promise; anybody else is told, and reminded until they acknowledge it."""
    if incident.assignee == event.assignee:
        raise AlertingError(f"Incident {incident.incident_id} is assigned to {event.assignee} already.")
    record = Record(Transition.ASSIGNED, event.person, shown(assignee=event.assignee, note=event.note))
    if event.person == event.assignee:
        taken = replace(_taken(incident, event.person, now), assignee=event.assignee)
        return Step(taken, (record, Notify(Transition.ASSIGNED)), Reason.PERSON)
    status = Status.OPEN if incident.status is Status.ACKNOWLEDGED else incident.status
    answered = response.answered(incident, now)
    bare = replace(answered, status=status, assignee=event.assignee, acknowledged_at=None, acknowledged_by=None)
    handed = bare if event.terms is None else response.reminding(bare, event.terms, now)
    told = (Notify(Transition.ASSIGNED), Notify(Transition.ASSIGNED, Audience.OWNER))
    return Step(handed, (record, *told), Reason.PERSON)


def snooze(incident: Incident, event: Snooze, now: datetime) -> Step:
    """It stays silent for a while. That it does is told once: its message says so."""
    silent = snoozed(incident, event, now)
    detail = shown(until=event.until, factor=event.factor, note=event.reason)
    record = Record(Transition.SNOOZED, event.person, detail)
    return Step(silent, (record, Notify(Transition.SNOOZED)), Reason.PERSON)


def wake(incident: Incident, event: Wake, now: datetime) -> Step:
    """It is heard of again: its route is told how it stands, as when a snooze ends by itself."""
    if incident.status is not Status.SNOOZED:
        raise AlertingError(f"Incident {incident.incident_id} is not snoozed; nothing has to be lifted.")
    awake = woken(incident)
    awake = awake if event.terms is None else response.reminding(awake, event.terms, now)
    record = Record(Transition.WOKEN, event.person, shown(note=event.note))
    return Step(awake, (record, Notify(Transition.WOKEN)), Reason.PERSON)


def resolve(incident: Incident, event: Resolve | Act, now: datetime) -> Step:
    """A person's word ends it. What an action writes on top goes with the same step: both, or neither."""
    ended = replace(
        response.stopped(response.answered(incident, now)),
        status=Status.RESOLVED,
        resolution=Resolution.BY_PERSON,
        resolved_at=now,
        resolved_by=event.person,
        disposition=event.disposition,
        held_since=None,
    )
    detail = shown(disposition=event.disposition and event.disposition.value, note=event.note)
    row = event.row if isinstance(event, Act) else None
    if isinstance(event, Act):
        detail = {"action": event.action, **detail}
    if row is not None:
        detail |= {"table": row.table, "key": dict(row.key), "values": dict(row.values)}
    told = (Record(Transition.RESOLVED, event.person, detail), Notify(Transition.RESOLVED), Remember(Memory.BY_PERSON))
    return Step(ended, told if row is None else (*told, row), Reason.PERSON)


def _taken(incident: Incident, person: str, now: datetime) -> Incident:
    return replace(
        response.answered(woken(incident), now),
        status=Status.ACKNOWLEDGED,
        acknowledged_at=now,
        acknowledged_by=person,
        assignee=person if incident.assignee is not None else None,
        remind_at=None,
    )
