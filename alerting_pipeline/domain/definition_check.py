"""What must hold between an alert definition and its model: names, SQL, keys, templates. Pure, and all in one pass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from alerting_pipeline.domain.baseline_check import check_baselines, names_as_set
from alerting_pipeline.domain.case_check import check_cases
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.condition import BadSql, Condition, parse
from alerting_pipeline.domain.condition_types import kind_of_type, type_problems
from alerting_pipeline.domain.definition import TEMPLATE_NAMES, AlertDefinition, Deviance
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem import Finding
from alerting_pipeline.domain.query import Query, parse_query
from alerting_pipeline.domain.severity import NOW

TemplateNames = Callable[[str], frozenset[str]]
"""The names that a template uses; raises ValueError with a sentence for a template that cannot be read."""

_NUMERIC = ("numeric", "decimal", "integer", "int", "bigint", "smallint", "double precision", "real", "float", "")
_EXTRA = {"deviance": "numeric"}
_LEAST_CHANGE_OF_LATENESS = 3_600


@dataclass(slots=True)
class Checked:
    """What the checks found, and what they learned: the parsed SQL, the query, the model, the derived deviance."""

    findings: list[Finding] = field(default_factory=list)
    model: Model | None = None
    query: Query | None = None
    conditions: dict[tuple[str | int, ...], Condition] = field(default_factory=dict)
    deviance: Deviance | None = None


def check_alert(definition: AlertDefinition, catalog: Catalog | None, template_names: TemplateNames) -> Checked:
    """Check one definition. Without a catalog, or where the model isn't known, names of columns are not checked."""
    checked = Checked()
    if catalog is not None:
        checked.findings += _read_model(definition, catalog, checked)
    columns = None if checked.model is None or not checked.model.columns else checked.model.columns
    checked.findings += _check_columns(definition, columns)
    checked.findings += check_baselines(definition.parameters, columns)
    checked.findings += _check_sql(definition, columns, checked)
    checked.deviance = definition.deviance or _derived(definition, checked)
    checked.findings += _check_deviance(definition, columns)
    checked.findings += _check_severity(definition, checked)
    checked.findings += _check_keys(definition, checked.model)
    checked.findings += _check_kinds(definition, columns)
    checked.findings += check_link(definition.link)
    for key in ("summary", "link"):
        checked.findings += check_template(definition, key, columns, template_names)
    checked.findings += check_cases(definition, checked.model, checked.query, catalog)
    return checked


def check_model(name: str, catalog: Catalog) -> tuple[Model | None, list[Finding]]:
    """The mart of that name, or the finding that there is none."""
    known = catalog.models.get(name)
    if known is None:
        remedy = did_you_mean(name, catalog.marts) or f"the marts are {_listed(catalog.marts)}"
        return None, [Finding(("model",), f'"{name}" is not a model of the dbt project', remedy, code="AP202")]
    if not known.is_mart:
        remedy = did_you_mean(name, catalog.marts) or f"the marts are {_listed(catalog.marts)}"
        return None, [
            Finding(("model",), f'"{name}" is not a mart, and definitions read only marts', remedy, code="AP202")
        ]
    return known, []


def check_column(
    at: tuple[str | int, ...], name: str, columns: Collection[str] | None, what: str = "the model"
) -> list[Finding]:
    """The finding that a name is not a column, if it isn't."""
    if columns is None or name in columns:
        return []
    remedy = did_you_mean(name, columns) or f"it has {_listed(columns)}"
    return [Finding(at, f'{_spoken(at)} "{name}" is not a column of {what}', remedy, code="AP203")]


def check_template(
    definition: AlertDefinition, key: str, columns: Collection[str] | None, template_names: TemplateNames
) -> list[Finding]:
    """The findings about a template: that it cannot be read, or names what is no column and no parameter."""
    text = getattr(definition, key)
    known = {*TEMPLATE_NAMES, *definition.parameters, *names_as_set(definition.parameters), *(columns or ())}
    return template_findings((key,), text, known if columns is not None else None, template_names)


def template_findings(
    at: tuple[str | int, ...], text: str, known: Collection[str] | None, template_names: TemplateNames
) -> list[Finding]:
    """Findings about one template text; `known` None: names are not checked."""
    try:
        names = template_names(text)
    except ValueError as error:
        what, _, remedy = str(error).rstrip(".").partition("; ")
        return [
            Finding(
                at, f"{_spoken(at)}: {what}", remedy or "correct the template", offset=_offset(text, "{"), code="AP301"
            )
        ]
    found = []
    for name in sorted(names if known is not None else ()):
        if known is not None and name not in known:
            remedy = did_you_mean(name, known) or "name a column of the model or a parameter"
            what = f'{_spoken(at)} names "{name}", which is no column and no parameter'
            found.append(Finding(at, what, remedy, offset=_offset(text, name), code="AP301"))
    return found


def _read_model(definition: AlertDefinition, catalog: Catalog, checked: Checked) -> list[Finding]:
    if definition.model is not None:
        checked.model, findings = check_model(definition.model, catalog)
        return findings
    try:
        checked.query = parse_query(definition.query or "", catalog)
    except BadSql as error:
        return [
            Finding(("query",), problem.what, problem.remedy, problem.offset, code=problem.code)
            for problem in error.problems
        ]
    checked.model = checked.query.model(definition.alert)
    return []


def _check_columns(definition: AlertDefinition, columns: Collection[str] | None) -> list[Finding]:
    found: list[Finding] = []
    for key in ("worst_by", "occurred_at"):
        name = getattr(definition, key)
        if name is not None:
            found += check_column((key,), name, columns)
    for key in ("entity", "fields", "group_by"):
        names = getattr(definition, key)
        for index, name in enumerate(names):
            found += check_column((key, index), name, columns)
        if len(set(names)) != len(names):
            found.append(Finding((key,), f"{key} names a column twice", "keep one of them", code="AP113"))
    for name, action in definition.actions.items():
        for index, column in enumerate(action.write.key if action.write else ()):
            found += check_column(("actions", name, "write", "key", index), column, columns)
    for name, parameter in definition.parameters.items():
        if parameter.by is not None:
            found += check_column(("parameters", name, "by"), parameter.by, columns)
        if columns is not None and name in columns:
            what = f'the parameter "{name}" has the name of a column, so a template could not tell them apart'
            found.append(Finding(("parameters", name), what, "rename the parameter", code="AP111"))
        if name in ("as_of", "deviance"):
            found.append(
                Finding(
                    ("parameters", name), f'"{name}" has a meaning of its own', "rename the parameter", code="AP111"
                )
            )
    return found


def _check_sql(definition: AlertDefinition, columns: Mapping[str, str] | None, checked: Checked) -> Iterator[Finding]:
    texts: list[tuple[tuple[str | int, ...], str, tuple[str, ...]]] = [(("condition",), definition.condition, ())]
    if definition.clear_when is not None:
        texts.append((("clear_when",), definition.clear_when, ()))
    for index, level in enumerate(definition.severity):
        if level.when is not None:
            texts.append((("severity", index, "when"), level.when, ("deviance",)))
    for at, text, extra in texts:
        try:
            condition = parse(text, columns=columns, parameters=definition.parameters, extra=extra)
            checked.conditions[at] = condition
            problems = tuple(type_problems(condition, {**(columns or {}), **_EXTRA}, definition.parameters))
        except BadSql as error:
            problems = error.problems
        for problem in problems:
            yield Finding(at, problem.what, problem.remedy, problem.offset, code=problem.code)


def _derived(definition: AlertDefinition, checked: Checked) -> Deviance | None:
    condition = checked.conditions.get(("condition",))
    comparison = condition.comparison() if condition else None
    if comparison is None or definition.parameters[comparison.parameter].type not in ("number", "integer"):
        return None
    declared = checked.model.columns.get(comparison.column, "") if checked.model else ""
    if declared.lower().split("(")[0].strip() not in _NUMERIC:
        return None
    return Deviance(value=comparison.column, limit=comparison.parameter, direction=comparison.direction)


def _check_deviance(definition: AlertDefinition, columns: Collection[str] | None) -> list[Finding]:
    deviance = definition.deviance
    if deviance is None or columns is None:
        return []
    found = [] if deviance.value == NOW else check_column(("deviance", "value"), deviance.value, columns)
    if deviance.value == NOW:
        found += _check_lateness(deviance, definition)
    if deviance.limit not in columns and deviance.limit not in definition.parameters:
        known = {*columns, *definition.parameters}
        remedy = did_you_mean(deviance.limit, known) or "name a parameter of this definition or a column"
        what = f'deviance.limit "{deviance.limit}" is no parameter and no column'
        found.append(Finding(("deviance", "limit"), what, remedy, code="AP309"))
    return found


def _check_severity(definition: AlertDefinition, checked: Checked) -> Iterator[Finding]:
    for index, level in enumerate(definition.severity):
        if level.respond_within is None:
            what = f"severity {level.level} has no time allowed (SLA)"
            yield Finding(("severity", index), what, "add respond_within, such as respond_within: 4h", code="AP302")
        condition = checked.conditions.get(("severity", index, "when"))
        if condition and "deviance" in condition.columns and checked.deviance is None:
            what = "`when` uses deviance, which cannot be derived from this condition"
            yield Finding(
                ("severity", index, "when"), what, "add deviance: {value: column, limit: parameter}", code="AP309"
            )


def _check_keys(definition: AlertDefinition, model: Model | None) -> Iterator[Finding]:
    if model is None or definition.worst_by is not None:
        return
    entity = frozenset(definition.entity)
    if not model.is_unique_by(entity) and entity <= set(model.columns or entity):
        what = f"the model may have several rows per entity ({', '.join(definition.entity)})"
        yield Finding(
            ("entity",),
            what,
            "add worst_by: the column whose greatest value counts, or a unique test in dbt",
            code="AP303",
        )


def _check_lateness(deviance: Deviance, definition: AlertDefinition) -> Iterator[Finding]:
    """A deviance that grows with the clock: it is a length of time, and must not edit its message at every look."""
    if deviance.as_ != "difference":
        what = 'deviance.value ":as_of" is a time, and a ratio of times means nothing'
        yield Finding(("deviance", "value"), what, "add as: difference, which gives how late it is", code="AP309")
        return
    least = definition.update_when.deviance_changes_by
    if least is not None and least < _LEAST_CHANGE_OF_LATENESS:
        what = (
            f"deviance grows with the clock, so update_when.deviance_changes_by {least} s edits every message at once"
        )
        yield Finding(
            ("deviance", "value"),
            what,
            "add update_when: {deviance_changes_by: 1d}, or an hour at the least",
            code="AP309",
        )


def _check_kinds(definition: AlertDefinition, columns: Mapping[str, str] | None) -> Iterator[Finding]:
    """Columns that must hold times or numbers; evaluation would find out only in front of the data."""
    wanted = [
        (("occurred_at",), definition.occurred_at, ("time",), "a time"),
        (("worst_by",), definition.worst_by, ("number", "time", "duration"), "a number or a time"),
    ]
    if definition.deviance is not None:
        for key in ("value", "limit"):
            column = getattr(definition.deviance, key)
            wanted.append((("deviance", key), column, ("number", "time", "duration"), "a number or a time"))
    for at, column, kinds, what in wanted:
        kind = kind_of_type((columns or {}).get(column or "", ""))
        if kind is not None and kind not in kinds:
            yield Finding(
                at,
                f'{_spoken(at)} "{column}" is a {kind}, not {what}',
                f"name a column that holds {what}",
                code="AP207",
            )


def check_link(link: str | None) -> Iterator[Finding]:
    """A link that no message would show, because it isn't an http(s) address."""
    fixed = (link or "").lstrip().partition("{{")[0]
    if fixed and not fixed.lower().startswith(("https://", "http://")):
        yield Finding(
            ("link",), "link is not an http(s) address", "begin it with https://, or {{ public_url }}", code="AP311"
        )


def _listed(names: Collection[str]) -> str:
    shown = sorted(names)[:12]
    return ", ".join(shown) + (" …" if len(names) > 12 else "") if shown else "none"


def _spoken(at: tuple[str | int, ...]) -> str:
    return ".".join(str(step) for step in at if not isinstance(step, int))


def _offset(text: str, word: str) -> int:
    return max(text.find(word), 0)
