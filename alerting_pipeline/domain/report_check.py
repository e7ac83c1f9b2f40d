"""What must hold between a data or report definition and its model."""

from __future__ import annotations

from collections.abc import Iterator

from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.definition import TEMPLATE_NAMES
from alerting_pipeline.domain.definition_check import TemplateNames, check_column, check_model, template_findings
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem import Finding
from alerting_pipeline.domain.report import DataDefinition, ReportDefinition


def check_data(definition: DataDefinition, catalog: Catalog | None) -> Iterator[Finding]:
    """The model and its columns; any model of the project may be meant, not only marts."""
    if catalog is None:
        return
    model = catalog.models.get(definition.model)
    if model is None:
        remedy = did_you_mean(definition.model, catalog.models) or "name a model of the dbt project"
        yield Finding(("model",), f'"{definition.model}" is not a model of the dbt project', remedy)
        return
    columns = model.columns or None
    if definition.freshness is not None:
        yield from check_column(("freshness", "column"), definition.freshness.column, columns)
    for index, expectation in enumerate(definition.expectations):
        for name, arguments in expectation.items():
            column = arguments.get("column") if isinstance(arguments, dict) else None
            if isinstance(column, str):
                yield from check_column(("expectations", index, name, "column"), column, columns)
    if definition.freshness is None and not definition.expectations:
        yield Finding(("alert",), "the definition expects nothing", "add freshness or expectations")


def check_report(
    definition: ReportDefinition, catalog: Catalog | None, template_names: TemplateNames
) -> Iterator[Finding]:
    """The mart, its columns and the subject."""
    columns = None
    if catalog is not None:
        model, findings = check_model(definition.model, catalog)
        yield from findings
        columns = model.columns if model is not None and model.columns else None
    for index, name in enumerate(definition.entity):
        yield from check_column(("entity", index), name, columns)
    yield from check_column(("to_column",), definition.to_column, columns)
    known = None if columns is None else {*columns, *TEMPLATE_NAMES}
    yield from template_findings(("subject",), definition.subject, known, template_names)
