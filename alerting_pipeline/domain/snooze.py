"""Snoozing: a person wants to hear nothing of an incident for a while, and what ends that.

A snooze always has an end. It ends earlier when the deviance is worse by the factor that the person named, and when
the incident becomes critical; clearing ends the incident all the same, unheard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.event import Reason, Snooze, Violated
from alerting_pipeline.domain.incident import Incident, Kind, Status
from alerting_pipeline.domain.response import answered

LONGEST = timedelta(days=90)
"""What is to stay silent for longer than a quarter is an expected finding, or a definition to be paused or changed."""
BY_FACTOR_ALONE = timedelta(days=30)
_CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class StandingSnooze:
    """A snooze of whatever has this entity, across alerts; of a definition; or of both together."""

    until: datetime
    person: str
    reason: str
    alert: str | None = None
    entity: Mapping[str, str] | None = None

    def covers(self, event: Violated) -> bool:
        """Does it silence a new incident? One that is critical is silenced only where its definition is, and failures
        of data too: what is about an entity of the business says nothing of them.
        """
        if self.alert is not None:
            return self.alert == event.terms.alert and self._is_of(event.entity)
        return event.terms.kind is Kind.BUSINESS and event.severity != _CRITICAL and self._is_of(event.entity)

    def covers_open(self, incident: Incident) -> bool:
        """The same for an incident that there is."""
        if self.alert is not None:
            return self.alert == incident.alert and self._is_of(incident.entity)
        return incident.kind is Kind.BUSINESS and incident.severity != _CRITICAL and self._is_of(incident.entity)

    def _is_of(self, entity: Mapping[str, str | None]) -> bool:
        return all(entity.get(column) == value for column, value in (self.entity or {}).items())

    @property
    def snooze(self) -> Snooze:
        """What it means for one incident."""
        return Snooze(self.person, self.until, reason=self.reason)


def silenced(event: Violated, standing: Iterable[StandingSnooze]) -> Violated:
    """The violation, with the snooze that ends last among those that silence it."""
    found = [each for each in standing if each.covers(event)]
    return replace(event, snooze=max(found, key=lambda each: each.until).snooze) if found else event


def snoozed(incident: Incident, event: Snooze, now: datetime) -> Incident:
    """The incident, silent. Raises AlertingError for an end that is past or too far, or a factor that can't be told."""
    check_end(event.until, now)
    if event.factor is not None and event.factor <= 1:
        raise AlertingError(f"Worse by {event.factor} is not worse; write a factor above 1, such as 1.5.")
    if event.factor is not None and not incident.deviance:
        raise AlertingError(
            f"Incident {incident.incident_id} has no deviance that could get worse by a factor; snooze it for a time."
        )
    silent = replace(
        incident,
        status=Status.SNOOZED,
        snoozed_until=event.until,
        snoozed_by=event.person,
        snooze_factor=event.factor,
        snooze_deviance=None if event.factor is None else incident.deviance,
    )
    return answered(silent, now)


def check_end(until: datetime, now: datetime) -> None:
    """Raises AlertingError for an end that is past, or too far."""
    if until <= now:
        raise AlertingError(
            f"A snooze until {until:%Y-%m-%d %H:%M} UTC would be over already; it is "
            f"{now:%Y-%m-%d %H:%M} UTC, name a later instant."
        )
    if until > now + LONGEST:
        raise AlertingError(
            f"A snooze ends within {LONGEST.days} days; resolve the incident as expected, or pause its definition."
        )


def ended_by(incident: Incident, event: Violated, now: datetime) -> Reason | None:
    """Why a snooze ends with this violation; None: it doesn't."""
    if incident.snoozed_until is not None and incident.snoozed_until <= now:
        return Reason.SNOOZE_OVER
    if event.severity == _CRITICAL and incident.severity != _CRITICAL:
        return Reason.CRITICAL
    factor, given = incident.snooze_factor, incident.snooze_deviance
    if factor is None or given is None or event.deviance is None:
        return None
    is_worse = _beyond(event.deviance, given, factor, is_lower_worse=event.terms.is_lower_worse)
    return Reason.WORSE if is_worse else None


def woken(incident: Incident) -> Incident:
    """The incident, to be heard of again: acknowledged if somebody had acknowledged it."""
    status = Status.OPEN if incident.acknowledged_at is None else Status.ACKNOWLEDGED
    return replace(
        incident, status=status, snoozed_until=None, snoozed_by=None, snooze_factor=None, snooze_deviance=None
    )


def _beyond(deviance: Decimal, given: Decimal, factor: Decimal, *, is_lower_worse: bool) -> bool:
    """A ratio below its limit gets worse as it falls; every other deviance as it grows."""
    return deviance * factor <= given if is_lower_worse else deviance >= given * factor
