"""What must hold between a report and its model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from alerting_pipeline.domain.baseline_check import check_baselines, names_as_set
from alerting_pipeline.domain.case_check import check_entity, check_parameters, check_rows
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.condition import AS_OF, BadSql, parse
from alerting_pipeline.domain.condition_types import type_problems
from alerting_pipeline.domain.definition_check import TemplateNames, check_column, check_model, template_findings
from alerting_pipeline.domain.problem import Finding
from alerting_pipeline.domain.report import REPORT_TEMPLATE_NAMES, ReportDefinition


def check_report(
    definition: ReportDefinition, catalog: Catalog | None, template_names: TemplateNames, body_names: TemplateNames
) -> Iterator[Finding]:
    """The schedule, the mart and its columns, the condition, the texts and the cases."""
    columns = None
    if catalog is not None:
        model, findings = check_model(definition.model, catalog)
        yield from findings
        columns = model.columns if model is not None and model.columns else None
        if model is not None:
            yield from _check_keys(definition, model)
    if definition.trigger.cron is None:
        what = "a report is sent by the clock, and this one has no schedule"
        yield Finding(("report",), what, 'write trigger: {cron: "0 8 * * 1", timezone: Europe/Berlin}', code="AP312")
    yield from _check_columns(definition, columns)
    yield from _check_condition(definition, columns)
    known = (
        None
        if columns is None
        else {*columns, *definition.parameters, *names_as_set(definition.parameters), *REPORT_TEMPLATE_NAMES}
    )
    yield from template_findings(("subject",), definition.subject, known, template_names)
    for finding in template_findings(("template",), definition.template_text, known, body_names):
        yield replace(finding, offset=0)  # its place is the file's name: the text is elsewhere
    yield from _check_cases(definition, columns)


def _check_keys(definition: ReportDefinition, model: Model) -> Iterator[Finding]:
    """A second row about the same message would be left out at every sending."""
    entity = frozenset(definition.entity) | ({definition.window} if definition.window else frozenset())
    if not model.is_unique_by(entity) and entity <= set(model.columns or entity):
        what = f"the model may have several rows per message ({', '.join(sorted(entity))})"
        yield Finding(("entity",), what, "make it unique in dbt, with a test on these columns", code="AP303")


def _check_columns(definition: ReportDefinition, columns: Mapping[str, str] | None) -> Iterator[Finding]:
    for index, name in enumerate(definition.entity):
        yield from check_column(("entity", index), name, columns)
    yield from check_column(("to_column",), definition.to_column, columns)
    if definition.window is not None:
        yield from check_column(("window",), definition.window, columns)
    hours = definition.send_within
    if hours is not None and hours.timezone_column is not None:
        yield from check_column(("send_within", "timezone_column"), hours.timezone_column, columns)
    yield from check_baselines(definition.parameters, columns)
    for name, parameter in definition.parameters.items():
        if parameter.by is not None:
            yield from check_column(("parameters", name, "by"), parameter.by, columns)
        if columns is not None and name in columns:
            what = f'the parameter "{name}" has the name of a column, so a template could not tell them apart'
            yield Finding(("parameters", name), what, "rename the parameter", code="AP111")
        if name == AS_OF:
            yield Finding(
                ("parameters", name), f'"{name}" has a meaning of its own', "rename the parameter", code="AP111"
            )


def _check_condition(definition: ReportDefinition, columns: Mapping[str, str] | None) -> Iterator[Finding]:
    if definition.condition is None:
        return
    try:
        condition = parse(definition.condition, columns=columns, parameters=definition.parameters)
        problems = tuple(type_problems(condition, columns or {}, definition.parameters))
    except BadSql as error:
        problems = error.problems
    for problem in problems:
        yield Finding(("condition",), problem.what, problem.remedy, problem.offset, code=problem.code)


def _check_cases(definition: ReportDefinition, columns: Mapping[str, str] | None) -> Iterator[Finding]:
    names: set[str] = set()
    for index, case in enumerate(definition.cases):
        at: tuple[str | int, ...] = ("cases", index)
        if case.name in names:
            yield Finding((*at, "name"), f'there are two cases named "{case.name}"', "rename one of them", code="AP113")
        names.add(case.name)
        yield from check_parameters(definition.parameters, (*at, "parameters"), case.parameters)
        yield from check_rows((*at, "rows"), case.rows, columns, "the model")
        for place, expected in enumerate(case.expect):
            yield from check_entity(definition.entity, (*at, "expect", place), expected.entity)
