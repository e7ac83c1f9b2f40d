"""The SQL that sees what freshness, volume and schema need: one row for all data definitions of a model.

It runs as a reader, over a relation that is a table, a view or the rows of a case. Days are local days as
[midnight, next midnight), whose instants are worked out here: on two days of the year they have 23 or 25 hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerting_pipeline.domain.data_check import Facts
from alerting_pipeline.domain.data_definition import DataDefinition, Volume
from alerting_pipeline.domain.relation import Relation
from alerting_pipeline.domain.sql_fragment import ROW, identifier, instant, literal


def facts_sql(definitions: Sequence[DataDefinition], relation: Relation, as_of: datetime) -> str:
    """One SELECT of one row; the columns of each definition bear its place in the list."""
    items = [f"exists (select 1 from {relation.sql} as {ROW}) as has_rows"]
    for place, definition in enumerate(definitions):
        if definition.freshness is not None:
            column = f"{ROW}.{identifier(definition.freshness.column)}"
            items.append(f"(select max({column}::timestamptz) from {relation.sql} as {ROW}) as newest_{place}")
        if definition.volume is not None:
            per_day = definition.volume.per == "day"
            counted = _by_day(definition.volume, relation, as_of) if per_day else _by_load(definition.volume, relation)
            items.append(f"{counted} as counts_{place}")
    return f"select {', '.join(items)}"


def columns_sql(name: str) -> str:
    """The columns of a table or view as one JSON object of names and types; NULL where there is no such relation."""
    return (
        "select jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)) as columns "
        f"from pg_attribute as a where a.attrelid = to_regclass({literal(name)}) "
        "and a.attnum > 0 and not a.attisdropped"
    )


def facts(
    definition: DataDefinition, place: int, row: Mapping[str, Any], columns: Mapping[str, str], as_of: datetime
) -> Facts:
    """What that row says of the definition at this place."""
    counts: Iterator[tuple[date | str, int]] = iter(())
    if definition.volume is not None:
        found: Any = row[f"counts_{place}"] or {}
        per_day = definition.volume.per == "day"
        counts = _days(definition.volume, found, as_of) if per_day else _loads(found)
    return Facts(not row["has_rows"], row.get(f"newest_{place}"), tuple(counts), columns)


def complete_days(volume: Volume, as_of: datetime) -> list[date]:
    """The last complete local day before `as_of` and those that it is compared with, oldest first."""
    today = as_of.astimezone(ZoneInfo(volume.timezone)).date()
    return [today - timedelta(days=ago) for ago in range(volume.of_last + 1, 0, -1)]


def _by_day(volume: Volume, relation: Relation, as_of: datetime) -> str:
    """Rows of each complete day, by its date; and when the first row of all is from, under `first`."""
    column = f"{ROW}.{identifier(volume.column)}::timestamptz"
    counts = []
    for day in complete_days(volume, as_of):
        begin, end = instant(_midnight(day, volume)), instant(_midnight(day + timedelta(days=1), volume))
        of_day = f"count(*) filter (where {column} >= {begin} and {column} < {end})"
        counts.append(f"{literal(day.isoformat())}, {of_day}")
    parts = ", ".join(counts)
    return f"(select jsonb_build_object('first', min({column}), {parts}) from {relation.sql} as {ROW})"


def _by_load(volume: Volume, relation: Relation) -> str:
    column = f"{ROW}.{identifier(volume.column)}"
    grouped = (
        f"select {column} as load, count(*) as number from {relation.sql} as {ROW} where {column} is not null "
        f"group by 1 order by 1 desc limit {volume.of_last + 1}"
    )
    return f"(select jsonb_agg(jsonb_build_array(g.load::text, g.number) order by g.load) from ({grouped}) as g)"


def _days(volume: Volume, found: Mapping[str, Any], as_of: datetime) -> Iterator[tuple[date, int]]:
    """Days before the first row of all are no days without rows: the feed did not exist yet."""
    if found.get("first") is None:
        return
    first = datetime.fromisoformat(found["first"]).astimezone(ZoneInfo(volume.timezone)).date()
    for day in complete_days(volume, as_of):
        if day >= first:
            yield day, found[day.isoformat()]


def _loads(found: Sequence[Sequence[Any]]) -> Iterator[tuple[str, int]]:
    for load, number in found:
        yield str(load), int(number)


def _midnight(day: date, volume: Volume) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(volume.timezone)).astimezone(UTC)
