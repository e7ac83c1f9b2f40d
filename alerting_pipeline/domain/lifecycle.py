"""What may happen to an incident, and what follows from it: the only place where an incident's state changes.

`step` is a pure function. It takes the incident as it is (None: there is none), what was seen or done, and the instant
that counts as now; it returns the incident as it becomes, with the intents that the caller has to carry out in the
same transaction. An error of data or system reaches it only as `Unjudged`, which can neither resolve nor reopen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.event import (
    Acknowledge,
    Act,
    Cleared,
    Event,
    Forget,
    Gone,
    Intent,
    Memory,
    Notify,
    Reason,
    Record,
    Remember,
    RemoveDefinition,
    Resolve,
    StillStanding,
    TimePassed,
    Unjudged,
    Violated,
)
from alerting_pipeline.domain.incident import Incident, Resolution, Status, Transition
from alerting_pipeline.domain.row_change import changed_columns

PROGRAM = "alerting"


class Step(NamedTuple):
    """What a step led to. The same incident and no intents: nothing is to be written."""

    incident: Incident | None
    intents: tuple[Intent, ...]
    reason: Reason


def step(incident: Incident | None, event: Event, now: datetime) -> Step:
    """The incident after the event. Raises AlertingError for an act of a person on an incident that has ended."""
    if incident is None or incident.is_resolved:
        return _without_incident(incident, event, now)
    match event:
        case Violated():
            return _seen_again(incident, event, now)
        case Cleared(reason):
            return _end(incident, Resolution.CLEARED, Transition.CLEARED, reason, now)
        case Gone():
            return _end(incident, Resolution.WITHDRAWN, Transition.WITHDRAWN, Reason.ROW_GONE, now)
        case Unjudged(reason):
            return _hold(incident, reason, now)
        case StillStanding():
            return _release(incident, Reason.CLEAR_WHEN_FALSE)
        case TimePassed(expire_after):
            if expire_after is None or now < incident.opened_at + expire_after:
                return Step(incident, (), Reason.UNCHANGED)
            ended = _end(incident, Resolution.EXPIRED, Transition.EXPIRED, Reason.TIME_OVER, now)
            return ended._replace(intents=(*ended.intents, Remember(Memory.EXPIRED)))
        case Acknowledge():
            return _acknowledge(incident, event, now)
        case Resolve() | Act():
            return _resolve(incident, event, now)
        case RemoveDefinition():
            return _end(
                incident, Resolution.DEFINITION_REMOVED, Transition.DEFINITION_REMOVED, Reason.DEFINITION_GONE, now
            )


def _without_incident(incident: Incident | None, event: Event, now: datetime) -> Step:
    """There is none, or its lifetime is over: a violation begins a new one, everything else leaves it as it is."""
    match event:
        case Violated(memory=None):
            return _open(event, now)
        case Violated():
            return Step(incident, (), Reason.KNOWN)
        case Cleared() | Gone():
            return Step(incident, (Forget(),), Reason.ABSENT)
        case Acknowledge() | Resolve() | Act() if incident is not None:
            verb = {Acknowledge: "acknowledged", Resolve: "resolved"}.get(type(event), "acted on")
            raise AlertingError(
                f"Incident {incident.incident_id} can't be {verb}: it ended as {incident.resolution} at "
                f"{incident.resolved_at:%Y-%m-%d %H:%M} UTC; `alerting incidents list` shows the open ones."
            )
        case _:
            return Step(incident, (), Reason.ABSENT)


def _open(event: Violated, now: datetime) -> Step:
    terms = event.terms
    allowed = terms.respond_within.get(event.severity)
    incident = Incident(
        alert=terms.alert,
        fingerprint=event.fingerprint,
        entity=event.entity,
        kind=terms.kind,
        severity=event.severity,
        summary=event.summary,
        owner=terms.owner,
        definition_version=terms.version,
        opened_at=now,
        last_seen_at=now,
        deviance=event.deviance,
        notified_deviance=event.deviance,
        fields=event.fields,
        link=event.link,
        labels=terms.labels,
        occurred_at=event.occurred_at,
        due_at=None if allowed is None else now + allowed,
    )
    detail = _shown(severity=event.severity, deviance=event.deviance)
    intents = (_program(Transition.OPENED, Reason.FIRST_VIOLATION, detail), Notify(Transition.OPENED))
    return Step(incident, intents, Reason.FIRST_VIOLATION)


def _seen_again(incident: Incident, event: Violated, now: datetime) -> Step:
    """Only a material change is told to people; smaller ones add up against what they were last told. Rows show all."""
    reason = material_change(incident, event)
    released, intents, _ = _release(incident, Reason.JUDGED_AGAIN)
    if reason is Reason.UNCHANGED or reason is Reason.NOT_MATERIAL:
        columns = changed_columns(incident.fields, event.fields, event.terms.row_columns)
        return _refresh(incident, event, columns, intents) if columns else Step(released, intents, reason)
    updated = replace(
        incident,
        severity=event.severity,
        deviance=event.deviance,
        notified_deviance=event.deviance,
        summary=event.summary,
        fields=event.fields,
        link=event.link,
        definition_version=event.terms.version,
        last_seen_at=now,
        held_since=None,
        due_at=_tightened(incident, event, now),
    )
    before = _shown(severity=incident.severity, deviance=incident.notified_deviance)
    detail = {"before": before, **_shown(severity=event.severity, deviance=event.deviance)}
    told = (_program(Transition.UPDATED, reason, detail), Notify(Transition.UPDATED))
    return Step(updated, (*intents, *told), reason)


def _refresh(incident: Incident, event: Violated, columns: tuple[str, ...], released: tuple[Intent, ...]) -> Step:
    """The rows of the incident show what its row in the model holds now; what people were told stays as it was."""
    current = replace(
        incident,
        deviance=event.deviance,
        summary=event.summary,
        fields=event.fields,
        link=event.link,
        held_since=None,
    )
    record = _program(Transition.REFRESHED, Reason.ROW_CHANGED, {"columns": list(columns)})
    return Step(current, (*released, record, Notify(Transition.REFRESHED)), Reason.ROW_CHANGED)


def material_change(incident: Incident, event: Violated) -> Reason:
    """Is the difference to what people were last told worth telling? The store asks the same in SQL."""
    if event.severity != incident.severity:
        return Reason.SEVERITY_CHANGED
    if event.deviance == incident.notified_deviance:
        return Reason.UNCHANGED
    least = event.terms.deviance_changes_by
    if least is None or event.deviance is None or incident.notified_deviance is None:
        return Reason.NOT_MATERIAL
    is_far = abs(event.deviance - incident.notified_deviance) >= least
    return Reason.DEVIANCE_CHANGED if is_far else Reason.NOT_MATERIAL


def _tightened(incident: Incident, event: Violated, now: datetime) -> datetime | None:
    """A changed severity may shorten the time allowed, never lengthen it: a promise once made is kept."""
    allowed = event.terms.respond_within.get(event.severity)
    if event.severity == incident.severity or allowed is None:
        return incident.due_at
    return now + allowed if incident.due_at is None else min(incident.due_at, now + allowed)


def _hold(incident: Incident, reason: Reason, now: datetime) -> Step:
    if incident.held_since is not None:
        return Step(incident, (), reason)
    return Step(replace(incident, held_since=now), (_program(Transition.HELD, reason),), reason)


def _release(incident: Incident, reason: Reason) -> Step:
    if incident.held_since is None:
        return Step(incident, (), reason)
    return Step(replace(incident, held_since=None), (_program(Transition.RELEASED, Reason.JUDGED_AGAIN),), reason)


def _end(incident: Incident, resolution: Resolution, transition: Transition, reason: Reason, now: datetime) -> Step:
    ended = replace(incident, status=Status.RESOLVED, resolution=resolution, resolved_at=now, held_since=None)
    return Step(ended, (_program(transition, reason), Notify(transition)), reason)


def _acknowledge(incident: Incident, event: Acknowledge, now: datetime) -> Step:
    if incident.status is Status.ACKNOWLEDGED:
        raise AlertingError(
            f"Incident {incident.incident_id} was already acknowledged by {incident.acknowledged_by}; "
            "`alerting incidents resolve` ends it."
        )
    taken = replace(incident, status=Status.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=event.person)
    record = Record(Transition.ACKNOWLEDGED, event.person, _shown(note=event.note))
    return Step(taken, (record, Notify(Transition.ACKNOWLEDGED)), Reason.PERSON)


def _resolve(incident: Incident, event: Resolve | Act, now: datetime) -> Step:
    """A person's word ends it. What an action writes on top goes with the same step: both, or neither."""
    ended = replace(
        incident,
        status=Status.RESOLVED,
        resolution=Resolution.BY_PERSON,
        resolved_at=now,
        resolved_by=event.person,
        disposition=event.disposition,
        held_since=None,
    )
    detail = _shown(disposition=event.disposition and event.disposition.value, note=event.note)
    row = event.row if isinstance(event, Act) else None
    if isinstance(event, Act):
        detail = {"action": event.action, **detail}
    if row is not None:
        detail |= {"table": row.table, "key": dict(row.key), "values": dict(row.values)}
    told = (Record(Transition.RESOLVED, event.person, detail), Notify(Transition.RESOLVED), Remember(Memory.BY_PERSON))
    return Step(ended, told if row is None else (*told, row), Reason.PERSON)


def _program(transition: Transition, reason: Reason, detail: Mapping[str, Any] | None = None) -> Record:
    return Record(transition, PROGRAM, {"reason": reason.value, **(detail or {})})


def _shown(**values: Any) -> dict[str, Any]:
    """The detail of an event, in JSON types; what is not there is left out."""
    kept = {name: value for name, value in values.items() if value not in (None, "")}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in kept.items()}
