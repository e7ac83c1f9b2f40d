"""What was read from parameter sheets: each row's newest content, and the request or the refusal that it became.

A row that is read again is known by the hash of what was typed, so it asks once, whatever dies in between: what it asks
is noted in the transaction that makes the request. A row that is emptied, or typed anew, may ask again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.change_request import Key, Request
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.parameter_sheet import Noted, Typed
from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store import parameter_values
from alerting_pipeline.store.change_requests import ChangeRequests, OpenRequests, requests_of

_ROW = "sheet = %(sheet)s and alert = %(alert)s and parameter = %(parameter)s and scope = %(scope)s " \
    "and scope_value = %(scope_value)s and closed_at is null"  # fmt: skip


Told = Callable[[Request], Sequence[Notification]]


class AskedAlready(AlertingError):
    """Another reader asked for the same row a moment ago."""


@dataclass(frozen=True, slots=True)
class SheetProposals:
    """The rows of all sheets. Every method is one short transaction."""

    engine: Engine

    @contextmanager
    def alone(self, sheet: str) -> Iterator[bool]:
        """Is nobody else reading this sheet? Two readers of different saves would each take the other's for news."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            lock = "hashtextextended('alerting parameter sheet ' || %s, 0)"
            got = connection.exec_driver_sql(f"select pg_try_advisory_lock({lock})", (sheet,)).scalar_one()
            try:
                yield bool(got)
            finally:
                if got:
                    connection.exec_driver_sql(f"select pg_advisory_unlock({lock})", (sheet,))

    def noted(self, sheet: str) -> dict[Key, Noted]:
        """What the rows of a sheet became, by row."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select alert, parameter, scope, scope_value, content_hash, request_id, refusal "
                "from ledger.sheet_proposals where sheet = %s and closed_at is null",
                (sheet,),
            ).all()
            asked = requests_of(connection, [row.request_id for row in rows if row.request_id is not None])
        return {
            Key(row.alert, row.parameter, row.scope, row.scope_value): Noted(
                row.content_hash, row.refusal, asked.get(row.request_id)
            )
            for row in rows
        }

    def refuse(self, typed: Typed, sentence: str) -> None:
        """What was typed becomes no request, and why."""
        with self.engine.begin() as connection:
            _note(connection, typed, None, sentence)

    def close(self, sheet: str, keys: Sequence[Key]) -> None:
        """These rows were emptied: what is typed there next is asked for again."""
        with self.engine.begin() as connection:
            for key in keys:
                connection.exec_driver_sql(
                    f"update ledger.sheet_proposals set closed_at = clock_timestamp() where {_ROW}", _row(sheet, key)
                )

    def book(self, typed: Typed, tell: Told) -> SheetBook:
        """Where requests are kept, and noted as those of this row. `tell` says what the person named there is told."""
        return SheetBook(self.engine, typed, tell)


@dataclass(frozen=True, slots=True)
class SheetBook(ChangeRequests):
    """All requests; a new one is that of a row."""

    typed: Typed
    told: Told

    @contextmanager
    def begin(self, alert: str) -> Iterator[OpenRequests]:
        """As of any change, and the row is noted in the same transaction."""
        with self.engine.begin() as connection:
            parameter_values.lock_parameters(connection, alert)
            yield _OfRow(connection, self.typed, self.told)


@dataclass(frozen=True, slots=True)
class _OfRow(OpenRequests):
    typed: Typed
    told: Told

    def add(self, request: Request, impact: Mapping[str, Any] | None) -> Request:
        """Store it as any other, or not at all where the row has asked already."""
        stored = OpenRequests.add(self, request, impact)
        if not _note(self.connection, self.typed, stored.request_id, None):
            raise AskedAlready(f"The row of {self.typed.key} was read by another program just now.")
        self.tell(self.told(stored))
        return stored


def _note(connection: Connection, typed: Typed, request_id: int | None, refusal: str | None) -> bool:
    row = {
        **_row(typed.sheet, typed.key), "hash": typed.content_hash, "person": typed.person, "written": typed.written,
        "request": request_id, "refusal": refusal,
    }  # fmt: skip
    connection.exec_driver_sql(
        f"update ledger.sheet_proposals set closed_at = clock_timestamp() where {_ROW} and content_hash <> %(hash)s",
        row,
    )
    done = connection.exec_driver_sql(
        "insert into ledger.sheet_proposals (sheet, alert, parameter, scope, scope_value, content_hash, person, "
        "written, request_id, refusal) values (%(sheet)s, %(alert)s, %(parameter)s, %(scope)s, %(scope_value)s, "
        "%(hash)s, %(person)s, %(written)s, %(request)s, %(refusal)s) on conflict do nothing",
        row,
    )
    return done.rowcount == 1


def _row(sheet: str, key: Key) -> dict[str, Any]:
    return {
        "sheet": sheet, "alert": key.alert, "parameter": key.parameter, "scope": key.scope,
        "scope_value": key.scope_value,
    }  # fmt: skip
