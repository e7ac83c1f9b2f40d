"""One definition as the SQL that reads it: condition, severity, deviance, entity, and what of the row people are shown.

Each fragment is an expression over one row, which `scan` puts together for all definitions of a model.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerting_pipeline.domain.condition import Condition, parse
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.relative import AS_SET, expanded, threshold_of
from alerting_pipeline.domain.severity import NOW, Deviance
from alerting_pipeline.domain.sql_fragment import (
    INSTANTS,
    PARAMETER,
    ROW,
    WITH_ZONE,
    entity_text,
    identifier,
    instant,
    literal,
    parameter_sql,
    type_name,
    without_nan,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a definition the scan needs, as SQL over the row `r` and the relation `parameter`.

    `checked` is the condition as a tree, which the gate weakens. `takes_default` says whether a parameter falls back to
    its default for want of a segment. `uses_as_of`: the clock
    alone can change what holds, so that rows which did not change must be read again.
    """

    alert: str
    version: str
    condition: str
    way_out: str | None
    severity: str
    deviance: str
    entity: Mapping[str, str]
    occurred_at: str
    worst: str
    record: str
    takes_default: str
    is_lower_worse: bool
    checked: Condition
    column_types: Mapping[str, str]
    parameters: Mapping[str, Parameter]
    as_of: str
    uses_as_of: bool

    def sql(self, condition: Condition) -> str:
        """Another condition over the same row: parameters from the relation, NaN read as NULL."""
        return rendered(condition, self.alert, self.parameters, self.entity, self.column_types, self.as_of)


def read(definition: AlertDefinition, column_types: Mapping[str, str], as_of: datetime) -> Reading:
    """The definition as SQL fragments. Raises AlertingError if it does not fit the columns that the model has now."""
    types = {name: type_name(written) for name, written in column_types.items()}
    parameters = definition.parameters
    _demand_columns(definition, types)
    checked = parsed(definition.condition, types, parameters)
    entity = {column: entity_text(column, types[column]) for column in definition.entity}
    moment = instant(as_of)

    def sql(condition: Condition, deviance: str | None = None) -> str:
        return rendered(condition, definition.alert, parameters, entity, types, moment, deviance)

    stated = definition.deviance or _derived(parse(definition.condition, columns=types, parameters=parameters))
    deviance = _deviance(stated, definition, types, entity, moment) if stated else "cast(null as numeric)"
    way_out = definition.clear_when and parsed(definition.clear_when, types, parameters)
    levels = [
        (parsed(level.when, types, parameters, extra=("deviance",)), level.level)
        for level in definition.severity
        if level.when is not None
    ]
    cases = "".join(f" when {sql(when, deviance)} then {literal(level)}" for when, level in levels)
    last = literal(definition.severity[-1].level)
    shown = shown_columns(definition, types)
    return Reading(
        alert=definition.alert,
        version=definition.version_id,
        condition=sql(checked),
        way_out=sql(way_out) if way_out else None,
        severity=f"case{cases} else {last} end" if cases else last,
        deviance=deviance,
        entity=entity,
        occurred_at=_occurred_at(definition, types),
        worst=_order(definition.worst_by, types),
        record=record_sql(definition.alert, parameters, shown, types, entity),
        takes_default=_takes_default(definition, types),
        is_lower_worse=stated is not None and (stated.as_, stated.direction) == ("ratio", "below"),
        checked=checked,
        column_types=types,
        parameters=parameters,
        as_of=moment,
        uses_as_of=(stated is not None and stated.value == NOW)
        or any(found.uses_as_of for found in (checked, way_out, *(when for when, _ in levels)) if found),
    )


def shown_columns(definition: AlertDefinition, columns: Mapping[str, str]) -> tuple[str, ...]:
    """The columns kept with an incident: those that its texts, fields, route, write-back and judgement name."""
    words = set(re.findall(r"\w+", f"{definition.summary} {definition.link} {definition.condition}"))
    words |= {*definition.entity, *definition.fields, *definition.group_by}
    words |= {name for name in (definition.worst_by, definition.occurred_at) if name}
    words |= {parameter.by for parameter in definition.parameters.values() if parameter.by}
    words |= set(baselines(definition.parameters))
    if definition.deviance:
        words |= {definition.deviance.value, definition.deviance.limit}
    for action in definition.actions.values():
        words |= {*action.write.key, *action.write.values} if action.write else set()
    return tuple(name for name in columns if name in words)


def parsed(
    text: str, columns: Collection[str], parameters: Mapping[str, Parameter], extra: Collection[str] = ()
) -> Condition:
    """A condition with the threshold of the row in place of every relative parameter. Raises BadSql."""
    found = parse(text, columns=columns, parameters=parameters, extra=extra)
    return expanded(found, {name: parameter.relative for name, parameter in parameters.items()})


def baselines(parameters: Mapping[str, Parameter]) -> list[str]:
    """The columns that relative parameters read."""
    return [name for each in parameters.values() if each.relative is not None for name in each.relative.reads.values()]


def rendered(
    condition: Condition,
    alert: str,
    parameters: Mapping[str, Parameter],
    entity: Mapping[str, str],
    types: Mapping[str, str],
    as_of: str,
    deviance: str | None = None,
) -> str:
    """A condition over the row: parameters from the relation, NaN read as NULL, `deviance` as what it stands for."""
    guarded = {column: without_nan(column, types[column]) for column in condition.columns if column in types}
    if deviance is not None:
        guarded["deviance"] = f"({deviance})"
    return condition.sql(
        parameter=lambda name: parameter_sql(alert, name, parameters[name], entity),
        as_of=as_of,
        qualifier=ROW,
        replace=guarded,
    )


def _demand_columns(definition: AlertDefinition, types: Mapping[str, str]) -> None:
    wanted = [*definition.entity, definition.worst_by, definition.occurred_at]
    wanted += [parameter.by for parameter in definition.parameters.values()]
    wanted += baselines(definition.parameters)
    missing = [name for name in wanted if name is not None and name not in types]
    if missing:
        source = f"model {definition.model}" if definition.model else "the query"
        raise AlertingError(
            f'{source} has no column "{missing[0]}", which {definition.alert} uses; correct one of them'
        )


def _derived(condition: Condition) -> Deviance | None:
    """Where the condition is one comparison with a parameter, the deviance needs no word of its own."""
    found = condition.comparison()
    return Deviance(value=found.column, limit=found.parameter, direction=found.direction) if found else None


def _deviance(
    deviance: Deviance, definition: AlertDefinition, types: Mapping[str, str], entity: Mapping[str, str], moment: str
) -> str:
    """Ratio: value / limit, NULL for a zero limit or one of the opposite sign. Difference: how far beyond the limit, in
    the limit's unit; in seconds for times. Infinite results are NULL: nothing can be compared with them.
    """
    parameter = definition.parameters.get(deviance.limit)
    is_now = deviance.value == NOW
    if not (is_now or deviance.value in types) or (parameter is None and deviance.limit not in types):
        raise AlertingError(f"deviance of {definition.alert} names a column that the model has not; correct it")
    kind = "timestamptz" if is_now else types[deviance.value]
    value = moment if is_now else without_nan(deviance.value, kind)
    if parameter is not None:
        limit = _threshold(definition.alert, deviance.limit, parameter, entity, types)
        limit_kind = parameter.sql_type
    else:
        limit, limit_kind = without_nan(deviance.limit, types[deviance.limit]), types[deviance.limit]
    if kind in INSTANTS:
        if deviance.as_ == "ratio" or (limit_kind not in INSTANTS and limit_kind != "date"):
            return "cast(null as numeric)"
        beyond = f"{value} - {limit}" if deviance.direction == "above" else f"{limit} - {value}"
        return f"extract(epoch from ({beyond}))"
    if kind == "date" and deviance.as_ == "ratio":
        return "cast(null as numeric)"
    if kind == "interval":
        value, limit = f"extract(epoch from {value})", f"extract(epoch from {limit})"
    if deviance.as_ == "difference":
        beyond = f"{value} - {limit}" if deviance.direction == "above" else f"{limit} - {value}"
        return f"nullif(nullif(cast({beyond} as numeric), 'Infinity'), '-Infinity')"
    ratio = f"trim_scale(cast({value} as numeric) / nullif(cast({limit} as numeric), 0))"
    return (
        f"nullif(case when sign(cast({value} as numeric)) * sign(cast({limit} as numeric)) >= 0"
        f" then {ratio} end, 'Infinity')"
    )


def _threshold(alert: str, name: str, parameter: Parameter, entity: Mapping[str, str], types: Mapping[str, str]) -> str:
    """What the parameter's name means for a row: its value, or where that is relative, the threshold of the row."""
    if parameter.relative is None:
        return parameter_sql(alert, name, parameter, entity)
    found = rendered(threshold_of(name, parameter.relative), alert, {name: parameter}, entity, types, "")
    return f"trim_scale(cast({found} as numeric))"


def _takes_default(definition: AlertDefinition, types: Mapping[str, str]) -> str:
    """Does any parameter fall back to its default for want of a segment that it knows?"""
    parts = []
    for name, parameter in definition.parameters.items():
        if parameter.by is not None and parameter.by in types:
            where = f"p.alert = {literal(definition.alert)} and p.parameter = {literal(name)} and p.scope = 'segment'"
            known = f"(select jsonb_object_agg(p.scope_value, true) from {PARAMETER} as p where {where})"
            parts.append(f"({known} ? {ROW}.{identifier(parameter.by)}::text) is not true")
    return " or ".join(parts) if parts else "false"


def _occurred_at(definition: AlertDefinition, types: Mapping[str, str]) -> str:
    column = definition.occurred_at
    if column is None:
        return "cast(null as timestamptz)"
    value = f"{ROW}.{identifier(column)}"
    return f"{value}::timestamptz" if types[column] in WITH_ZONE else f"({value}::timestamp at time zone 'UTC')"


def _order(column: str | None, types: Mapping[str, str]) -> str:
    """The number by which the worst of several rows is found; text can't be ordered by how bad it is."""
    if column is None:
        return "cast(null as numeric)"
    kind = types[column]
    if kind in INSTANTS or kind in ("date", "interval"):
        return f"extract(epoch from {ROW}.{identifier(column)})"
    return f"cast({without_nan(column, kind)} as numeric)"


def record_sql(
    name: str,
    parameters: Mapping[str, Parameter],
    shown: tuple[str, ...],
    types: Mapping[str, str],
    entity: Mapping[str, str],
) -> str:
    """The row's shown columns and the parameter values then in force, as one JSON object; empty: there is nothing.

    Parameters with one value for all rows come as one map of their texts, read once; a function takes 100 arguments.
    """
    pairs = [(column, _shown(column, types[column])) for column in shown]
    pairs += [
        (each, _value_text(parameter, _threshold(name, each, parameter, entity, types)))
        for each, parameter in parameters.items()
        if parameter.by is not None or parameter.type == "list" or parameter.relative is not None
    ]
    pairs += [
        (f"{each}{AS_SET}", _value_text(parameter, parameter_sql(name, each, parameter, entity)))
        for each, parameter in parameters.items()
        if parameter.relative is not None
    ]
    parts = []
    if parameters:
        where = f"p.alert = {literal(name)} and p.scope = 'default'"
        parts.append(f"(select jsonb_object_agg(p.parameter, p.value) from {PARAMETER} as p where {where})")
    for start in range(0, len(pairs), 50):
        chunk = ", ".join(f"{literal(column)}, {value}" for column, value in pairs[start : start + 50])
        parts.append(f"jsonb_build_object({chunk})")
    return " || ".join(parts)


def _value_text(parameter: Parameter, value: str) -> str:
    """A length of time in seconds, for Postgres writes it otherwise than a definition does; anything else as text."""
    return f"extract(epoch from {value})" if parameter.type == "duration" else f"({value})::text"


def _shown(column: str, kind: str) -> str:
    value = f"{ROW}.{identifier(column)}"
    if kind == "interval":
        return f"extract(epoch from {value})"
    if kind in WITH_ZONE:
        return f"to_char({value} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"
    return value
