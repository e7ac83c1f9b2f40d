"""A table in the warehouse: one row per incident, or the rows that actions write, upserted by their key.

Only tables in an allow-listed schema, only columns of ours, every value bound, every identifier quoted. The table is
made if it is missing; in a table that others made, only the columns that are there are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field

from alerting_pipeline.adapters.channels.table_image import image, quoted, restore
from alerting_pipeline.domain.destination import TABLE_SCHEMA
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.per_run import PerRun
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.domain.written_row import RowLedger, WrittenRow
from alerting_pipeline.rendering.action_row import ACTED_AT
from alerting_pipeline.rendering.message import Message, Scalar
from alerting_pipeline.rendering.record import KEY, record

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_NAME = r"[a-z_][a-z0-9_]{0,62}"
_INSTANTS = frozenset({"opened_at", "due_at", "resolved_at", ACTED_AT})
_PASSING_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})  # connection, rollback, resources, locks, shutdown
SCHEMAS = frozenset({TABLE_SCHEMA})


class TableSettings(BaseModel):
    """Settings of a table destination: `table` in the schema `operations`; default: the destination's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str | None = Field(
        default=None,
        pattern=rf"^(({'|'.join(SCHEMAS)})\.)?{_NAME}$",
        description="The table, with its schema; default: the destination's name in schema operations.",
    )
    at_most: PerRun = Field(
        default=None,
        description="So many rows of one run of an alert; above it none is written until somebody approves.",
    )


class TableChannel:
    """One table. `engine` connects as the role that may write there."""

    pace = Pace()

    def __init__(
        self, settings: TableSettings, name: str, engine: Callable[[], Engine], ledger: RowLedger | None = None
    ) -> None:
        schema, _, table = (settings.table or name).rpartition(".")
        schema = schema or TABLE_SCHEMA
        if schema not in SCHEMAS or not re.fullmatch(_NAME, table):
            allowed = ", ".join(sorted(SCHEMAS))
            reason = f'"{schema}.{table}" may not be written to; name a table of schema {allowed} in destinations.yaml'
            raise Undelivered(reason, retryable=False)
        self._schema, self._table = schema, table
        self._make_engine = engine
        self._ledger = ledger

    def deliver(self, delivery: Delivery) -> Receipt:
        """Upsert the row; the same delivery again writes the same row."""
        answer = self.deliver_batch([delivery])[0]
        if isinstance(answer, Undelivered):
            raise answer
        return answer

    def try_out(self, delivery: Delivery) -> Receipt:
        """Write the row and roll it back: the table, its columns and our rights are as they will be."""
        (row,) = self.preview([delivery])
        return Receipt({"via": "table", "table": self._place, "would_write": row.values[1] or {}})

    def preview(self, deliveries: Sequence[Delivery]) -> list[WrittenRow]:
        """Write the rows and roll them back."""
        from sqlalchemy.exc import DBAPIError

        written: list[WrittenRow] = []
        try:
            with self._make_engine().connect() as connection, connection.begin() as transaction:
                answers = self._put_all(connection, deliveries, written)
                transaction.rollback()
        except DBAPIError as error:
            _refused(error, self._place)
        if refused := [answer for answer in answers if isinstance(answer, Undelivered)]:
            raise refused[0]
        return written

    def take_back(self, row: WrittenRow, person: str) -> None:
        """Put the row back as it was before, and note it, in one transaction."""
        from sqlalchemy.exc import DBAPIError

        try:
            with self._make_engine().begin() as connection:
                _bounded(connection)
                restore(connection, self._name, row, self._existing(connection))
                if self._ledger is not None:
                    self._ledger.mark_undone(row.delivery_id, person, connection)
        except DBAPIError as error:
            _refused(error, self._place)

    def deliver_batch(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Undelivered]:
        """All rows in one transaction; one that the table refuses leaves the others alone."""
        from sqlalchemy.exc import DBAPIError

        try:
            with self._make_engine().begin() as connection:
                return self.deliver_within(connection, deliveries)
        except DBAPIError as error:
            _refused(error, self._place)

    def deliver_within(self, transaction: Connection, deliveries: Sequence[Delivery]) -> list[Receipt | Undelivered]:
        """The same in a transaction of the outbox: a row and the note that it was written are one."""
        from sqlalchemy.exc import DBAPIError

        written: list[WrittenRow] = []
        try:
            answers = self._put_all(transaction, deliveries, written)
            if self._ledger is not None:
                self._ledger.note(written, transaction)
            return answers
        except DBAPIError as error:
            _refused(error, self._place)

    def _put_all(
        self, connection: Connection, deliveries: Sequence[Delivery], written: list[WrittenRow]
    ) -> list[Receipt | Undelivered]:
        _bounded(connection)
        return [self._put(connection, delivery, written) for delivery in deliveries]

    def _put(self, connection: Connection, delivery: Delivery, noted: list[WrittenRow]) -> Receipt | Undelivered:
        from sqlalchemy.exc import DBAPIError

        message = Message.from_json(delivery.message)
        key = message.row_key or (KEY,)
        written = message.record if message.row_key else record(message)
        row = {name: value for name, value in written.items() if _is_column(name)}
        if any(row.get(name) is None for name in key):
            return Undelivered("a table takes incidents only; this message has none", retryable=False)
        try:
            with connection.begin_nested():
                before, after = self._upsert(connection, row, key)
        except DBAPIError as error:
            if error.connection_invalidated or _is_passing(error):
                raise
            return Undelivered(_words(error, self._place), retryable=False)
        if after is not None:  # an earlier decision that came later wrote nothing
            found_by = {name: row[name] for name in key}
            about = (delivery.id, delivery.incident_id, message.alert, delivery.destination, delivery.channel)
            noted.append(WrittenRow(*about, self._place, found_by, before, after))
        return Receipt({"via": "table", "table": self._place, "incident_id": delivery.incident_id})

    def _upsert(
        self, connection: Connection, row: Mapping[str, Scalar], key: Sequence[str]
    ) -> tuple[str | None, str | None]:
        """The row as it was before, and as it is since; no second one where nothing was written."""
        columns = self._columns(connection, row, key)
        before = image(connection, self._name, {name: row[name] for name in key}, columns)
        written = [name for name in row if name in columns]
        names = ", ".join(quoted(name) for name in written)
        values = ", ".join(f"cast(%s as {columns[name]})" for name in written)
        changes = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in written if name not in key)
        first = quoted(key[0])
        action = f"update set {changes or f'{first} = excluded.{first}'}"
        if changes and ACTED_AT in written:
            # What was decided later stands, also where an earlier decision is delivered after it.
            action += f" where coalesce(there.{ACTED_AT} <= excluded.{ACTED_AT}, true)"
        keys = ", ".join(quoted(name) for name in key)
        after = connection.exec_driver_sql(
            f"insert into {self._name} as there ({names}) values ({values}) on conflict ({keys}) do {action} "
            "returning to_jsonb(there)::text",
            tuple(row[name] for name in written),
        ).scalar()
        return before, after

    def _columns(self, connection: Connection, row: Mapping[str, Scalar], key: Sequence[str]) -> dict[str, str]:
        """The table's columns and their types, after what is missing was added where the table is ours."""
        there = self._existing(connection)
        if not there:
            # Two workers at a table's first row: without the lock the second fails at the catalogue's unique index.
            connection.exec_driver_sql("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (self._name,))
            there = self._existing(connection)
        if not there:
            wanted = ", ".join(f"{quoted(name)} {_type(name, value)}" for name, value in row.items())
            keys = ", ".join(quoted(name) for name in key)
            connection.exec_driver_sql(f"create table if not exists {self._name} ({wanted}, primary key ({keys}))")
            # Whoever migrates and runs dbt owns the schema; without this only we could read what we made.
            owner = connection.exec_driver_sql(
                "select nspowner::regrole::text from pg_namespace where nspname = %s", (self._schema,)
            ).scalar_one()
            connection.exec_driver_sql(f"grant all on {self._name} to {owner}")
            # Analysts read what people decided; on a server that isn't hardened yet, there is no such role.
            for role in connection.exec_driver_sql("select rolname from pg_roles where rolname = 'analyst'").scalars():
                connection.exec_driver_sql(f"grant select on {self._name} to {role}")
            return self._existing(connection)
        missing = [name for name in row if name not in there]
        if missing and self._is_ours(connection):
            for name in missing:
                connection.exec_driver_sql(
                    f"alter table {self._name} add column if not exists {quoted(name)} {_type(name, row[name])}"
                )
            return self._existing(connection)
        return there

    def _existing(self, connection: Connection) -> dict[str, str]:
        found = connection.exec_driver_sql(
            "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a "
            "where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped",
            (self._name,),
        )
        return {str(name): str(kind) for name, kind in found}

    def _is_ours(self, connection: Connection) -> bool:
        query = "select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass(%s)"
        return bool(connection.exec_driver_sql(query, (self._name,)).scalar())

    @property
    def _place(self) -> str:
        return f"{self._schema}.{self._table}"

    @property
    def _name(self) -> str:
        return f"{quoted(self._schema)}.{quoted(self._table)}"


def _bounded(connection: Connection) -> None:
    connection.exec_driver_sql("set local statement_timeout = '15s'")
    connection.exec_driver_sql("set local lock_timeout = '5s'")


def _type(name: str, value: Scalar) -> str:
    if name in _INSTANTS:
        return "timestamptz"
    if name == KEY:
        return "bigint"
    if isinstance(value, bool):
        return "boolean"
    return "numeric" if isinstance(value, int | float) else "text"


def _is_column(name: str) -> bool:
    """Can a column be called so, in a statement in which % marks a place for a value?"""
    return 0 < len(name.encode()) < 64 and "%" not in name and "\x00" not in name


def _is_passing(error: Any) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state[:2] in _PASSING_CLASSES


def _words(error: Any, table: str) -> str:
    """The kind of error alone: the database's text may quote values."""
    kind = type(error.orig).__name__
    return f"the table {table} does not take the row ({kind}, SQLSTATE {getattr(error.orig, 'sqlstate', None)})"


def _refused(error: Any, table: str) -> NoReturn:
    if _is_passing(error):
        raise Undelivered(f"the database of {table} can't be reached or is busy", retryable=True) from None
    raise Undelivered(_words(error, table), retryable=False) from None
