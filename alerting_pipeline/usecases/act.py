"""What a person does to an incident: acknowledge it, or resolve it with a verdict; always named, always audited."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.event import Acknowledge, Resolve
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

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None:
        """Append to the audit log."""
        ...


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


def _act(incidents: Incidents, incident_id: int, event: Acknowledge | Resolve, now: datetime) -> Incident:
    action = Transition.ACKNOWLEDGED if isinstance(event, Acknowledge) else Transition.RESOLVED
    with incidents.begin() as desk:
        before = desk.lock(incident_id)
        if before is None:
            raise AlertingError(
                f"There is no incident {incident_id}; `alerting incidents list --all` shows those there are."
            )
        done = step(before, event, now)
        if done.incident is None:
            raise AlertingError(f"Incident {incident_id} could not be {action.value}; try again.")
        desk.carry_out(done, now)
        desk.audit(
            event.person, f"incident_{action.value}", f"incident {incident_id}", _state(before), _state(done.incident)
        )
        return done.incident


def _state(incident: Incident) -> dict[str, Any]:
    kept = ("status", "acknowledged_by", "resolved_by", "resolution", "disposition")
    return {name: value for name, value in asdict(incident).items() if name in kept and value is not None}


def disposition_of(text: str) -> Disposition:
    """The verdict by its name, with `-` for `_`. Raises BadCall for any other."""
    try:
        return Disposition(text.replace("-", "_"))
    except ValueError:
        known = ", ".join(item.value for item in Disposition)
        raise BadCall(f'"{text}" is not a disposition; it is one of {known}') from None
