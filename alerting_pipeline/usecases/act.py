"""What a person does to an incident: acknowledge, assign, snooze, resolve it with a verdict, or carry out one of its
definition's actions; always named, always audited.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn, Protocol

from alerting_pipeline.domain.action import Action
from alerting_pipeline.domain.action_check import action_of, check_person, row_of
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.event import Acknowledge, Act, Assign, PutRow, Resolve, Snooze, Terms
from alerting_pipeline.domain.incident import Disposition, Incident, Transition
from alerting_pipeline.domain.lifecycle import Step, step
from alerting_pipeline.domain.people import People


class Desk(Protocol):
    """Incidents within one transaction."""

    def lock(self, incident_id: int) -> Incident | None:
        """The incident, while nobody else can change it; None if there is none of that number."""
        ...

    def carry_out(self, item: Step, now: datetime) -> None:
        """Write the step, its history and its messages."""
        ...

    def actions(self, incident: Incident) -> Mapping[str, Action]:
        """The actions of the version of its definition that the incident was told by."""
        ...

    def acted(self, incident_id: int) -> tuple[str, str] | None:
        """Which action ended the incident, and who did it; None where no action did."""
        ...

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None:
        """Append to the audit log."""
        ...


class Rules(Protocol):
    """Who may do what, and where rows may go: what is in force now."""

    @property
    def people(self) -> People: ...

    @property
    def destinations(self) -> Mapping[str, Destination]: ...


class Incidents(Protocol):
    """Where incidents are kept."""

    def begin(self) -> AbstractContextManager[Desk]: ...


def acknowledge(incidents: Incidents, incident_id: int, person: str, now: datetime, note: str = "") -> Incident:
    """The person takes the incident. Raises AlertingError if it has ended or somebody has it already."""
    return _act(incidents, incident_id, Acknowledge(person, note), now)


def resolve(incidents: Incidents, incident_id: int, resolution: Resolve, now: datetime) -> Incident:
    """A person ends the incident; it is not raised again while its condition stays true. Raises AlertingError if it
    has ended already.
    """
    return _act(incidents, incident_id, resolution, now)


def snooze(incidents: Incidents, incident_id: int, event: Snooze, now: datetime) -> Incident:
    """A person wants to hear nothing of it for a while. Raises AlertingError if it has ended, or for an end or factor
    that can't be.
    """
    return _act(incidents, incident_id, event, now)


def assign(
    incidents: Incidents, incident_id: int, event: Assign, now: datetime, terms: Mapping[str, Terms]
) -> Incident:
    """A person says who looks after it. `terms` are those of all definitions, which say when its assignee is reminded.

    Raises AlertingError if it has ended or is that person's already.
    """
    with incidents.begin() as desk:
        known = terms.get(_locked(desk, incident_id).alert)
    return _act(incidents, incident_id, event if known is None else replace(event, terms=known), now)


@dataclass(frozen=True, slots=True)
class Order:
    """Which action, of which incident, by whom; `note` is a sentence kept with it."""

    incident_id: int
    action: str
    person: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Acted:
    """What an action did, or would do: the incident as it is afterwards, and the row that it writes."""

    incident: Incident
    action: Action
    row: PutRow | None


def act(incidents: Incidents, order: Order, held: Rules, now: datetime, *, is_dry_run: bool = False) -> Acted:
    """Carry out an action: the incident ends with its verdict, and its row is written, both or neither.

    Raises BadCall for an action that the incident's definition hasn't got, and AlertingError for a person who may not,
    an incident that has ended (saying who did what, when), or a row whose key isn't known.
    """
    with incidents.begin() as desk:
        before = _locked(desk, order.incident_id)
        action = action_of(desk.actions(before), order.action, before)
        if before.is_resolved:
            _already_ended(before, desk.acted(order.incident_id))
        check_person(action, order.action, order.person, held.people)
        row = None if action.write is None else row_of(action.write, before, held.destinations)
        verdict = Disposition(action.disposition) if action.disposition else None
        done = step(before, Act(order.person, order.action, verdict, order.note, row), now)
        if done.incident is None:
            raise AlertingError(f"Incident {order.incident_id} could not be acted on; try again.")
        if not is_dry_run:
            desk.carry_out(done, now)
            written = {} if row is None else {"table": row.table, "key": dict(row.key), "values": dict(row.values)}
            after = {**_state(done.incident), "action": order.action, **written}
            desk.audit(order.person, "incident_acted", f"incident {order.incident_id}", _state(before), after)
        return Acted(done.incident, action, row)


def acting_person(people: People, given: str | None, os_user: str) -> str:
    """Who acts: the name given, or whoever people.yaml maps the operating-system user to. Raises BadCall for nobody."""
    if given is not None:
        if given in people.people:
            return given
        by_email = [name for name, person in people.people.items() if person.email == given]
        if by_email:
            return by_email[0]
        known = ", ".join(sorted(people.people)) or "nobody yet"
        raise BadCall(f'"{given}" is not a person in people.yaml; it has {known}')
    person = people.person_of(os_user)
    if person is None:
        raise BadCall(
            f'the operating-system user "{os_user}" is nobody in people.yaml; say who acts with --as NAME, '
            "or give that person `user`"
        )
    return person


_TRANSITIONS = {
    Acknowledge: Transition.ACKNOWLEDGED,
    Resolve: Transition.RESOLVED,
    Snooze: Transition.SNOOZED,
    Assign: Transition.ASSIGNED,
}


def _act(
    incidents: Incidents, incident_id: int, event: Acknowledge | Resolve | Snooze | Assign, now: datetime
) -> Incident:
    action = _TRANSITIONS[type(event)]
    with incidents.begin() as desk:
        before = _locked(desk, incident_id)
        done = step(before, event, now)
        if done.incident is None:
            raise AlertingError(f"Incident {incident_id} could not be {action.value}; try again.")
        desk.carry_out(done, now)
        desk.audit(
            event.person, f"incident_{action.value}", f"incident {incident_id}", _state(before), _state(done.incident)
        )
        return done.incident


def _locked(desk: Desk, incident_id: int) -> Incident:
    incident = desk.lock(incident_id)
    if incident is None:
        raise AlertingError(
            f"There is no incident {incident_id}; `alerting incidents list --all` shows those there are."
        )
    return incident


def _already_ended(incident: Incident, acted: tuple[str, str] | None) -> NoReturn:
    when = f"{incident.resolved_at:%Y-%m-%d %H:%M} UTC"
    if acted is not None:
        action, person = acted
        said = f'{person} did "{action}" at {when}'
    elif incident.resolved_by is not None:
        said = f"{incident.resolved_by} resolved it at {when}"
    else:
        said = f"it ended as {incident.resolution} at {when}"
    raise AlertingError(f"Incident {incident.incident_id} can't be acted on any more: {said}; nothing was done now.")


def _state(incident: Incident) -> dict[str, Any]:
    kept = (
        "status", "acknowledged_by", "assignee", "snoozed_until", "snooze_factor", "resolved_by", "resolution",
        "disposition",
    )  # fmt: skip
    found = {name: value for name, value in asdict(incident).items() if name in kept and value is not None}
    return {name: str(value) if isinstance(value, datetime | Decimal) else value for name, value in found.items()}


def disposition_of(text: str) -> Disposition:
    """The verdict by its name, with `-` for `_`. Raises BadCall for any other."""
    try:
        return Disposition(text.replace("-", "_"))
    except ValueError:
        known = ", ".join(item.value for item in Disposition)
        raise BadCall(f'"{text}" is not a disposition; it is one of {known}') from None
