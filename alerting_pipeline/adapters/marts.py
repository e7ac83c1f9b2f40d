"""What definitions read: in production marts by their names in the warehouse, in a case the rows that it states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from alerting_pipeline.domain.case import Step
from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.query import parse_query
from alerting_pipeline.domain.relation import Relation, model_relation, query_relation, rows_relation


@dataclass(frozen=True, slots=True)
class Marts:
    """The catalog as a source of relations."""

    catalog: Catalog

    def relation(self, definition: AlertDefinition, as_of: datetime) -> Relation:
        """The mart, or the query over marts. Raises AlertingError for what the catalog does not have (any more)."""
        if definition.query is not None:
            return _query(definition.query, self.catalog, as_of, lambda name: model_relation(self.catalog.models[name]))
        model = self.catalog.marts.get(definition.model or "")
        if model is None:
            raise AlertingError(
                f'the dbt project has no mart "{definition.model}", which {definition.alert} reads; '
                "`alerting validate` shows where it is named"
            )
        return model_relation(model)


@dataclass(frozen=True, slots=True)
class CaseRows:
    """The rows of one step of a case, typed by the contracts of the marts that they stand for."""

    catalog: Catalog
    step: Step

    def relation(self, definition: AlertDefinition, as_of: datetime) -> Relation:
        """The rows in place of the mart, or of each mart of a query. Raises AlertingError for an unknown mart."""
        if definition.query is not None:
            return _query(definition.query, self.catalog, as_of, self._given)
        return self._given(definition.model or "")

    def _given(self, name: str) -> Relation:
        model = self.catalog.marts.get(name)
        if model is None:
            raise AlertingError(f'the dbt project has no mart "{name}", whose rows the case states')
        return rows_relation(model.columns, self.step.given.get(name, self.step.rows or ()))


def _query(text: str, catalog: Catalog, as_of: datetime, relation: Callable[[str], Relation]) -> Relation:
    query = parse_query(text, catalog)
    return query_relation(query, {name: relation(name) for name in query.refs}, as_of)
