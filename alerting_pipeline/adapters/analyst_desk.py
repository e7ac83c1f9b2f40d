"""A person's own query, read only, as the role that sees raw data, marts and the documented views.

The session is as fenced as the alerts' (sandbox_session), but the database's error text is shown: whoever asks may
read those rows. The first rows are taken from a stream and the rest is never computed for nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import psycopg

from alerting_pipeline.adapters.redaction import redacted
from alerting_pipeline.adapters.sandbox_session import Limits, encoded, sandbox_session
from alerting_pipeline.domain.warehouse_error import QueryFailed, QueryStopped, WarehouseUnreachable

SEARCH_PATH = "marts, alerting, intermediate, staging, raw, operations, pg_catalog"
_WIDEST_LINE = 100
_REMEDIES = {
    "42501": "the analyst reads raw, staging, intermediate, marts, operations and the views in alerting, and no more",
    "42601": "write one SELECT",
    "42703": "information_schema.columns lists what there is",
    "42P01": "information_schema.tables lists what there is",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The first rows of a query. `is_cut`: there are more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_cut: bool


class AnalystDesk:
    """Answers one query at a time, within `limits.seconds`."""

    def __init__(self, analyst_url: str, limits: Limits | None = None) -> None:
        self._url = analyst_url
        self._limits = limits or Limits(seconds=300.0)

    def ask(self, query: str, limit: int) -> Answer:
        """The first `limit` rows. Raises QueryFailed with the place in the query, or another WarehouseError."""
        statement = encoded(query)
        with sandbox_session(self._url, self._limits, SEARCH_PATH, "alerting-sql") as session:
            try:
                return _first(session.connection, statement, limit)
            except psycopg.Error as error:
                if session.watchdog.has_bitten or error.sqlstate in ("57014", "25P04"):
                    raise QueryStopped(
                        f"The query was stopped after {self._limits.seconds:g} s; narrow it, or ask for a mart",
                        sqlstate=error.sqlstate,
                    ) from None
                failure = redacted(error, query, 0)
                if isinstance(failure, WarehouseUnreachable):
                    raise failure from None
                raise QueryFailed(
                    _in_full(error, query, failure.offset), sqlstate=error.sqlstate, offset=failure.offset
                ) from None


def _first(connection: psycopg.Connection, statement: bytes, limit: int) -> Answer:
    rows: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        # stream() speaks the extended protocol: one statement, and rows as they come.
        answer = cursor.stream(statement)
        is_cut = False
        for row in answer:
            if len(rows) == limit:
                is_cut = True
                break
            rows.append(row)
        columns = tuple(column.name for column in cursor.description or ())
        answer.close()  # type: ignore[attr-defined]  # a generator; closing it stops the query
        return Answer(columns, tuple(rows), is_cut)


def _in_full(error: psycopg.Error, query: str, offset: int | None) -> str:
    """The database's sentence and hint, with the line of the query and a caret under the place."""
    if error.sqlstate is None:
        return "That gives no rows; write one SELECT, or EXPLAIN, SHOW or VALUES"
    if error.sqlstate == "25006":
        return "The query would write, and `alerting sql` only reads; write one SELECT"
    parts = [error.diag.message_primary or "the database refused the query", error.diag.message_detail]
    parts.append(error.diag.message_hint or _REMEDIES.get(error.sqlstate))
    sentence = "; ".join(part.rstrip(".") for part in parts if part)
    if offset is None:
        return sentence[0].upper() + sentence[1:]
    number = query.count("\n", 0, offset) + 1
    begin = query.rfind("\n", 0, offset) + 1
    column = offset - begin
    line = query[begin:].split("\n", 1)[0]
    cut = max(0, column - _WIDEST_LINE // 2)
    shown = re.sub(r"\s", " ", line[cut : cut + _WIDEST_LINE])
    return f"line {number}, column {column + 1}: {sentence}\n  {shown}\n  {' ' * (column - cut)}^"
