"""Definitions with the people, the routing and the destinations that they name: what the files say, or what holds now.

Both are asked the same questions, so both are one kind of thing: `domain.loaded` adds what was wrong with the files,
the ledger where messages go by what is in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.data_definition import DataDefinition, OfIncidents
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.destination import INBOX, Destination
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.system_definitions import SystemDefinition
from alerting_pipeline.domain.system_override import built_in

_Kind = TypeVar("_Kind", bound=Definition)


@dataclass(frozen=True, slots=True)
class DefinitionSet:
    """`definitions` by name. `people`, `routing` and `destinations` are the built-in ones where nothing states them."""

    definitions: Mapping[str, Definition] = field(default_factory=dict)
    people: People = field(default_factory=People)
    routing: RoutingTree = field(default_factory=RoutingTree)
    destinations: Mapping[str, Destination] = field(default_factory=lambda: {INBOX.name: INBOX})

    @property
    def alerts(self) -> dict[str, AlertDefinition]:
        """The alert definitions, by name."""
        return self._of(AlertDefinition)

    @property
    def reports(self) -> dict[str, ReportDefinition]:
        """The report definitions, by name."""
        return self._of(ReportDefinition)

    @property
    def data(self) -> dict[str, DataDefinition]:
        """The data definitions, by name."""
        return self._of(DataDefinition)

    @property
    def of_incidents(self) -> dict[str, OfIncidents]:
        """All definitions that open incidents, by name."""
        return {**self.alerts, **self.data}

    @property
    def built_in(self) -> dict[str, SystemDefinition]:
        """The built-in definitions by name, with what files of kind system say otherwise about them."""
        return built_in(self.definitions.values())

    @property
    def book(self) -> AddressBook:
        """Whom names stand for: destinations, and people and teams by `@name`."""
        return AddressBook(self.destinations, self.people)

    def _of(self, kind: type[_Kind]) -> dict[str, _Kind]:
        found = sorted(self.definitions.items())
        return {name: definition for name, definition in found if isinstance(definition, kind)}
