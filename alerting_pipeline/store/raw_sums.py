"""A file of which only sums are kept: its rows are copied aside, summed by Postgres, and forgotten.

A report that restates a whole month several times a day is too large to keep every delivery of, and what changed
between two of them can't be told from the newest alone. Its sums are small, and as exact as the rows: numeric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from psycopg import sql

from alerting_pipeline.domain.loading import TableStream
from alerting_pipeline.domain.source import Source
from alerting_pipeline.store.loads import Connection
from alerting_pipeline.store.raw_copy import copy_rows
from alerting_pipeline.store.raw_schema import relation, typed

_ASIDE = sql.Identifier("pg_temp", "rows_to_be_summed")


def copy_sums(connection: Connection, source: Source, stream: TableStream, on_bytes: Callable[[int], None]) -> int:
    """Add the sums of the stream's rows to the source's table; returns how many rows of sums they are.

    Must run in a transaction, at whose end the rows themselves are gone. Raises Unreadable where a row doesn't fit.
    """
    sums = source.ingest.sums
    assert sums is not None  # noqa: S101 - asked only for sources that keep sums
    types = {name: source.types.get(name, "text") for name in stream.columns}
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), typed(kind)) for name, kind in types.items()]
    connection.execute(sql.SQL("create temporary table rows_to_be_summed ({}) on commit drop").format(_listed(columns)))
    copy_rows(connection, _ASIDE, stream, types, (True, on_bytes))
    by = [sql.Identifier(name) for name in sums.by if name in types]
    of = [sql.Identifier(name) for name in sums.of if name in types]
    summed = connection.execute(
        sql.SQL("insert into {} ({}) select {} from {} group by {}").format(
            relation(source.name),
            _listed([*by, *of, sql.Identifier(sums.count)]),
            _listed([*by, *(sql.SQL("sum({})").format(each) for each in of), sql.SQL("count(*)")]),
            _ASIDE,
            _listed(by) if by else sql.SQL("()"),
        )
    )
    return summed.rowcount


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)
