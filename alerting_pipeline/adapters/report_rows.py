"""A report's rows, read through the sandbox: from its mart, or from the rows of a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.ports import Warehouse
from alerting_pipeline.domain.relation import IN_FORCE, Relation, model_relation, rows_relation
from alerting_pipeline.domain.report import ReportCase, ReportDefinition
from alerting_pipeline.domain.report_reading import report_sql


@dataclass(frozen=True, slots=True)
class SandboxedReportRows:
    """`parameters` is where parameter values come from, a select with the columns of IN_FORCE."""

    warehouse: Warehouse
    relation: Callable[[ReportDefinition], Relation]
    parameters: str = IN_FORCE

    def stream(self, definition: ReportDefinition, window: datetime, as_of: datetime) -> Iterator[bytes]:
        """The rows as lines of COPY's text format. Raises AlertingError, BadSql (a ValueError) or WarehouseError."""
        relation = self.relation(definition)
        sql = report_sql(definition, relation, window=window, as_of=as_of, parameters=self.parameters)
        return self.warehouse.stream(sql)


def from_marts(catalog: Catalog) -> Callable[[ReportDefinition], Relation]:
    """The mart that a report reads."""

    def relation(definition: ReportDefinition) -> Relation:
        model = catalog.marts.get(definition.model)
        if model is None:
            raise AlertingError(
                f'the dbt project has no mart "{definition.model}", which {definition.report} reads; '
                "`alerting validate` shows where it is named"
            )
        return model_relation(model)

    return relation


def from_case(catalog: Catalog, case: ReportCase) -> Callable[[ReportDefinition], Relation]:
    """The rows of a case, typed by the mart's contract."""

    def relation(definition: ReportDefinition) -> Relation:
        return rows_relation(from_marts(catalog)(definition).columns, case.rows)

    return relation
