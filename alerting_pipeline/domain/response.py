"""The clock that runs until somebody responds: warning, breach, reminders, escalation; all as stored instants.

A response is a person's act: acknowledging, assigning, snoozing. It stops the clock of the time allowed and the
escalation. Reminders go on until somebody acknowledges it, so that what was assigned isn't forgotten by its assignee.
Every function takes an incident and gives it back with other instants; what came of it is told by `lifecycle`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from alerting_pipeline.domain.event import Audience, Reason, Terms
from alerting_pipeline.domain.incident import Incident, Transition

_AUDIENCES = (Audience.ON_CALL, Audience.LEAD)


class Due(NamedTuple):
    """What the clock brought: how the incident stands then, and who is told what, why."""

    incident: Incident
    transition: Transition
    reason: Reason
    to: Audience


def started(incident: Incident, terms: Terms, now: datetime) -> Incident:
    """The clock runs from now: the incident was opened, or reopened."""
    fresh: dict[str, Any] = {"due_at": None, "responded_at": None, "sla_breached_at": None, "escalation_level": 0}
    allowed = terms.respond_within.get(incident.severity)
    if allowed is not None:
        fresh |= _allowed(incident, allowed, terms, now)
    return incident.but(**fresh, remind_at=_next_reminder(incident, terms, now))


def tightened(incident: Incident, terms: Terms, now: datetime) -> Incident:
    """Its severity is new. It may shorten the time allowed, never lengthen it: a promise once made is kept."""
    allowed = terms.respond_within.get(incident.severity)
    if allowed is None or incident.responded_at is not None or incident.sla_breached_at is not None:
        return incident
    if incident.due_at is not None and incident.due_at <= now + allowed:
        return incident
    return incident.but(**_sooner(incident, _allowed(incident, allowed, terms, now)))


def reminding(incident: Incident, terms: Terms, now: datetime) -> Incident:
    """With its next reminder counted from now: none where its severity has none, or once somebody acknowledged it."""
    return incident.but(remind_at=_next_reminder(incident, terms, now))


def _allowed(incident: Incident, allowed: timedelta, terms: Terms, now: datetime) -> dict[str, datetime]:
    due = now + allowed
    instants = [due, incident.escalates_at, None if terms.on_call_after is None else now + terms.on_call_after]
    escalates = min(instant for instant in instants if instant is not None)
    return {"due_at": due, "warn_at": now + allowed * 4 / 5, "escalates_at": escalates}


def _sooner(incident: Incident, found: dict[str, datetime]) -> dict[str, Any]:
    """The stage that is next may come sooner; after the last one there is none left to tell."""
    return found if incident.escalation_level < len(_AUDIENCES) else {**found, "escalates_at": None}


def _next_reminder(incident: Incident, terms: Terms, now: datetime) -> datetime | None:
    every = terms.remind_every.get(incident.severity)
    if every is None or incident.acknowledged_at is not None:
        return None
    at = now + every
    return at if terms.hours is None else terms.hours.next_open(at)


def answered(incident: Incident, now: datetime) -> Incident:
    """Somebody responded."""
    return incident.but(responded_at=incident.responded_at or now, warn_at=None, escalates_at=None)


def stopped(incident: Incident) -> Incident:
    """Nothing is due any more: it ended."""
    return incident.but(
        calm_since=None,
        snoozed_until=None,
        snoozed_by=None,
        snooze_factor=None,
        snooze_deviance=None,
        warn_at=None,
        remind_at=None,
        escalates_at=None,
    )


def passed(incident: Incident, terms: Terms, now: datetime) -> Due:
    """The first of what is due. A breach says what the warning would have said, and anything told is a reminder.

    Each stage of the escalation counts from when the one before was told, so that whoever is told has the time.
    """
    if (breach := incident.breaches_at) is not None and breach <= now:
        escalates = now if incident.escalation_level == 0 else incident.escalates_at
        breached = incident.but(sla_breached_at=now, warn_at=None, escalates_at=escalates)
        return Due(_later(breached, terms, now), Transition.SLA_BREACHED, Reason.RESPONSE_OVERDUE, Audience.OWNER)
    if incident.escalates_at is not None and incident.escalates_at <= now:
        level = incident.escalation_level + 1
        escalates = None if level >= len(_AUDIENCES) else now + _until_lead(incident, terms)
        escalated = incident.but(escalation_level=level, escalates_at=escalates)
        to = _AUDIENCES[level - 1]
        return Due(_later(escalated, terms, now), Transition.ESCALATED, Reason.NOBODY_RESPONDED, to)
    if incident.warn_at is not None and incident.warn_at <= now:
        warned = incident.but(warn_at=None)
        return Due(_later(warned, terms, now), Transition.SLA_WARNED, Reason.RESPONSE_DUE_SOON, Audience.OWNER)
    return Due(reminding(incident, terms, now), Transition.REMINDED, Reason.REPEAT_ELAPSED, Audience.OWNER)


def _later(incident: Incident, terms: Terms, now: datetime) -> Incident:
    is_due = incident.remind_at is not None and incident.remind_at <= now
    return reminding(incident, terms, now) if is_due else incident


def _until_lead(incident: Incident, terms: Terms) -> timedelta:
    """How long whoever is on call has, before the lead is told. Both times count from the beginning, so the span
    between them is theirs even where they were told late.
    """
    allowed = terms.respond_within.get(incident.severity) or timedelta(hours=1)
    on_call_after = allowed if terms.on_call_after is None else min(terms.on_call_after, allowed)
    lead_after = 2 * allowed if terms.lead_after is None else terms.lead_after
    return max(lead_after - on_call_after, timedelta(0))
