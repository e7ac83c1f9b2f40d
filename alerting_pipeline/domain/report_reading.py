"""The one query by which a report reads its mart: the rows whose condition holds, with what their messages need.

It is put together as an alert's scan is: from the parsed condition, with parameter values joined from the granted view
and never spliced. A row whose condition is NULL comes without content, so that it can be counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.reading import baselines, parsed, record_sql, rendered
from alerting_pipeline.domain.relation import IN_FORCE, Relation, moment_sql
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.sql_fragment import (
    PARAMETER,
    ROW,
    entity_text,
    fingerprint_sql,
    identifier,
    instant,
    literal,
    type_name,
)

LETTER_COLUMNS = ("fingerprint", "entity", "report_window", "recipient", "zone", "record")
"""What the query returns, in this order."""


def report_sql(
    definition: ReportDefinition,
    relation: Relation,
    *,
    window: datetime,
    as_of: datetime,
    parameters: str = IN_FORCE,
) -> str:
    """The rows of a report as text without placeholders, for COPY. Raises AlertingError where a column is missing."""
    types = {name: type_name(written) for name, written in relation.columns.items()}
    _demand_columns(definition, types)
    entity = {column: entity_text(column, types[column]) for column in definition.entity}
    hit = _condition(definition, types, entity, as_of)
    pairs = ", ".join(f"{literal(column)}, {entity[column]}" for column in sorted(entity))
    own = definition.window
    content = {
        "fingerprint": fingerprint_sql(literal(definition.report), entity),
        "entity": f"jsonb_build_object({pairs})",
        "report_window": f"coalesce({entity_text(own, types[own])}, '')" if own else literal(window.isoformat()),
        "recipient": f"{ROW}.{identifier(definition.to_column)}::text",
        "zone": _zone(definition),
        "record": record_sql(definition.report, definition.parameters, shown_columns(definition, types), types, entity)
        or "'{}'::jsonb",
    }
    columns = ",\n        ".join(f"case when hit then {content[name]} end as {name}" for name in LETTER_COLUMNS)
    return f"""
    with {moment_sql(instant(as_of))}, {PARAMETER} as not materialized ({parameters})
    select {columns}
    from {relation.sql} as {ROW}
    cross join lateral (select {hit} as hit) as judged
    where hit is not false"""


def shown_columns(definition: ReportDefinition, columns: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that the subject and the body name; nothing else of a row leaves the warehouse."""
    words = set(re.findall(r"\w+", f"{definition.subject} {definition.template_text}"))
    return tuple(name for name in columns if name in words)


def _condition(
    definition: ReportDefinition, types: Mapping[str, str], entity: Mapping[str, str], as_of: datetime
) -> str:
    if definition.condition is None:
        return "true"
    checked = parsed(definition.condition, types, definition.parameters)
    return rendered(checked, definition.report, definition.parameters, entity, types, instant(as_of))


def _zone(definition: ReportDefinition) -> str:
    hours = definition.send_within
    if hours is None or hours.timezone_column is None:
        return "null::text"
    return f"{ROW}.{identifier(hours.timezone_column)}::text"


def _demand_columns(definition: ReportDefinition, types: Mapping[str, str]) -> None:
    wanted = [*definition.entity, definition.to_column, definition.window]
    wanted += [parameter.by for parameter in definition.parameters.values()]
    wanted += baselines(definition.parameters)
    wanted.append(definition.send_within.timezone_column if definition.send_within else None)
    missing = [name for name in wanted if name is not None and name not in types]
    if missing:
        raise AlertingError(
            f'model {definition.model} has no column "{missing[0]}", which {definition.report} uses; '
            "correct one of them"
        )
