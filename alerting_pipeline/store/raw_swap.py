"""The table that one delivery is copied into, and how it takes the place of the one before.

What is the same in every row (load, file, period, delivery) is added after the rows, as columns with a constant
default: Postgres keeps such a value once for the table, so the rows stay as small as the file made them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from psycopg import sql

from alerting_pipeline.domain.arrival import ArrivedFile, Delivery
from alerting_pipeline.domain.source import Mode, Source
from alerting_pipeline.store import loads
from alerting_pipeline.store.loads import Connection
from alerting_pipeline.store.raw_schema import add_columns, relation, typed, with_lock


@dataclass(slots=True)
class Standalone:
    """A new table for the files of one delivery, made in the transaction that fills it (so that COPY can freeze)."""

    connection: Connection
    source: Source
    delivery: Delivery
    ids: Sequence[int]
    instant: datetime
    _columns: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return f"{self.source.name}__load_{self.ids[0]}"

    @property
    def relation(self) -> sql.Composed:
        return relation(self.name)

    def receive(self, load_id: int, file: ArrivedFile, columns: Mapping[str, str]) -> None:
        """Make the table ready for one file's columns; of several files each row has to keep which one it is from."""
        if not self._columns:
            parts = [sql.SQL("{} {}").format(sql.Identifier(name), typed(kind)) for name, kind in columns.items()]
            if len(self.ids) > 1:
                parts += [sql.SQL("_load_id bigint"), sql.SQL("_file text")]
                self._columns |= {"_load_id", "_file"}
            self.connection.execute(sql.SQL("create table {} ({})").format(self.relation, sql.SQL(", ").join(parts)))
        else:
            add_columns(
                self.connection, self.name, {name: kind for name, kind in columns.items() if name not in self._columns}
            )
        self._columns.update(columns)
        if len(self.ids) > 1:
            self.connection.execute(
                sql.SQL(
                    "alter table {} alter column _load_id set default {}, alter column _file set default {}"
                ).format(self.relation, sql.Literal(load_id), sql.Literal(file.name))
            )

    def complete(self, table: Mapping[str, str]) -> None:
        """Give it every column of the raw table, and the constraint that spares ATTACH a look at every row."""
        constants = {
            "_load_id": self.ids[0],
            "_loaded_at": self.instant,
            "_file": self.delivery.files[0].name,
            "_period": self.delivery.period,
            "_delivery": self.delivery.delivery,
        }
        added = []
        for name, kind in table.items():
            if name not in self._columns:
                part = sql.SQL("add column {} {}").format(sql.Identifier(name), typed(kind))
                if constants.get(name) is not None:
                    part += sql.SQL(" default {}").format(sql.Literal(constants[name]))
                added.append(part)
        if self.source.mode is Mode.REPLACE_PERIOD:
            period = sql.Literal(self.delivery.period)
            added.append(sql.SQL("add check (_period is not null and _period = {})").format(period))
        self.connection.execute(sql.SQL("alter table {} {}").format(self.relation, sql.SQL(", ").join(added)))

    @property
    def bound(self) -> sql.Composable:
        """Its place among the raw table's partitions."""
        if self.source.mode is Mode.SNAPSHOT:
            return sql.SQL("default")
        return sql.SQL("for values in ({})").format(sql.Literal(self.delivery.period))


def put_in_place(connection: Connection, fresh: Standalone, added: Mapping[str, str], replaced: Sequence[int]) -> int:
    """Swap the new table for the old one, and write the ledger, in one short transaction.

    Returns how many rows the replaced loads had. Raises Busy where readers never leave a gap.
    """
    gone = 0

    def swap() -> None:
        nonlocal gone
        parent = relation(fresh.source.name)
        add_columns(connection, fresh.source.name, added)
        for old in _partitions_in_place(connection, fresh):
            connection.execute(sql.SQL("alter table {} detach partition {}").format(parent, relation(old)))
            connection.execute(sql.SQL("drop table {}").format(relation(old)))
        connection.execute(sql.SQL("alter table {} attach partition {} {}").format(parent, fresh.relation, fresh.bound))
        gone = loads.finish_load(connection, fresh.ids, replaced)

    with_lock(connection, swap)
    return gone


def remove_leftovers(connection: Connection, source: str) -> None:
    """Drop the tables of loads that died before they were in place. Ask only while holding the source."""
    rows = connection.execute(
        "select relname from pg_class where relnamespace = 'raw'::regnamespace and relkind = 'r' "
        "and not relispartition and relname ~ ('^' || %s || '__load_[0-9]+$')",
        [source],
    ).fetchall()
    for (name,) in rows:
        connection.execute(sql.SQL("drop table if exists {}").format(relation(name)))


def _partitions_in_place(connection: Connection, fresh: Standalone) -> list[str]:
    bound = "DEFAULT" if fresh.source.mode is Mode.SNAPSHOT else None
    rows = connection.execute(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid "
        "where i.inhparent = to_regclass(format('raw.%%I', %(parent)s::text)) and pg_get_expr(c.relpartbound, c.oid) "
        "= coalesce(%(bound)s, format('FOR VALUES IN (%%L)', %(period)s::text))",
        {"parent": fresh.source.name, "bound": bound, "period": fresh.delivery.period},
    ).fetchall()
    return [row[0] for row in rows]
