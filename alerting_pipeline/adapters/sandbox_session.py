"""One read-only session per query: fenced at its start, watched from outside, thrown away at its end.

A session that ran foreign SQL is never used again: settings, temporary objects, prepared statements and locks go with
it. What the settings can't hold (disk for sorting, functions that act) the role holds; see store.hardening.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import psycopg

from alerting_pipeline.adapters.redaction import redacted
from alerting_pipeline.adapters.watchdog import Watchdog
from alerting_pipeline.domain.warehouse_error import QueryFailed, QueryStopped, WarehouseUnreachable

READ_ONLY = "begin transaction isolation level repeatable read, read only"
# The server's own timeout comes first, so that the watchdog bites only where that one was switched off.
_GRACE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one query may take."""

    seconds: float = 60.0
    lock_seconds: float = 5.0
    work_mem_mb: int = 64
    rows: int = 200_000
    bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Session:
    """A connection inside a read-only transaction, good for one statement."""

    connection: psycopg.Connection
    watchdog: Watchdog

    def refuse_several(self, statement: bytes) -> None:
        """Let the server's parser say that this is one statement.

        psycopg sends a COPY without parameters in the simple protocol, where `;` starts another statement; parsing
        it once as a prepared statement closes that door. Nothing is planned or run.
        """
        result = self.connection.pgconn.prepare(b"", statement)
        if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)


@contextmanager
def sandbox_session(url: str, limits: Limits, search_path: str, application: str) -> Iterator[Session]:
    """A fresh session, closed afterwards whatever happened. Raises WarehouseUnreachable without a server."""
    try:
        connection = psycopg.connect(
            url, autocommit=True, application_name=application, connect_timeout=10, prepare_threshold=None
        )
    except psycopg.Error as error:
        raise redacted(error, "", None) from None
    with closing(connection), Watchdog(connection, limits.seconds + _GRACE_SECONDS) as watchdog:
        try:
            _fence(connection, limits, search_path)
        except psycopg.Error as error:
            raise WarehouseUnreachable(
                f"The warehouse did not take the settings of the sandbox (SQLSTATE {error.sqlstate}); "
                "`alerting doctor` says what it lacks"
            ) from None
        yield Session(connection, watchdog)


@contextmanager
def redacting(session: Session, sql: str, position_of_sql: int | None, limits: Limits) -> Iterator[None]:
    """Turns errors of the database into sentences without its text."""
    try:
        yield
    except psycopg.Error as error:
        # `from None`: the cause carries the database's text, and a logged traceback would print it.
        if session.watchdog.has_bitten:
            raise QueryStopped(
                f"The query was stopped after {limits.seconds:g} s; move logic into dbt", sqlstate="57014"
            ) from None
        raise redacted(error, sql, position_of_sql) from None


def encoded(statement: str) -> bytes:
    """The statement as it is sent. A NUL would end it early in libpq, and a lone surrogate has no UTF-8."""
    try:
        sent = statement.encode()
    except UnicodeEncodeError:
        sent = b"\0"
    if b"\0" in sent:
        raise QueryFailed("The SQL contains a character that no SQL has (NUL or a surrogate); remove it")
    return sent


def _fence(connection: psycopg.Connection, limits: Limits, search_path: str) -> None:
    milliseconds = max(1, int(limits.seconds * 1000))
    settings = {
        "statement_timeout": milliseconds,
        "lock_timeout": int(limits.lock_seconds * 1000),
        "idle_in_transaction_session_timeout": milliseconds,
        "work_mem": f"{limits.work_mem_mb}MB",
        "default_transaction_read_only": "on",
        "timezone": "UTC",
        "datestyle": "ISO, YMD",
        "intervalstyle": "postgres",
        "standard_conforming_strings": "on",
        "client_encoding": "UTF8",
        "jit": "off",
    }
    if connection.info.server_version >= 170000:
        settings["transaction_timeout"] = milliseconds + 250  # ends the session, so it comes after the gentler one
    everything = "; ".join(f"set {name} = '{value}'" for name, value in settings.items())
    connection.execute(f"{everything}; set search_path = {search_path}".encode())
    # Lets the server notice that we are gone in the middle of a query; some platforms do not have it.
    with suppress(psycopg.errors.InvalidParameterValue, psycopg.errors.UndefinedObject):
        connection.execute("set client_connection_check_interval = 500")
    connection.execute(READ_ONLY)
    # After the first query the transaction can't be made writable any more, nor its snapshot be changed.
    connection.execute("select 1")
