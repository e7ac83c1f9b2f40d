"""Reads what plain SQL can say of a model's data: one query for all its data definitions, and one for its columns.

If the query fails, each definition is read by itself, so that one that names a wrong column stops no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerting_pipeline.domain.data_check import Facts
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.data_facts import columns_sql, facts, facts_sql
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.ports import Warehouse
from alerting_pipeline.domain.relation import Relation
from alerting_pipeline.domain.warehouse_error import WarehouseError, WarehouseUnreachable


@dataclass(frozen=True, slots=True)
class WarehouseFacts:
    """`warehouse` reads as the analyst: staging is not granted to the reader of alert SQL."""

    warehouse: Warehouse

    def read(
        self, definitions: Sequence[DataDefinition], relation: Relation, as_of: datetime
    ) -> dict[str, Facts | AlertingError]:
        """The facts of each definition by name, or what was wrong with reading them."""
        try:
            columns = self._columns(relation)
            row = self.warehouse.rows(facts_sql(definitions, relation, as_of))[0]
        except WarehouseError as error:
            if len(definitions) == 1 or isinstance(error, WarehouseUnreachable):
                return {definition.alert: error for definition in definitions}
            return {name: found for each in definitions for name, found in self.read([each], relation, as_of).items()}
        return {
            definition.alert: facts(definition, place, row, columns, as_of)
            for place, definition in enumerate(definitions)
        }

    def _columns(self, relation: Relation) -> dict[str, str]:
        """As the database has them; the rows of a case have those of the model's description."""
        if relation.table is None:
            return dict(relation.columns)
        return dict(self.warehouse.rows(columns_sql(relation.sql))[0]["columns"] or {})
