"""Checks of the cases of a definition: their rows, parameters and expectations name what exists."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from alerting_pipeline.domain.case import Case, Step
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.problem import Finding, Mistake
from alerting_pipeline.domain.query import Query
from alerting_pipeline.domain.severity import LEVELS

Way = tuple[str | int, ...]


def check_cases(
    definition: AlertDefinition, model: Model | None, query: Query | None, catalog: Catalog | None
) -> Iterator[Finding]:
    """Everything about the cases that can be told without running them."""
    names: set[str] = set()
    for index, case in enumerate(definition.cases):
        at: Way = ("cases", index)
        if case.name in names:
            yield Finding((*at, "name"), f'there are two cases named "{case.name}"', "rename one of them", code="AP113")
        names.add(case.name)
        yield from check_parameters(definition.parameters, (*at, "parameters"), case.parameters)
        for where, step in _steps(at, case):
            yield from _check_step(definition, where, step)
            if case.steps:
                yield from check_parameters(definition.parameters, (*where, "parameters"), step.parameters)
            if query is None:
                columns = model.columns if model is not None and model.columns else None
                yield from check_rows((*where, "rows"), step.rows or (), columns, "the model")
                if step.given:
                    yield Finding(
                        (*where, "given"), "given is for a query over several models", "write rows: [...]", code="AP310"
                    )
            else:
                yield from _check_given(where, step, query, catalog)


def _steps(at: Way, case: Case) -> Iterator[tuple[Way, Step]]:
    if not case.steps:
        for step in case.timeline:
            yield at, step
    for index, step in enumerate(case.steps):
        yield (*at, "steps", index), step


def _check_step(definition: AlertDefinition, at: Way, step: Step) -> Iterator[Finding]:
    levels = [level.level for level in definition.severity]
    for index, expected in enumerate(step.expect):
        where: Way = (*at, "expect", index)
        if expected.severity is not None and expected.severity not in levels:
            what = f'the definition has no severity "{expected.severity}"'
            yield Finding(
                (*where, "severity"), what, f"it has {', '.join(sorted(levels, key=LEVELS.index))}", code="AP310"
            )
        yield from check_entity(definition.entity, where, expected.entity)


def check_entity(columns: tuple[str, ...], at: Way, entity: tuple[str, ...] | Mapping[str, str]) -> Iterator[Finding]:
    """That an expectation names its entity by the definition's entity columns."""
    if isinstance(entity, Mapping):
        if set(entity) != set(columns):
            what = f"the entity of this definition is ({', '.join(columns)})"
            yield Finding((*at, "entity"), what, "name exactly these columns", code="AP310")
    elif len(entity) != len(columns):
        what = f"the entity of this definition is ({', '.join(columns)}), not {len(entity)} values"
        yield Finding((*at, "entity"), what, "write one value for each, in this order", code="AP310")


def check_parameters(parameters: Mapping[str, Parameter], at: Way, values: Mapping[str, object]) -> Iterator[Finding]:
    """That the values of a case are of declared parameters, and within their bounds."""
    for name, value in values.items():
        parameter = parameters.get(name)
        if parameter is None:
            remedy = did_you_mean(name, parameters) or "name one that is declared under parameters"
            yield Finding((*at, name), f'"{name}" is not a parameter of this definition', remedy, code="AP310")
            continue
        try:
            parameter.read(value, name=name)
        except Mistake as error:
            what, _, remedy = str(error).partition("; ")
            yield Finding((*at, name), what, remedy or "write a value within the bounds", code=error.code)


def _check_given(at: Way, step: Step, query: Query, catalog: Catalog | None) -> Iterator[Finding]:
    if step.rows:
        if len(query.refs) == 1:
            only = next(iter(query.refs))
            yield from check_rows((*at, "rows"), step.rows, _columns(catalog, only), f"the model {only}")
        else:
            what = "rows do not say which of the query's models they are of"
            yield Finding((*at, "rows"), what, "write given: {model: [...]}", code="AP310")
    for model, rows in step.given.items():
        if model not in query.refs:
            remedy = did_you_mean(model, query.refs) or f"it reads {', '.join(sorted(query.refs))}"
            yield Finding((*at, "given", model), f'the query does not read "{model}"', remedy, code="AP310")
            continue
        yield from check_rows((*at, "given", model), rows, _columns(catalog, model), f"the model {model}")


def check_rows(
    at: Way, rows: Collection[Mapping[str, str | None]], columns: Collection[str] | None, what: str
) -> Iterator[Finding]:
    """That the rows of a case name columns that there are."""
    for index, row in enumerate(rows):
        for name in row:
            if columns is not None and name not in columns:
                remedy = did_you_mean(name, columns) or f"it has {', '.join(sorted(columns)[:12])}"
                yield Finding((*at, index, name), f'"{name}" is not a column of {what}', remedy, code="AP203")


def _columns(catalog: Catalog | None, model: str) -> Collection[str] | None:
    known = catalog.models.get(model) if catalog else None
    return known.columns if known is not None and known.columns else None
