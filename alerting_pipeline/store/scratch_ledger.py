"""A ledger of one backtest's own: temporary tables shaped like those of the ledger, worked on by the very same SQL.

A replay in production's tables, even one that is taken back, would lock budgets and count messages that real people
got. So every statement that names `ledger.` is read as `pg_temp.`, on one connection: nobody else sees these tables,
no row of production is locked, they write no WAL, and they are gone when the connection is. It needs no right beyond
that to temporary tables, which evaluation has anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection, Engine, event

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.replayed import Episode, Held, Message, Replayed
from alerting_pipeline.domain.value_set import ValueSet

_LEDGER = re.compile(r"\bledger\.(?=[a-z_])")
_TABLES = """
select c.relname from pg_catalog.pg_class as c
where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'r' and has_table_privilege(c.oid, 'select')
order by c.relname
"""
_NO_AUDIT = """
create function pg_temp.append_audit(text, text, text, jsonb, jsonb) returns bigint language sql as 'select 0::bigint'
"""
"""What a replay does is nobody's act, so it is not audited; without this, it would be written beside the real ones."""

_KEPT = ("silences", "snoozes")
"""What people wanted kept quiet, each with the time it held: a replay keeps it, too."""


class ScratchLedger:
    """The temporary tables, behind what the store takes for an engine."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def engine(self) -> Engine:
        """For the ledger's own code, which asks an engine for `begin` and `connect` and for nothing else."""
        return cast(Engine, self)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction; an error takes everything back."""
        with self._connection.begin():
            yield self._connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """The same connection: inside a transaction that is open already, else for this one read."""
        is_inside = self._connection.in_transaction()
        yield self._connection
        if not is_inside and self._connection.in_transaction():
            self._connection.rollback()

    def put_in_force(self, definition: AlertDefinition) -> None:
        """The definition, as one that was never evaluated."""
        with self.begin() as connection:
            connection.exec_driver_sql("delete from ledger.definitions where alert = %s", (definition.alert,))
            connection.exec_driver_sql(
                "insert into ledger.definitions (alert, version, kind, path) values (%s, %s, 'business', %s)",
                (definition.alert, definition.version_id, definition.path),
            )

    def set_version(self, definition: AlertDefinition) -> None:
        """Another version of it, which goes on from where the one before stood."""
        with self.begin() as connection:
            connection.exec_driver_sql(
                "update ledger.definitions set version = %s where alert = %s", (definition.version_id, definition.alert)
            )

    def open_incident(self, fingerprint: UUID) -> int | None:
        """The number of the open incident that has it."""
        with self.connect() as connection:
            return connection.exec_driver_sql(
                "select incident_id from ledger.incidents where fingerprint = %s and status <> 'resolved'",
                (fingerprint,),
            ).scalar()

    def set_values(self, definition: AlertDefinition, values: ValueSet) -> None:
        """The parameter values from now on; rows read with others are read again, as in production."""
        with self.begin() as connection:
            connection.exec_driver_sql("delete from ledger.parameter_values where alert = %s", (definition.alert,))
            for value in values.rows:
                kind = definition.parameters[value.parameter].type
                connection.exec_driver_sql(
                    "insert into ledger.parameter_values (alert, parameter, type, scope, scope_value, value, "
                    "changed_by) values (%s, %s, %s, %s, %s, %s, 'backtest')",
                    (definition.alert, value.parameter, kind, value.scope, value.scope_value, value.value),
                )

    def next_due(self, after: datetime) -> datetime | None:
        """The next instant at which time alone brings something about."""
        with self.connect() as connection:
            return connection.exec_driver_sql(
                "select least((select min(next_at) from ledger.incidents where status <> 'resolved' and next_at > %s), "
                "(select min(due_at) from ledger.held_notifications where settled_at is null and due_at > %s))",
                (after, after),
            ).scalar()

    def send(self, now: datetime) -> None:
        """What waits in the outbox leaves at this instant; a message about several has no instant of its own."""
        with self.begin() as connection:
            connection.exec_driver_sql(
                "update ledger.outbox set status = 'sent', sent_at = %(now)s, told_at = coalesce(told_at, %(now)s) "
                "where status in ('waiting', 'halted')",
                {"now": now},
            )

    def happened(self) -> Replayed:
        """Everything that came of the replay, each kind in its order."""
        with self.connect() as connection:
            return Replayed(
                episodes=tuple(Episode(*row) for row in _rows(connection, _EPISODES)),
                messages=tuple(Message(*row) for row in _rows(connection, _MESSAGES)),
                held=tuple(Held(*row) for row in _rows(connection, _HELD)),
            )


_EPISODES = """
select fingerprint, entity, severity, deviance, summary, opened_at, resolved_at, resolution
from ledger.incidents order by incident_id
"""
_MESSAGES = """
select o.told_at, o.destination, o.channel, o.transition, i.entity, o.message ->> 'summary', o.counted_for
from ledger.outbox as o left join ledger.incidents as i using (incident_id) order by o.sequence
"""
_HELD = "select held_at, destination, channel, why, recipient, fate from ledger.held_notifications order by held_id"


@contextmanager
def scratch_ledger(engine: Engine) -> Iterator[ScratchLedger]:
    """A ledger that is empty but for what people silenced and snoozed; gone at the end, whatever happened."""
    with engine.connect() as connection:
        try:
            with connection.begin():
                for table in connection.exec_driver_sql(_TABLES).scalars().all():
                    connection.exec_driver_sql(f"create temporary table {table} (like ledger.{table} including all)")
                connection.exec_driver_sql(_NO_AUDIT)
                for table in _KEPT:
                    connection.exec_driver_sql(
                        f"insert into pg_temp.{table} overriding system value select * from ledger.{table}"
                    )
            event.listen(connection, "before_cursor_execute", _moved, retval=True)
            yield ScratchLedger(connection)
        finally:
            connection.invalidate()  # the session goes, and with it the tables


def _moved(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> tuple[str, Any]:
    """Only names of tables are code; data are bound, so nothing of them is read as one."""
    return _LEDGER.sub("pg_temp.", statement), parameters


def _rows(connection: Connection, statement: str) -> Sequence[Any]:
    return connection.exec_driver_sql(statement).all()


def values_at(engine: Engine, alert: str, at: datetime) -> ValueSet:
    """The parameter values in force at a business instant."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "select parameter, scope, scope_value, value from ledger.parameter_values where alert = %(alert)s and "
            "valid_from <= %(at)s and (valid_to is null or valid_to > %(at)s) "
            "order by parameter, scope, scope_value",
            {"alert": alert, "at": at},
        ).all()
    return ValueSet.of_rows(rows)


def values_of(engine: Engine, evaluation_id: int) -> ValueSet:
    """The parameter values that held when an evaluation ran."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "select parameter, scope, scope_value, value from alerting.parameters_of_evaluations "
            "where evaluation_id = %s order by parameter, scope, scope_value",
            (evaluation_id,),
        ).all()
    return ValueSet.of_rows(rows)
