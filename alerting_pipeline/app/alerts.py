"""The alerting side: definitions in force, evaluation, cases, incidents."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from alerting_pipeline.app.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alerting_pipeline.domain.case import Step
    from alerting_pipeline.domain.case_verdict import CaseResult
    from alerting_pipeline.domain.catalog import Catalog
    from alerting_pipeline.domain.change_ports import Impact
    from alerting_pipeline.domain.definition import AlertDefinition
    from alerting_pipeline.domain.evaluation import EvaluationResult
    from alerting_pipeline.domain.evaluation_ports import Transaction
    from alerting_pipeline.domain.loaded import Loaded
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.store.budget_uses import BudgetUses
    from alerting_pipeline.store.change_requests import ChangeRequests
    from alerting_pipeline.store.definitions import DefinitionLedger
    from alerting_pipeline.store.due_incidents import DueIncidents
    from alerting_pipeline.store.due_work import PostgresDueWork
    from alerting_pipeline.store.held_ledger import HeldLedger
    from alerting_pipeline.store.incident_desk import IncidentDesk
    from alerting_pipeline.store.late_evaluations import LateEvaluations
    from alerting_pipeline.store.mart_health import PostgresMartHealth
    from alerting_pipeline.store.pulse import Pulse
    from alerting_pipeline.store.raw_tables import PostgresRawTables
    from alerting_pipeline.store.silences import Silences
    from alerting_pipeline.store.system_incidents import SystemIncidents
    from alerting_pipeline.store.tuned_alerts import TunedAlerts
    from alerting_pipeline.store.version_history import VersionHistory
    from alerting_pipeline.usecases.evaluate import Evaluator
    from alerting_pipeline.usecases.preview import Preview
    from alerting_pipeline.usecases.publish import Published
    from alerting_pipeline.usecases.tune import Tuning


class Alerts(Pipeline):
    """From marts to incidents."""

    @cached_property
    def catalog(self) -> Catalog:
        """The dbt models that definitions may read; dbt parses its project if it changed, without a database."""
        from alerting_pipeline.adapters.dbt_manifest import load_catalog

        return load_catalog(self.dbt_project.parse())

    @property
    def loaded_definitions(self) -> Loaded:
        """The definition files as they are now, read and checked, with every problem."""
        from alerting_pipeline.adapters.definition_files import load

        return load(self.settings.definitions, self.catalog, project=self.settings.project, today=self.today)

    @cached_property
    def raw_tables(self) -> PostgresRawTables:
        """The tables that sources are loaded into, and the ledger of loads; a refused file is a system incident."""
        from alerting_pipeline.store.load_failures import LoadFailures
        from alerting_pipeline.store.raw_tables import PostgresRawTables

        return PostgresRawTables(self.owner_url, LoadFailures(self.system_incidents).settle)

    @cached_property
    def definition_ledger(self) -> DefinitionLedger:
        """The definitions in force; `publish` puts the files into force."""
        from alerting_pipeline.store.definitions import DefinitionLedger

        return DefinitionLedger(self.engine, self.settings.public_url)

    def publish_definitions(self) -> Published:
        """Put the definition files into force; bad ones leave the last good version as it is. Repeatable."""
        from alerting_pipeline.adapters.git_origin import git_origins
        from alerting_pipeline.usecases.publish import publish

        origins = partial(git_origins, self.settings.definitions)
        return publish(self.loaded_definitions, self.definition_ledger, self.clock, origins)

    @property
    def version_history(self) -> VersionHistory:
        """Which versions of a definition were in force when."""
        from alerting_pipeline.store.version_history import VersionHistory

        return VersionHistory(self.engine)

    @cached_property
    def due_work(self) -> PostgresDueWork:
        """Work that is due once."""
        from alerting_pipeline.store.due_work import PostgresDueWork

        return PostgresDueWork(self.engine)

    @property
    def tuned_alerts(self) -> TunedAlerts:
        """Alerts whose values are others than those they were read with."""
        from alerting_pipeline.store.tuned_alerts import TunedAlerts

        return TunedAlerts(self.engine)

    @cached_property
    def mart_health(self) -> PostgresMartHealth:
        """What the last build said of each mart."""
        from alerting_pipeline.store.mart_health import PostgresMartHealth

        return PostgresMartHealth(self.engine)

    @cached_property
    def system_incidents(self) -> SystemIncidents:
        """Findings about the alerting itself, such as a run that failed."""
        from alerting_pipeline.store.system_incidents import SystemIncidents

        return SystemIncidents(self.engine, self.definition_ledger.in_force, self.clock, self.settings.public_url)

    @cached_property
    def pulse(self) -> Pulse:
        """The heartbeats of the parts."""
        from alerting_pipeline.store.pulse import Pulse

        return Pulse(self.engine)

    @cached_property
    def late_evaluations(self) -> LateEvaluations:
        """Alerts that should have been evaluated and were not."""
        from alerting_pipeline.store.late_evaluations import LateEvaluations

        return LateEvaluations(self.engine)

    def evaluator(self, files: Mapping[str, AlertDefinition] | None = None) -> Evaluator:
        """Evaluates the definitions that are in force now; `publish_definitions` comes first where files changed.

        `files`: these definitions instead, for a dry run before they are in force.
        """
        from alerting_pipeline.adapters.marts import Marts
        from alerting_pipeline.adapters.scanner import Scanner
        from alerting_pipeline.domain.relation import parameters_or_file
        from alerting_pipeline.store.evaluations import EvaluationLedger
        from alerting_pipeline.usecases.evaluate import Evaluator

        held = self.definition_ledger.in_force()
        directory = held.directory(self.settings.public_url)
        ledger = EvaluationLedger(self.engine, directory)
        if files is not None:
            scanner = Scanner(self.warehouse, Marts(self.catalog), parameters_or_file(files.values()))
            return Evaluator(files, ledger, scanner)
        return Evaluator(held.alerts, ledger, Scanner(self.warehouse, Marts(self.catalog)))

    def rehearse(self, definitions: Sequence[AlertDefinition], progress: Progress) -> list[CaseResult]:
        """Run the cases of these definitions; nothing that they do is kept."""
        from alerting_pipeline.adapters.marts import CaseRows
        from alerting_pipeline.adapters.scanner import Scanner
        from alerting_pipeline.domain.evaluation import Order
        from alerting_pipeline.domain.relation import parameters_of
        from alerting_pipeline.store.definitions import InForce
        from alerting_pipeline.store.evaluations import EvaluationLedger
        from alerting_pipeline.usecases.evaluate import Evaluator
        from alerting_pipeline.usecases.rehearse import rehearse

        ledger = EvaluationLedger(self.engine, InForce().directory(self.settings.public_url))

        def evaluate(
            transaction: Transaction, definition: AlertDefinition, step: Step, number: int
        ) -> EvaluationResult:
            rows, parameters = CaseRows(self.catalog, step), parameters_of(definition, step.parameters)
            evaluator = Evaluator({definition.alert: definition}, ledger, Scanner(self.warehouse, rows, parameters))
            return evaluator.within(transaction, [definition], Order(f"case:{number}", step.at))[0]

        return rehearse(definitions, ledger, evaluate, progress)

    def preview(self, loaded: Loaded, definition: AlertDefinition, as_of: datetime, most: int = 1) -> Preview:
        """What an alert of the files would say at `as_of`; nothing is written or sent."""
        from alerting_pipeline.adapters.marts import Marts
        from alerting_pipeline.adapters.scanner import Scanner
        from alerting_pipeline.domain.relation import parameters_under
        from alerting_pipeline.rendering.announcement import Directory
        from alerting_pipeline.store.evaluations import EvaluationLedger
        from alerting_pipeline.usecases.preview import SUFFIX, preview

        directory = Directory(
            loaded.routing, loaded.destinations, self.settings.public_url, loaded.people, loaded.built_in
        )
        values = parameters_under(f"{definition.alert}{SUFFIX}", definition)
        scanner = Scanner(self.warehouse, Marts(self.catalog), values)
        return preview(definition, directory, EvaluationLedger(self.engine, directory), scanner, as_of, most)

    @property
    def due_incidents(self) -> DueIncidents:
        """Incidents whose instants have come, for `remind`. What is in force is read again when it is seconds old."""
        from alerting_pipeline.store.dead_letters import Remembered
        from alerting_pipeline.store.due_incidents import DueIncidents

        return DueIncidents(self.engine, Remembered(self.definition_ledger.in_force), self.settings.public_url)

    @property
    def incident_desk(self) -> IncidentDesk:
        """Incidents for people: to look at, and to act on."""
        from alerting_pipeline.store.announcements import Announcer
        from alerting_pipeline.store.incident_desk import IncidentDesk

        held = self.definition_ledger.in_force()
        directory = held.directory(self.settings.public_url)
        return IncidentDesk(self.engine, Announcer(directory, held.of_incidents))

    @property
    def silences(self) -> Silences:
        """What nobody is told of for a while."""
        from alerting_pipeline.store.silences import Silences

        return Silences(self.engine)

    @property
    def budget_uses(self) -> BudgetUses:
        """What of their noise budgets recipients used."""
        from alerting_pipeline.store.budget_uses import BudgetUses

        return BudgetUses(self.engine)

    @property
    def change_requests(self) -> ChangeRequests:
        """Requests to change parameters, and the values that came of them."""
        from alerting_pipeline.store.change_requests import ChangeRequests

        return ChangeRequests(self.engine)

    def tuning(self, now: datetime | None = None, impact: Impact | None = None) -> Tuning:
        """Changes of parameters at a business instant, by the rules that are in force."""
        from alerting_pipeline.usecases.tune import Tuning

        return Tuning(self.change_requests, self.definition_ledger.in_force(), now or self.clock.now(), impact)

    @property
    def held_ledger(self) -> HeldLedger:
        """What is held back from people, for the flush."""
        from alerting_pipeline.store.announcements import Announcer
        from alerting_pipeline.store.held_ledger import HeldLedger

        def announcer() -> Announcer:
            held = self.definition_ledger.in_force()
            directory = held.directory(self.settings.public_url)
            return Announcer(directory, held.of_incidents)

        return HeldLedger(self.engine, announcer)
