"""Where an incident goes, by which branch, and why: a made-up one of an alert, or a real one of the ledger.

Besides the destinations: who is on call for its owner then, and who would be told, and when, if nobody took it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from alerting_pipeline.domain import response
from alerting_pipeline.domain.contact import AddressBook, Reached
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.escalation import Rung, asked, climb
from alerting_pipeline.domain.event import Terms
from alerting_pipeline.domain.incident import Incident, Kind
from alerting_pipeline.domain.loaded import Loaded
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.rota import Shift, on_call
from alerting_pipeline.domain.routing import Facts, Routed, may_receive, route
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.severity import LEVELS
from alerting_pipeline.domain.system_definitions import SystemDefinition
from alerting_pipeline.domain.terms import terms_of

Routable = AlertDefinition | DataDefinition | SystemDefinition
_NOBODYS = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is assumed: the severity (None: each that the definition has), columns of the row, the kind, the time."""

    severity: str | None = None
    columns: Mapping[str, str] | None = None
    kind: Kind | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """Where an incident goes; `duty` is the shift of its owner's rota (None: it has none), `climb` what its clock will
    bring while nobody responds, with whom that reaches.
    """

    owner: str
    routed: Routed
    duty: Shift | None = None
    climb: tuple[tuple[Rung, Reached], ...] = ()


class Known(Protocol):
    """The tree, and whom names stand for: of the files, or in force."""

    @property
    def routing(self) -> RoutingTree: ...
    @property
    def book(self) -> AddressBook: ...


def route_incident(known: Known, incident: Incident, definition: Routable | None, at: datetime | None = None) -> Way:
    """The way of a real incident at an instant; None: when it was opened, which is how it was told.

    `definition` is the one it was opened by, for its own destinations and times; None where there is none any more.
    """
    return _way(known, Facts.of(incident, at), definition, incident)


def try_route(loaded: Loaded, name: str, trial: Trial) -> dict[str, Way]:
    """The way for each severity. Raises BadCall for a name, severity or column that there isn't."""
    definition = _definition(loaded, name)
    levels = _levels(definition)
    if trial.severity is not None and trial.severity not in levels:
        hint = did_you_mean(trial.severity, levels) or f"it has {', '.join(levels)}"
        raise BadCall(f'{name} has no severity "{trial.severity}"; {hint}')
    _check_columns(loaded, definition, trial.columns or {})
    return {
        level: _routed(loaded, definition, level, trial)
        for level in levels
        if trial.severity is None or level == trial.severity
    }


def _definition(loaded: Loaded, name: str) -> Routable:
    if name in loaded.built_in:
        return loaded.built_in[name]
    if name in loaded.alerts:
        return loaded.alerts[name]
    other = loaded.definitions.get(name)
    if isinstance(other, DataDefinition):
        return other
    if isinstance(other, ReportDefinition):
        raise BadCall(f"{name} is a report, which goes to the addresses in {other.to_column}; name an alert")
    if any(file.name == name for file in loaded.files):
        raise BadCall(f"the file of {name} has errors; `alerting validate` shows them")
    hint = did_you_mean(name, [*loaded.alerts, *loaded.built_in]) or "`alerting validate` counts what there is"
    raise BadCall(f'"{name}" is not an alert; {hint}')


def _levels(definition: Routable) -> list[str]:
    return list(dict.fromkeys(level.level for level in definition.severity)) or list(LEVELS)


def _check_columns(loaded: Loaded, definition: Routable, columns: Mapping[str, str]) -> None:
    if isinstance(definition, SystemDefinition) or definition.model is None or loaded.catalog is None:
        return
    known = loaded.catalog.models[definition.model].columns
    for column in columns if known else ():
        if column not in known:
            hint = did_you_mean(column, known) or f"it has {', '.join(sorted(known)[:12])}"
            raise BadCall(f'"{column}" is not a column of {definition.model}; {hint}')


def _routed(loaded: Loaded, definition: Routable, level: str, trial: Trial) -> Way:
    facts = Facts(
        alert=definition.alert,
        kind=trial.kind or Kind(definition.kind),
        severity=level,
        owner=definition.owner,
        labels=definition.labels,
        entity=trial.columns or {},
        at=trial.at,
    )
    if trial.at is None:
        return _way(loaded, facts, definition, None)
    made_up = Incident(
        alert=definition.alert,
        fingerprint=_NOBODYS,
        entity={},
        kind=facts.kind,
        severity=level,
        summary="",
        owner=definition.owner,
        definition_version="",
        opened_at=trial.at,
        last_seen_at=trial.at,
    )
    return _way(loaded, facts, definition, response.started(made_up, _terms(definition, loaded.people), trial.at))


def _way(known: Known, facts: Facts, definition: Routable | None, incident: Incident | None) -> Way:
    is_alert = isinstance(definition, AlertDefinition)
    routed = route(
        facts,
        known.routing,
        known.book,
        notify=definition.notify if isinstance(definition, AlertDefinition | SystemDefinition) else (),
        write_back=[entry.destination for entry in definition.write_back] if is_alert else (),
    )
    people = known.book.people
    team = people.teams.get(facts.owner)
    duty = None
    if team is not None and team.rota is not None and facts.at is not None:
        duty = on_call(people, facts.owner, facts.at)
    if incident is None or definition is None:
        return Way(facts.owner, routed, duty)
    rungs = climb(incident, _terms(definition, people))
    return Way(facts.owner, routed, duty, tuple((rung, _reached(rung, incident, routed, known.book)) for rung in rungs))


def _reached(rung: Rung, incident: Incident, routed: Routed, book: AddressBook) -> Reached:
    """Whom a stage reaches; where nobody of those may hear of it, the route, as the message itself would."""
    found = asked(rung.to, incident, book, rung.at)
    places = tuple(place for place in found.destinations if may_receive(place, incident.kind))
    return Reached(places, found.why) if places else Reached(routed.destinations, f"{found.why}; by its route")


def _terms(definition: Routable, people: People) -> Terms:
    return definition.terms(people) if isinstance(definition, SystemDefinition) else terms_of(definition, people)
