"""Silence what a person wants to hear nothing of for a while: an entity across alerts, or a definition.

It concerns what is open now, and what opens until it ends. Nothing is lost: incidents are opened, kept and counted, and
those that are still open when it ends are told then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.lifecycle import Step, step
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.snooze import StandingSnooze, check_end


class Desk(Protocol):
    """Incidents within one transaction."""

    def add_snooze(self, standing: StandingSnooze, now: datetime) -> int: ...

    def concerned(self, standing: StandingSnooze) -> Iterator[list[Incident]]: ...

    def carry_out_all(self, steps: Sequence[Step], now: datetime) -> None: ...

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None: ...


class Incidents(Protocol):
    """Where incidents are kept."""

    def begin(self) -> AbstractContextManager[Desk]: ...


def silence(incidents: Incidents, standing: StandingSnooze, alerts: Collection[str], now: datetime) -> int:
    """Keep the snooze, and snooze the open incidents that it concerns; returns how many those are.

    `alerts` are the names of definitions. Raises BadCall for a name that is none of them and for a missing reason, and
    AlertingError for an end that is past or too far.
    """
    if standing.alert is not None and standing.alert not in alerts:
        hint = did_you_mean(standing.alert, alerts) or "`alerting validate` lists what is wrong"
        raise BadCall(f'"{standing.alert}" is not an alert in force; {hint}')
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
