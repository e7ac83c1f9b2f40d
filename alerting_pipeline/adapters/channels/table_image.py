"""A row of a table as JSON, and putting it back as it was.

The database itself compares and casts, so that no digit of a value is lost on the way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alerting_pipeline.domain.written_row import NotUndone, WrittenRow

if TYPE_CHECKING:
    from sqlalchemy import Connection


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def image(connection: Connection, table: str, key: Mapping[str, Any], kinds: Mapping[str, str]) -> str | None:
    """The row as JSON text, while nobody else can change it; None if there is none."""
    where, values = _found_by(key, kinds)
    return connection.exec_driver_sql(
        f"select to_jsonb(t)::text from {table} as t where {where} for update", values
    ).scalar()


def restore(connection: Connection, table: str, row: WrittenRow, kinds: Mapping[str, str]) -> None:
    """Make the row what it was before it was written. Raises NotUndone where somebody has changed it since."""
    where, values = _found_by(row.key, kinds)
    there = image(connection, table, row.key, kinds)
    if there is None or row.after is None:
        raise NotUndone("the row is gone")
    if row.before is None:
        same = "select jsonb_strip_nulls(%s::jsonb) = jsonb_strip_nulls(%s::jsonb)"
        if not connection.exec_driver_sql(same, (there, row.after)).scalar():
            raise NotUndone("somebody has changed the row since")
        connection.exec_driver_sql(f"delete from {table} as t where {where}", values)
        return
    changed = [name for name in row.changed if name in kinds]
    others = connection.exec_driver_sql(
        "select e.key from jsonb_each(%s::jsonb) as e where e.key = any(%s) "
        "and (%s::jsonb -> e.key) is distinct from e.value order by 1",
        (row.after, changed, there),
    ).scalars()
    if since := list(others):
        raise NotUndone(f"somebody has changed {', '.join(since)} since")
    if changed:
        columns = ", ".join(quoted(name) for name in changed)
        connection.exec_driver_sql(
            f"update {table} as t set ({columns}) = (select {columns} from jsonb_populate_record(null::{table}, "
            f"%s::jsonb)) where {where}",
            (row.before, *values),
        )


def _found_by(key: Mapping[str, Any], kinds: Mapping[str, str]) -> tuple[str, tuple[Any, ...]]:
    missing = [name for name in key if name not in kinds]
    if missing:
        raise NotUndone(f"the table has no column {missing[0]} any more")
    where = " and ".join(f"t.{quoted(name)} = cast(%s as {kinds[name]})" for name in key)
    return where, tuple(json.dumps(value) if isinstance(value, dict | list) else value for value in key.values())
