"""What reading the folder of definitions gave: the good definitions, the files around them, and every problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.destination import INBOX, Destination
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.problem import Problem
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.routing_tree import RoutingTree


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One definition file as it was read: its text, and the name that it gives the definition (None: not told)."""

    path: str
    text: str
    name: str | None
    is_definition: bool = True


@dataclass(frozen=True, slots=True)
class Loaded:
    """`definitions` holds the good ones by name; a file with an error has none here, and its errors in `problems`.

    `origins` says for each definition where each value came from. `people`, `routing` and `destinations` are the
    built-in ones where their file is missing; `bad_files` are the paths of files with an error.
    """

    definitions: Mapping[str, Definition]
    people: People = field(default_factory=People)
    routing: RoutingTree = field(default_factory=RoutingTree)
    destinations: Mapping[str, Destination] = field(default_factory=lambda: {INBOX.name: INBOX})
    problems: tuple[Problem, ...] = ()
    origins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: tuple[SourceFile, ...] = ()
    catalog: Catalog | None = None

    @property
    def alerts(self) -> dict[str, AlertDefinition]:
        """The good alert definitions, by name."""
        found = sorted(self.definitions.items())
        return {name: definition for name, definition in found if isinstance(definition, AlertDefinition)}

    @property
    def reports(self) -> dict[str, ReportDefinition]:
        """The good report definitions, by name."""
        found = sorted(self.definitions.items())
        return {name: definition for name, definition in found if isinstance(definition, ReportDefinition)}

    @property
    def data(self) -> dict[str, DataDefinition]:
        """The good data definitions, by name."""
        found = sorted(self.definitions.items())
        return {name: definition for name, definition in found if isinstance(definition, DataDefinition)}

    @property
    def book(self) -> AddressBook:
        """Whom names stand for: destinations, and people and teams by `@name`."""
        return AddressBook(self.destinations, self.people)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep a file out of force."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def bad_files(self) -> frozenset[str]:
        """Paths of the files with an error."""
        return frozenset(problem.path for problem in self.errors)
