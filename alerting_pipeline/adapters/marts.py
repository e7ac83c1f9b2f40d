"""What definitions read in production: marts by their names in the warehouse, and queries over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.query import parse_query
from alerting_pipeline.domain.relation import Relation, model_relation, query_relation


@dataclass(frozen=True, slots=True)
class Marts:
    """The catalog as a source of relations."""

    catalog: Catalog

    def relation(self, definition: AlertDefinition, as_of: datetime) -> Relation:
        """The mart, or the query over marts. Raises AlertingError for what the catalog does not have (any more)."""
        if definition.query is not None:
            query = parse_query(definition.query, self.catalog)
            models = {name: model_relation(self.catalog.models[name]) for name in query.refs}
            return query_relation(query, models, as_of)
        model = self.catalog.marts.get(definition.model or "")
        if model is None:
            raise AlertingError(
                f'the dbt project has no mart "{definition.model}", which {definition.alert} reads; '
                "`alerting validate` shows where it is named"
            )
        return model_relation(model)
