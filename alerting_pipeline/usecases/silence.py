"""Silence what a person wants to hear nothing of for a while: an entity across alerts, or a definition; and lift that.

It concerns what is open now, and what opens until it ends. Nothing is lost: incidents are opened, kept and counted, and
those that are still open when it ends are told then. A data definition is snoozed like one of the business, by those
who are told of its failures, and holds the alerts downstream all the same. The built-in ones are not: what is wrong
with the alerting itself is snoozed incident by incident.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alerting_pipeline.domain.data_definition import DataDefinition, OfIncidents
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.event import Terms, Wake
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.lifecycle import Step, step
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.silence import check_engineer
from alerting_pipeline.domain.snooze import StandingSnooze, check_end
from alerting_pipeline.domain.system_definitions import SYSTEM_DEFINITIONS


class Desk(Protocol):
    """Incidents within one transaction."""

    def add_snooze(self, standing: StandingSnooze, now: datetime) -> int: ...

    def concerned(self, standing: StandingSnooze) -> Iterator[list[Incident]]: ...

    def end_snooze(self, number: int, person: str, reason: str, now: datetime) -> StandingSnooze | None: ...

    def standing(self, now: datetime) -> Sequence[StandingSnooze]: ...

    def silent_by(self, standing: StandingSnooze) -> Iterator[list[Incident]]: ...

    def carry_out_all(self, steps: Sequence[Step], now: datetime) -> None: ...

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None: ...


class Incidents(Protocol):
    """Where incidents are kept."""

    def begin(self) -> AbstractContextManager[Desk]: ...


class Rules(Protocol):
    """What is in force now: definitions, and who may do what."""

    @property
    def people(self) -> People: ...

    @property
    def of_incidents(self) -> Mapping[str, OfIncidents]: ...


@dataclass(frozen=True, slots=True)
class Lift:
    """Which snooze of an entity or a definition ends early, by whom, and why."""

    snooze_id: int
    person: str
    reason: str


def silence(incidents: Incidents, standing: StandingSnooze, held: Rules, now: datetime) -> int:
    """Keep the snooze, and snooze the open incidents that it concerns; returns how many those are.

    Raises BadCall for a name that is no definition in force and for a missing reason, and AlertingError for an end that
    is past or too far, and for somebody who may not silence failures of data.
    """
    if standing.alert is not None:
        _check_definition(standing.alert, standing.person, held)
    if not standing.reason:
        raise BadCall("silence for an entity or a definition needs a reason, for whoever wonders; write --reason TEXT")
    check_end(standing.until, now)
    with incidents.begin() as desk:
        number = desk.add_snooze(standing, now)
        silenced = 0
        for found in desk.concerned(standing):
            desk.carry_out_all([step(incident, standing.snooze, now) for incident in found], now)
            silenced += len(found)
        about = {"alert": standing.alert, "entity": dict(standing.entity or {}), "until": standing.until.isoformat()}
        desk.audit(standing.person, "snoozed", f"snooze {number}", None, {**about, "reason": standing.reason})
    return silenced


def lift(incidents: Incidents, order: Lift, terms: Mapping[str, Terms], now: datetime) -> int:
    """End a snooze now; returns how many open incidents are heard of again. What another snooze covers stays silent
    until that one ends. Raises BadCall for a missing reason, and AlertingError where no such snooze holds.
    """
    if not order.reason:
        raise BadCall("ending a snooze early needs a reason, for whoever wonders; write --reason TEXT")
    with incidents.begin() as desk:
        ended = desk.end_snooze(order.snooze_id, order.person, order.reason, now)
        if ended is None:
            raise AlertingError(f"There is no snooze {order.snooze_id} that holds; `alerting snoozes` lists those.")
        others = desk.standing(now)
        woken = 0
        for found in desk.silent_by(ended):
            desk.carry_out_all([_after(incident, others, order, terms, now) for incident in found], now)
            woken += sum(_longest(incident, others) is None for incident in found)
        about = {"alert": ended.alert, "entity": dict(ended.entity or {}), "until": ended.until.isoformat()}
        desk.audit(order.person, "snooze_ended", f"snooze {order.snooze_id}", about, {"reason": order.reason})
    return woken


def _after(
    incident: Incident, others: Sequence[StandingSnooze], order: Lift, terms: Mapping[str, Terms], now: datetime
) -> Step:
    other = _longest(incident, others)
    if other is not None:
        return step(incident, other.snooze, now)
    return step(incident, Wake(order.person, order.reason, terms.get(incident.alert)), now)


def _longest(incident: Incident, others: Sequence[StandingSnooze]) -> StandingSnooze | None:
    covering = [each for each in others if each.covers_open(incident)]
    return max(covering, key=lambda each: each.until, default=None)


def _check_definition(alert: str, person: str, held: Rules) -> None:
    if alert in SYSTEM_DEFINITIONS:
        raise BadCall(
            f'"{alert}" is about the alerting itself, and is not snoozed as a whole; write the number of one incident'
        )
    definition = held.of_incidents.get(alert)
    if definition is None:
        hint = did_you_mean(alert, held.of_incidents) or "`alerting validate` lists what is wrong"
        raise BadCall(f'"{alert}" is not an alert in force; {hint}')
    if isinstance(definition, DataDefinition):
        check_engineer(person, held.people, "silence failures of data")
