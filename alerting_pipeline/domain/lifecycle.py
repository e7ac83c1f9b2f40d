"""What may happen to an incident, and what follows from it: the only place where an incident's state changes.

`step` is a pure function. It takes the incident as it is (None: there is none), what was seen or done, and the instant
that counts as now; it returns the incident as it becomes, with the intents that the caller has to carry out in the
same transaction. An error of data or system reaches it only as `Unjudged`, which can neither resolve nor reopen.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from alerting_pipeline.domain import handling, response
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.event import (
    Acknowledge,
    Act,
    Assign,
    Audience,
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
    Snooze,
    StillStanding,
    Terms,
    TimePassed,
    Unjudged,
    Violated,
    Wake,
)
from alerting_pipeline.domain.incident import Incident, Resolution, Status, Transition
from alerting_pipeline.domain.row_change import changed_columns
from alerting_pipeline.domain.snooze import ended_by, woken
from alerting_pipeline.domain.step import Step, by_program, shown

__all__ = ["Step", "is_reopened", "material_change", "step"]


def step(incident: Incident | None, event: Event, now: datetime) -> Step:
    """The incident after the event. Raises AlertingError for an act of a person on an incident that has ended."""
    if incident is None or incident.is_resolved:
        return _without_incident(incident, event, now)
    match event:
        case Violated():
            return _seen_again(incident, event, now)
        case Cleared(reason, keep_firing_for):
            calming = _Ending(Resolution.CLEARED, Transition.CLEARED, reason)
            return _calm(incident, calming, keep_firing_for, now)
        case Gone(keep_firing_for):
            calming = _Ending(Resolution.WITHDRAWN, Transition.WITHDRAWN, Reason.ROW_GONE)
            return _calm(incident, calming, keep_firing_for, now)
        case Unjudged(reason):
            return _hold(incident, reason, now)
        case StillStanding():
            standing, intents = _judged(incident)
            return Step(standing, intents, Reason.CLEAR_WHEN_FALSE)
        case TimePassed(terms):
            return _time_passed(incident, terms, now)
        case Acknowledge():
            return handling.acknowledge(incident, event, now)
        case Snooze():
            return handling.snooze(incident, event, now)
        case Assign():
            return handling.assign(incident, event, now)
        case Wake():
            return handling.wake(incident, event, now)
        case Resolve() | Act():
            return handling.resolve(incident, event, now)
        case RemoveDefinition():
            gone = _Ending(Resolution.DEFINITION_REMOVED, Transition.DEFINITION_REMOVED, Reason.DEFINITION_GONE)
            return _end(incident, gone, now)


class _Ending(NamedTuple):
    resolution: Resolution
    transition: Transition
    reason: Reason


_VERBS = {Acknowledge: "acknowledged", Resolve: "resolved", Snooze: "snoozed", Assign: "assigned", Wake: "woken"}


def _without_incident(incident: Incident | None, event: Event, now: datetime) -> Step:
    """There is none, or its lifetime is over: a violation begins or reopens one, everything else leaves it as it is."""
    match event:
        case Violated(memory=None) if incident is not None and is_reopened(incident, event.terms, now):
            return _reopen(incident, event, now)
        case Violated(memory=None):
            return _open(event, now)
        case Violated():
            return Step(incident, (), Reason.KNOWN)
        case Cleared() | Gone():
            return Step(incident, (Forget(),), Reason.ABSENT)
        case Acknowledge() | Resolve() | Act() | Snooze() | Assign() | Wake() if incident is not None:
            raise AlertingError(
                f"Incident {incident.incident_id} can't be {_VERBS.get(type(event), 'acted on')}: it ended as "
                f"{incident.resolution} at {incident.resolved_at:%Y-%m-%d %H:%M} UTC; `alerting incidents list` "
                "shows the open ones."
            )
        case _:
            return Step(incident, (), Reason.ABSENT)


def is_reopened(incident: Incident, terms: Terms, now: datetime) -> bool:
    """Is a violation now the same issue as this ended incident? The store asks the same in SQL.

    Only one that ended by itself comes back; a person's verdict and an expiry are kept as memories instead.
    """
    ended = incident.resolved_at if incident.resolution in (Resolution.CLEARED, Resolution.WITHDRAWN) else None
    return ended is not None and timedelta(0) < terms.reopen_within and ended <= now <= ended + terms.reopen_within


def _open(event: Violated, now: datetime) -> Step:
    terms = event.terms
    bare = Incident(
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
    )
    incident = response.started(bare, terms, now)
    detail = shown(severity=event.severity, deviance=event.deviance)
    opened = by_program(Transition.OPENED, Reason.FIRST_VIOLATION, detail)
    return _begin(incident, opened, event.snooze, now)


def _reopen(incident: Incident, event: Violated, now: datetime) -> Step:
    """The same issue came back: the same incident goes on, and whoever acknowledged it is asked anew."""
    bare = _with(incident, event, now).but(
        status=Status.OPEN,
        acknowledged_at=None,
        acknowledged_by=None,
        resolved_at=None,
        resolved_by=None,
        resolution=None,
        disposition=None,
        reopened_at=now,
    )
    again = response.started(bare, event.terms, now)
    detail = shown(severity=event.severity, deviance=event.deviance, ended_at=incident.resolved_at)
    return _begin(again, by_program(Transition.REOPENED, Reason.CAME_BACK, detail), event.snooze, now)


def _begin(incident: Incident, record: Record, snooze: Snooze | None, now: datetime) -> Step:
    """It goes to its route, unless a snooze of its entity or definition holds."""
    reason = Reason(record.detail["reason"])
    if snooze is None or snooze.until <= now:
        return Step(incident, (record, Notify(record.transition)), reason)
    silent = incident.but(status=Status.SNOOZED, snoozed_until=snooze.until, snoozed_by=snooze.person)
    why = shown(reason=Reason.STANDING_SNOOZE.value, until=snooze.until, note=snooze.reason)
    intents = (record, Notify(record.transition, Audience.RECORD), Record(Transition.SNOOZED, snooze.person, why))
    return Step(silent, intents, reason)


def _seen_again(incident: Incident, event: Violated, now: datetime) -> Step:
    """Only a material change is told to people; smaller ones add up against what they were last told. Rows show all."""
    changed = material_change(incident, event)
    awake = ended_by(incident, event, now) if incident.status is Status.SNOOZED else None
    released, intents = _judged(incident)
    if awake is None and changed in (Reason.UNCHANGED, Reason.NOT_MATERIAL):
        columns = changed_columns(incident.fields, event.fields, event.terms.row_columns)
        return _refresh(released, event, columns, intents) if columns else Step(released, intents, changed)
    updated = _with(released, event, now)
    if event.severity != incident.severity:
        updated = response.reminding(response.tightened(updated, event.terms, now), event.terms, now)
    before = shown(severity=incident.severity, deviance=incident.notified_deviance)
    detail = {"before": before, **shown(severity=event.severity, deviance=event.deviance)}
    if awake is not None:
        return _wake(updated, awake, event.terms, now)._replace(
            intents=(*intents, by_program(Transition.WOKEN, awake, detail), Notify(Transition.WOKEN))
        )
    to = Audience.RECORD if incident.status is Status.SNOOZED else Audience.ROUTE
    told = (by_program(Transition.UPDATED, changed, detail), Notify(Transition.UPDATED, to))
    return Step(updated, (*intents, *told), changed)


def _with(incident: Incident, event: Violated, now: datetime) -> Incident:
    """The incident as this violation shows it."""
    return incident.but(
        severity=event.severity,
        deviance=event.deviance,
        notified_deviance=event.deviance,
        summary=event.summary,
        fields=event.fields,
        link=event.link,
        definition_version=event.terms.version,
        last_seen_at=now,
        held_since=None,
    )


def _refresh(incident: Incident, event: Violated, columns: tuple[str, ...], released: tuple[Intent, ...]) -> Step:
    """The rows of the incident show what its row in the model holds now; what people were told stays as it was."""
    current = incident.but(
        deviance=event.deviance,
        summary=event.summary,
        fields=event.fields,
        link=event.link,
        held_since=None,
    )
    record = by_program(Transition.REFRESHED, Reason.ROW_CHANGED, {"columns": list(columns)})
    return Step(current, (*released, record, Notify(Transition.REFRESHED, Audience.RECORD)), Reason.ROW_CHANGED)


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


def _hold(incident: Incident, reason: Reason, now: datetime) -> Step:
    if incident.held_since is not None:
        return Step(incident, (), reason)
    return Step(incident.but(held_since=now), (by_program(Transition.HELD, reason),), reason)


def _judged(incident: Incident) -> tuple[Incident, tuple[Intent, ...]]:
    """It can be judged, and its condition has not ended."""
    released, intents = _released(incident)
    if incident.calm_since is None:
        return released, intents
    return released.but(calm_since=None), (*intents, by_program(Transition.RELAPSED, Reason.CAME_BACK))


def _released(incident: Incident) -> tuple[Incident, tuple[Intent, ...]]:
    if incident.held_since is None:
        return incident, ()
    return incident.but(held_since=None), (by_program(Transition.RELEASED, Reason.JUDGED_AGAIN),)


def _calm(incident: Incident, ending: _Ending, keep_firing_for: timedelta, now: datetime) -> Step:
    """Its condition ended. It ends with the first judgement that finds it so for `keep_firing_for`."""
    since = incident.calm_since or now
    if now - since >= keep_firing_for:
        return _end(incident, ending, now)
    released, intents = _released(incident)
    if incident.calm_since is not None:
        return Step(released, intents, Reason.CALM)
    record = by_program(Transition.CALMED, ending.reason)
    return Step(released.but(calm_since=now), (*intents, record), Reason.CALM)


def _end(incident: Incident, ending: _Ending, now: datetime) -> Step:
    """Its end is told as its beginning was: that of a snoozed one to nobody."""
    resolution, transition, reason = ending
    stopped = response.stopped(incident)
    ended = stopped.but(status=Status.RESOLVED, resolution=resolution, resolved_at=now, held_since=None)
    to = Audience.RECORD if incident.status is Status.SNOOZED else Audience.ROUTE
    return Step(ended, (by_program(transition, reason), Notify(transition, to)), reason)


def _time_passed(incident: Incident, terms: Terms, now: datetime) -> Step:
    """One thing that is due; whoever calls goes on until `next_at` lies ahead."""
    if terms.expire_after is not None and now >= incident.opened_at + terms.expire_after:
        expired = _Ending(Resolution.EXPIRED, Transition.EXPIRED, Reason.TIME_OVER)
        ended = _end(incident, expired, now)
        return ended._replace(intents=(*ended.intents, Remember(Memory.EXPIRED)))
    if incident.next_at is None or now < incident.next_at:
        return Step(incident, (), Reason.UNCHANGED)
    if incident.status is Status.SNOOZED:
        return _wake(incident, Reason.SNOOZE_OVER, terms, now)
    due = response.passed(incident, terms, now)
    record = by_program(due.transition, due.reason, shown(to=due.to.value))
    return Step(due.incident, (record, Notify(due.transition, due.to)), due.reason)


def _wake(incident: Incident, reason: Reason, terms: Terms, now: datetime) -> Step:
    awake = response.reminding(woken(incident), terms, now)
    return Step(awake, (by_program(Transition.WOKEN, reason), Notify(Transition.WOKEN)), reason)
