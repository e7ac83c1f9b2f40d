"""The raw tables themselves: one per declared source, made before a file ever arrives, so that dbt always builds.

`append` is a plain table; `replace_period` is partitioned by period; `snapshot` has one partition at a time. None has
an index: dbt reads them whole or by partition, and an index would cost more at every load than it ever saves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import (
    CannotCoerce,
    DeadlockDetected,
    DependentObjectsStillExist,
    FeatureNotSupported,
    LockNotAvailable,
)

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.loading import Busy
from alerting_pipeline.domain.source import Column, Mode, Source
from alerting_pipeline.store.loads import Connection, forget_loaded

READER = "analyst"
PARTITION_KEYS = {Mode.APPEND: None, Mode.REPLACE_PERIOD: "_period", Mode.SNAPSHOT: "_load_id"}
_LOCK_SECONDS = 60.0
# COPY fills these in by itself; the loader sets two of them for its transaction. Measured: 13 to 35 % slower than
# without them, while a second pass that adds them (insert … select) takes 70 % longer.
_SET_BY_LOADER = {
    "_load_id": "default current_setting('alerting.load_id')::bigint",
    "_loaded_at": "default now()",
    "_file": "default current_setting('alerting.file')",
}


def own_columns(mode: Mode) -> tuple[Column, ...]:
    """The columns that we write ourselves."""
    columns = [
        Column("_load_id", "bigint", "Load that brought the row, as in alerting.loads."),
        Column("_loaded_at", "timestamp with time zone", "When it was loaded, by the database's clock."),
        Column("_file", "text", "File it came in, relative to the source's root."),
    ]
    if mode is Mode.REPLACE_PERIOD:
        columns.append(Column("_period", "text", "Period that the row belongs to; a delivery replaces it whole."))
    if mode is not Mode.APPEND:
        columns.append(Column("_delivery", "text", "Delivery that the row came in."))
    return tuple(columns)


def relation(table: str) -> sql.Composed:
    """A name in schema raw, quoted."""
    return sql.SQL("{}.{}").format(sql.Identifier("raw"), sql.Identifier(table))


def columns_of(connection: Connection, table: str) -> dict[str, str]:
    """Columns of a raw table and their types, in order; empty where there is no such table."""
    rows = connection.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = to_regclass(format('raw.%%I', %s::text)) and attnum > 0 and not attisdropped order by attnum",
        [table],
    )
    return dict(rows.fetchall())


def ensure_table(connection: Connection, source: Source) -> None:
    """Make a source's table, or bring the one there is up to the declaration. Idempotent; concurrent calls queue."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtextextended('alerting raw tables', 0))")
        existing = columns_of(connection, source.name)
        if not existing:
            _create(connection, source)
            forget_loaded(connection, source.name)
            return
        _check_kind(connection, source)
    wanted = {column.name: column for column in (*source.columns, *own_columns(source.mode))}
    missing = [column for name, column in wanted.items() if name not in existing]
    changed = [each for name, each in wanted.items() if name in existing and existing[name] != each.data_type]
    if missing:
        with_lock(connection, lambda: add_columns(connection, source.name, {c.name: c.data_type for c in missing}))
    for column in changed:
        with_lock(connection, lambda column=column: _retype(connection, source, column, existing[column.name]))


def add_columns(connection: Connection, table: str, columns: Mapping[str, str]) -> None:
    """Add nullable columns; the rows there are keep NULL. Costs the same however large the table is."""
    if columns:
        added = [
            sql.SQL("add column if not exists {} {}").format(sql.Identifier(name), typed(data_type))
            for name, data_type in columns.items()
        ]
        connection.execute(sql.SQL("alter table {} {}").format(relation(table), sql.SQL(", ").join(added)))


def with_lock(connection: Connection, change: Callable[[], None], wait_seconds: float = _LOCK_SECONDS) -> None:
    """Run a short transaction that needs a table for itself. It never queues for long in front of readers.

    While it waits for one long reader, every other reader waits behind it: so it gives up after a second, lets them
    through, and tries again. Raises Busy after `wait_seconds`.
    """
    deadline = time.monotonic() + wait_seconds
    pause = 0.05
    while True:
        try:
            with connection.transaction():
                connection.execute("set local lock_timeout to '1s'")
                connection.execute("set local synchronous_commit to off")
                change()
            return
        except (LockNotAvailable, DeadlockDetected) as error:
            if time.monotonic() > deadline:
                raise Busy(
                    f"somebody has been reading the table for over {wait_seconds:.0f} s, so that it can't be changed; "
                    "end that query, or load again later"
                ) from error
            time.sleep(pause)
            pause = min(pause * 2, 1.0)


def typed(data_type: str) -> sql.SQL:
    """A type for a statement. It comes from the catalog or from the list in domain.source, never from a file."""
    return sql.SQL(data_type)  # type: ignore[arg-type]  # not a literal, but one of a closed list


def _create(connection: Connection, source: Source) -> None:
    own = own_columns(source.mode)
    key = PARTITION_KEYS[source.mode]
    parts = [sql.SQL("{} {}").format(sql.Identifier(each.name), typed(each.data_type)) for each in source.columns]
    for column in own:
        default = sql.SQL(_SET_BY_LOADER[column.name]) if source.mode is Mode.APPEND else sql.SQL("")  # type: ignore[arg-type]  # of the list above
        parts.append(sql.SQL("{} {} {}").format(sql.Identifier(column.name), typed(column.data_type), default))
    partitioned = sql.SQL(" partition by list ({})").format(sql.Identifier(key)) if key else sql.SQL("")
    name = relation(source.name)
    connection.execute(sql.SQL("create table {} ({}){}").format(name, sql.SQL(", ").join(parts), partitioned))
    connection.execute(sql.SQL("grant select on {} to {}").format(name, sql.Identifier(READER)))
    if source.description:
        connection.execute(sql.SQL("comment on table {} is {}").format(name, sql.Literal(source.description)))
    _describe(connection, source.name, (*source.columns, *own))


def _describe(connection: Connection, table: str, columns: Sequence[Column]) -> None:
    for column in columns:
        if column.description:
            connection.execute(
                sql.SQL("comment on column {}.{} is {}").format(
                    relation(table), sql.Identifier(column.name), sql.Literal(column.description)
                )
            )


def _check_kind(connection: Connection, source: Source) -> None:
    row = connection.execute(
        "select c.relkind, pg_get_partkeydef(c.oid) from pg_class c "
        "where c.oid = to_regclass(format('raw.%%I', %s::text))",
        [source.name],
    ).fetchone()
    key = PARTITION_KEYS[source.mode]
    expected = ("p", f"LIST ({key})") if key else ("r", None)
    if row is None or (_letter(row[0]), row[1]) != expected:
        raise AlertingError(
            f"{source.place}: raw.{source.name} was not made for mode {source.mode}; "
            f"`drop table raw.{source.name} cascade` and load again, or write the mode it was made for"
        )


def _letter(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _retype(connection: Connection, source: Source, column: Column, current: str) -> None:
    name = sql.Identifier(column.name)
    change = sql.SQL("alter table {} alter column {} type {} using {}::{}").format(
        relation(source.name), name, typed(column.data_type), name, typed(column.data_type)
    )
    place = f"{source.place}: raw.{source.name}.{column.name} is {current} and declared as {column.data_type}"
    try:
        connection.execute(change)
    except (FeatureNotSupported, DependentObjectsStillExist) as error:
        raise AlertingError(
            f"{place}, but views read it; drop those views, load, and have dbt build them again"
        ) from error
    except (psycopg.DataError, CannotCoerce) as error:
        said = (error.diag.message_primary or "").strip()
        raise AlertingError(f"{place}, but its values don't fit ({said}); declare it as {current}") from error
