"""What stands on a model: the marts built from it, and the business alerts that read those; and what it stands on.

Derived from dbt's graph, never typed.
"""

from __future__ import annotations

from collections.abc import Mapping

from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.relation import models_read
from alerting_pipeline.domain.upstream import Upstream, upstream_of


def marts_on(model: str, catalog: Catalog) -> tuple[str, ...]:
    """Names of the marts that are built from the model, itself included where it is one."""
    meant = catalog.models.get(model)
    if meant is None:
        return ()
    return tuple(
        sorted(mart.name for mart in catalog.marts.values() if mart.name == model or meant.unique_id in mart.ancestors)
    )


def alerts_on(model: str, catalog: Catalog, alerts: Mapping[str, AlertDefinition]) -> tuple[str, ...]:
    """Names of the business alerts that read one of those marts."""
    marts = set(marts_on(model, catalog))
    return tuple(sorted(name for name, definition in alerts.items() if models_read(definition) & marts))


def beneath(definition: DataDefinition, catalog: Catalog) -> Upstream:
    """What the model of a data definition is built from, itself and the definition included."""
    model = catalog.models.get(definition.model)
    built_from = (model.unique_id, *model.ancestors) if model is not None else ()
    return upstream_of(built_from, (definition.alert,))
