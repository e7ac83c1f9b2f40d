"""Small pieces of SQL that a definition is read with: names, types, entities, fingerprints, parameter values.

Names are quoted here and nowhere else. Values of parameters are never in the text: they are read from the relation
`parameter`, so that changing a threshold changes no SQL. NaN is read as NULL wherever a value is compared: Postgres
holds NaN to be greater than every number, so one NaN would fire any "above" and silence any "below".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

from sqlglot import exp

from alerting_pipeline.domain.parameters import Parameter

ROW = "r"
PARAMETER = "parameter"
APPROXIMATE = frozenset({"numeric", "decimal", "double precision", "real", "float", "float4", "float8"})
WHOLE = frozenset({"smallint", "integer", "bigint", "int", "int2", "int4", "int8"})
INSTANTS = frozenset({"timestamp", "timestamp without time zone", "timestamptz", "timestamp with time zone"})
WITH_ZONE = frozenset({"timestamptz", "timestamp with time zone"})


def identifier(name: str) -> str:
    """The name as SQL, quoted."""
    return exp.to_identifier(name, quoted=True).sql(dialect="postgres")


def literal(text: str) -> str:
    """A text as SQL. Only for names and instants of our own and for the rows of cases, never for a parameter value."""
    return exp.Literal.string(text).sql(dialect="postgres")


def instant(moment: datetime) -> str:
    """`:as_of` as SQL."""
    return f"cast({literal(moment.isoformat())} as timestamptz)"


def type_name(written: str) -> str:
    """A column's type without its precision, in lower case."""
    return re.sub(r"\s*\([^)]*\)", "", written.lower()).strip()


def entity_text(column: str, kind: str) -> str:
    """A column's canonical text, the same whatever the session's settings and however many zeros a number has.

    to_char is NULL for infinity, which is an entity of its own.
    """
    value = f"{ROW}.{identifier(column)}"
    if kind in ("numeric", "decimal"):
        return f"trim_scale({value})::text"
    if kind in WITH_ZONE:
        written = f"to_char({value} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        return f"coalesce({written}, {value}::text)"
    if kind in INSTANTS:
        return f"coalesce(to_char({value}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), {value}::text)"
    if kind == "date":
        return f"coalesce(to_char({value}, 'YYYY-MM-DD'), {value}::text)"
    return f"{value}::text"


def fingerprint_sql(alert: str, texts: Mapping[str, str]) -> str:
    """SQL of `incident.fingerprint`. `alert` and the texts are SQL expressions; the order is that of the columns."""
    values = ", ".join(texts[column] for column in sorted(texts))
    return f"md5({alert} || json_build_array({values})::text)::uuid"


def parameter_sql(alert: str, name: str, parameter: Parameter, entity: Mapping[str, str]) -> str:
    """The value of a parameter for the row, typed: entity before segment before default.

    Every part is an uncorrelated subquery, which Postgres runs once for the whole scan; segments are looked up in one
    JSON map, so a thousand of them cost as much as ten. The default of a list is all its entries.
    """
    where = f"p.alert = {literal(alert)} and p.parameter = {literal(name)}"
    default = f"(select p.value::{parameter.sql_type} from {PARAMETER} as p where {where} and p.scope = 'default')"
    if parameter.type == "list":
        entries = f"select unnest(p.value::text[]) as item from {PARAMETER} as p where {where} and p.scope = 'entry'"
        default = f'({default} || array(select item from ({entries}) as e order by item collate "C"))'
    if parameter.by is None:
        # any((select …)) would be read as any(subquery); a cast around it makes it a value.
        return f"{default}::{parameter.sql_type}" if parameter.type == "list" else default

    segment = scope_sql(alert, name, parameter, "segment", f"{ROW}.{identifier(parameter.by)}::text")
    return f"coalesce({scope_sql(alert, name, parameter, 'entity', entity_key(entity))}, {segment}, {default})"


def scope_sql(alert: str, name: str, parameter: Parameter, scope: Literal["segment", "entity"], key: str) -> str:
    """The value that a segment or an entity has of its own, typed; NULL where it has none. `key` is SQL."""
    where = f"p.alert = {literal(alert)} and p.parameter = {literal(name)} and p.scope = '{scope}'"
    values = f"select jsonb_object_agg(p.scope_value, p.value) from {PARAMETER} as p where {where}"
    return f"(({values}) ->> {key})::{parameter.sql_type}"


def extreme_sql(parameters: Collection[tuple[str, str]], sql_type: str, function: str) -> str:
    """The least or greatest value of parameters, each an (alert, name), over all scopes: a bound of the gate."""
    pairs = ", ".join(f"({literal(alert)}, {literal(name)})" for alert, name in sorted(parameters))
    return f"(select {function}(p.value::{sql_type}) from {PARAMETER} as p where (p.alert, p.parameter) in ({pairs}))"


def without_nan(column: str, kind: str) -> str:
    """The column as it may be compared."""
    value = f"{ROW}.{identifier(column)}"
    return f"nullif({value}, 'NaN')" if kind in APPROXIMATE else value


def is_ordered(kind: str) -> bool:
    """Numbers and times: types whose bounds the gate may merge."""
    return kind in APPROXIMATE or kind in WHOLE or kind in INSTANTS or kind in ("date", "interval")


def entity_key(entity: Mapping[str, str]) -> str:
    """How a parameter's value for one entity is keyed: its text, or the JSON array of its texts."""
    if len(entity) == 1:
        return next(iter(entity.values()))
    return f"json_build_array({', '.join(entity[column] for column in sorted(entity))})::text"
