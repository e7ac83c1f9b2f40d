"""Reads the warehouse with SQL that other people wrote, as the role that may read marts and nothing else.

Each read has its own session (sandbox_session). COPY is used for what may be large: it keeps the parallel plan that a
cursor loses. Errors are sentences without text of the database (redaction).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg.rows import dict_row

from alerting_pipeline.adapters.sandbox_session import Limits, Session, encoded, redacting, sandbox_session
from alerting_pipeline.domain.warehouse_error import QueryStopped

_COPY, _TO_STDOUT = "copy (\n", "\n) to stdout"


@dataclass(frozen=True, slots=True)
class Probe:
    """What answered: the role, the server's version (180004 is 18.4), the disk that a sort may take (-1: any)."""

    role: str
    server_version: int
    temp_file_limit: str


class Warehouse:
    """The sandboxed reader. Safe to share between threads: every call has a connection of its own."""

    def __init__(self, reader_url: str, limits: Limits | None = None) -> None:
        self._url = reader_url
        self._limits = limits or Limits()

    def stream(self, sql: str) -> Iterator[bytes]:
        """The rows of one SELECT in COPY's text format, a line with its newline at a time.

        The time limit covers the reader of the lines as well. Closing the iterator early stops the query. Raises
        WarehouseError; QueryStopped beyond the limit of bytes, after the lines up to it were given.
        """
        statement, taken = encoded(f"{_COPY}{sql}{_TO_STDOUT}"), 0
        with self._session() as session, redacting(session, sql, len(_COPY), self._limits):
            session.refuse_several(statement)
            with session.connection.cursor() as cursor, cursor.copy(statement) as copy:
                for line in copy:
                    taken += len(line)
                    if taken > self._limits.bytes:
                        raise QueryStopped(
                            f"The query gives more than {self._limits.bytes:,} bytes; "
                            "select fewer columns, or tighten the condition",
                            sqlstate="54000",
                        )
                    yield bytes(line)

    def rows(self, sql: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one statement that gives rows, as dicts by column; `%(name)s` or `%s` are bound, never spliced.

        Without parameters a percent sign is a percent sign. Raises WarehouseError; QueryStopped beyond the limit of
        rows.
        """
        found: list[dict[str, Any]] = []
        statement, position = encoded(sql), 0 if parameters is None else None
        with (
            self._session() as session,
            redacting(session, sql, position, self._limits),
            session.connection.cursor(row_factory=dict_row) as cursor,
        ):
            # stream(), unlike execute(), always speaks the extended protocol: one statement.
            for row in cursor.stream(statement, parameters):
                if len(found) == self._limits.rows:
                    raise QueryStopped(
                        f"The query gives more than {self._limits.rows:,} rows; tighten it, or aggregate in dbt",
                        sqlstate="54000",
                    )
                found.append(row)
        return found

    def probe(self) -> Probe:
        """Opens a session as any read would, and says what it met. Raises WarehouseError."""
        with self._session() as session, redacting(session, "", None, self._limits):
            limit = session.connection.execute("show temp_file_limit").fetchone()
            return Probe(
                session.connection.info.user,
                session.connection.info.server_version,
                str(limit[0]) if limit else "unknown",
            )

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with sandbox_session(self._url, self._limits, "pg_catalog", "alerting-reader") as session:
            yield session
