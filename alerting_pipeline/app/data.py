"""The data side of evaluation: what data definitions are checked with."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from alerting_pipeline.app.alerts import Alerts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alerting_pipeline.adapters.expectations import GreatExpectations
    from alerting_pipeline.adapters.warehouse import Warehouse
    from alerting_pipeline.domain.case_verdict import CaseResult
    from alerting_pipeline.domain.data_definition import DataDefinition
    from alerting_pipeline.domain.definition import AlertDefinition
    from alerting_pipeline.domain.health import BuildGraph
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.usecases.check_data import DataChecker, Inspector
    from alerting_pipeline.usecases.watch_build import BuildWatch


class Data(Alerts):
    """From models to what can be believed of them."""

    def close(self) -> None:
        """Give back what was taken, the connections of Great Expectations included. Harmless when repeated."""
        if "great_expectations" in self.__dict__:
            self.great_expectations.close()
        super().close()

    @cached_property
    def great_expectations(self) -> GreatExpectations:
        """Great Expectations as the analyst, who may read staging, too."""
        from alerting_pipeline.adapters.expectations import GreatExpectations

        return GreatExpectations(self.analyst_url)

    @cached_property
    def analyst_reader(self) -> Warehouse:
        """The fenced reader, as the analyst."""
        from alerting_pipeline.adapters.warehouse import Warehouse

        return Warehouse(self.analyst_url)

    def data_checker(
        self,
        files: Mapping[str, DataDefinition] | None = None,
        alerts: Mapping[str, AlertDefinition] | None = None,
    ) -> DataChecker:
        """Checks the data definitions that are in force now; `files` and `alerts`: these instead, for a dry run."""
        from alerting_pipeline.domain.downstream import beneath
        from alerting_pipeline.store.evaluations import EvaluationLedger
        from alerting_pipeline.usecases.check_data import DataChecker, downstream_of, relations_of

        held = self.definition_ledger.in_force()
        directory = held.directory(self.settings.public_url)
        return DataChecker(
            definitions=held.data if files is None else files,
            relations=relations_of(self.catalog),
            inspector=self._inspector,
            ledger=EvaluationLedger(self.engine, directory),
            downstream=downstream_of(self.catalog, held.alerts if alerts is None else alerts),
            upstream=lambda definition: beneath(definition, self.catalog),
        )

    def rehearse_data(self, definitions: Sequence[DataDefinition], progress: Progress) -> list[CaseResult]:
        """Run the cases of these data definitions; they read no model and write nothing."""
        from alerting_pipeline.usecases.rehearse_data import rehearse_data

        return rehearse_data(definitions, self.catalog, self._inspector, progress)

    def build_watch(self, graph: BuildGraph, expected: frozenset[str]) -> BuildWatch:
        """Tells of the tests and models that fail in a build of the `expected` nodes, and of those that recover."""
        from alerting_pipeline.store.build_standing import BuildStanding
        from alerting_pipeline.usecases.check_data import downstream_of
        from alerting_pipeline.usecases.watch_build import BuildWatch

        in_force = self.definition_ledger.in_force
        ledger = BuildStanding(self.engine, in_force, self.clock, self.settings.public_url)
        stated = {name: str(model.alerting.get("runbook", "")) for name, model in self.catalog.models.items()}
        runbooks = {name: page for name, page in stated.items() if page}
        return BuildWatch(graph, ledger, downstream_of(self.catalog, in_force().alerts), expected, runbooks)

    @property
    def _inspector(self) -> Inspector:
        from alerting_pipeline.adapters.data_facts import WarehouseFacts
        from alerting_pipeline.usecases.check_data import Inspector

        return Inspector(WarehouseFacts(self.analyst_reader), self.great_expectations)
