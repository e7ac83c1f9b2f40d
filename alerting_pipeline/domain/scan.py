"""The one query by which all definitions of a model are evaluated, and the ones that ask for single entities.

A scan reads the relation once, lets rows through the gate, and evaluates every condition on what is left. It returns
violating rows only, and one row per definition that counts its NULLs; a wide table with millions of clean rows sends
nothing. It is text without placeholders, because it runs as `copy (…) to stdout`, which takes none: parameter values
are joined from a view, `:as_of` is an instant of our own. The relation and the source of the parameters can be
replaced, so that cases and backtests go through this very query.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from alerting_pipeline.domain.gate import gate
from alerting_pipeline.domain.reading import Reading
from alerting_pipeline.domain.relation import IN_FORCE, Relation, moment_sql
from alerting_pipeline.domain.sql_fragment import PARAMETER, ROW, fingerprint_sql, identifier, instant, literal

COLUMNS = (
    "ordinal", "rows", "fingerprint", "entity", "severity", "deviance", "occurred_at", "worst", "took_default",
    "record",
)  # fmt: skip
"""What a scan returns, in this order. A row without fingerprint counts the rows whose condition was NULL."""


_ARRAYS = "\0"  # stands for the bound arrays while the text is put together; no SQL holds it


def scan_sql(
    readings: Mapping[int, Reading], relation: Relation, *, since: datetime | None = None, parameters: str = IN_FORCE
) -> str:
    """All definitions in one pass, each under its ordinal.

    `since`: only rows that arrived at that instant or later. `parameters` is a select with the columns of IN_FORCE.
    """
    conditions = ", ".join(
        f"({ordinal}, {literal(reading.alert)}, {reading.condition})" for ordinal, reading in readings.items()
    )
    arrived = f"{ROW}.{identifier(relation.watermark)} >= {instant(since)} and " if since and relation.watermark else ""
    hits = f"""
        select v.ordinal, {_payload(readings, "v.hit")}
        from (select * from {relation.sql} as {ROW} where {arrived}({gate(readings.values())}) is not false) as {ROW}
        cross join lateral (values {conditions}) as v (ordinal, alert, hit)
        where v.hit is not false"""
    return f"""
    with {moment_sql(next(iter(readings.values())).as_of)}, {PARAMETER} as not materialized ({parameters})
    select ordinal, count(*) as rows, {", ".join(COLUMNS[2:])}
    from ({hits}) as hits
    group by ordinal, {", ".join(COLUMNS[2:])}"""


def lookup_sql(
    reading: Reading, ordinal: int, relation: Relation, *, parameters: str = IN_FORCE, has_null: bool = False
) -> str:
    """How given entities stand, by key: whether the condition holds, and whether the way out does.

    Takes array parameters: `fingerprints`, and `key_0` … with the texts of the entity's columns, in the order of
    `key_columns`. A fingerprint that is not returned has no row. Of several rows per entity the one that argues most
    for keeping the incident is returned: a violation before a NULL before FALSE. `has_null`: some key holds a NULL,
    which only the slower comparison finds.
    """
    names = key_columns(reading)
    arrays = ", ".join(["%(fingerprints)s::uuid[]", *(f"%(key_{index})s::text[]" for index in range(len(names)))])
    aliases = ", ".join(["fingerprint", *(f"key_{index}" for index in range(len(names)))])
    equals = "is not distinct from" if has_null else "="
    joined = " and ".join(
        f"{ROW}.{identifier(name)} {equals} k.key_{index}::{reading.column_types[name] or 'text'}"
        for index, name in enumerate(names)
    )
    payload = _payload({ordinal: reading}, "true", alert=literal(reading.alert), fingerprint="k.fingerprint")
    text = f"""
    with {moment_sql(reading.as_of)}, {PARAMETER} as not materialized ({parameters})
    select distinct on (fingerprint)
        {ordinal} as ordinal, 1 as rows, {", ".join(COLUMNS[2:-1])}, record::text as record, hit, way_out
    from (
        select {payload}, {reading.condition} as hit, {reading.way_out or "null::boolean"} as way_out
        from unnest({_ARRAYS}) as k ({aliases})
        join {relation.sql} as {ROW} on {joined}
    ) as found
    order by fingerprint, hit is true desc, hit is null desc, way_out is true, worst desc nulls last, record::text"""
    return text.replace("%", "%%").replace(_ARRAYS, arrays)  # `like 'a%'` is not a placeholder


def key_columns(reading: Reading) -> tuple[str, ...]:
    """The entity's columns in the order in which a look-up takes their texts."""
    return tuple(sorted(reading.entity))


def presence_sql(relation: Relation) -> str:
    """Has the model any row, and how far has it arrived? Asked before the scan: what arrives later is read again."""
    newest = "null"
    if relation.watermark:
        newest = f"(select max({ROW}.{identifier(relation.watermark)}) from {relation.sql} as {ROW})"
    return f"select exists (select 1 from {relation.sql} as {ROW}) as has_rows, {newest}::timestamptz as newest"


def judged_sql(reading: Reading, relation: Relation, *, parameters: str = IN_FORCE) -> str:
    """Is there a row whose condition is not NULL? Asked where nothing fired and some conditions were NULL."""
    return f"""
    with {moment_sql(reading.as_of)}, {PARAMETER} as not materialized ({parameters})
    select exists (select 1 from {relation.sql} as {ROW} where {reading.condition} is not null) as is_judged"""


def _payload(
    readings: Mapping[int, Reading], hit: str, *, alert: str = "v.alert", fingerprint: str | None = None
) -> str:
    """The columns of COLUMNS after the first two, NULL for a row that is only counted."""
    fingerprints = {
        ordinal: fingerprint or fingerprint_sql(alert, reading.entity) for ordinal, reading in readings.items()
    }
    columns: dict[str, Callable[[Reading], str]] = {
        "entity": lambda reading: _entity(reading.entity),
        "severity": lambda reading: reading.severity,
        "deviance": lambda reading: reading.deviance,
        "occurred_at": lambda reading: reading.occurred_at,
        "worst": lambda reading: reading.worst,
        "took_default": lambda reading: reading.takes_default,
        "record": lambda reading: reading.record,
    }
    pieces = [f"case when {hit} then {_by_definition(fingerprints)} end as fingerprint"]
    for name, fragment in columns.items():
        chosen = _by_definition({ordinal: fragment(reading) for ordinal, reading in readings.items()})
        pieces.append(f"case when {hit} then {chosen} end as {name}")
    return ",\n        ".join(pieces)


def _by_definition(fragments: Mapping[int, str]) -> str:
    """One expression for all definitions: what most share stands in the else, so that the case stays short."""
    shared, _ = Counter(fragments.values()).most_common(1)[0]
    others: dict[str, list[int]] = {}
    for ordinal, fragment in fragments.items():
        if fragment != shared:
            others.setdefault(fragment, []).append(ordinal)
    if not others:
        return shared
    whens = " ".join(
        f"when v.ordinal in ({', '.join(map(str, ordinals))}) then {fragment}" for fragment, ordinals in others.items()
    )
    return f"(case {whens} else {shared} end)"


def _entity(texts: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{literal(column)}, {texts[column]}" for column in sorted(texts))
    return f"jsonb_build_object({pairs})"
