"""Loads deliveries into raw tables, each wholly or not at all, whatever happens in the middle.

A delivery that replaces a period (or everything) is copied into a table of its own, which then takes the old one's
place in one short transaction: 0.6 s for half a million rows however many months are stored, where an upsert by key
takes 9 s and grows. A process that dies leaves at most that table, which the next loader of the source removes.

One loader at a time per source, by an advisory lock: nothing is loaded twice, and `_loaded_at` grows in the order in
which loads become visible, so that a reader with a watermark misses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg import sql

from alerting_pipeline.domain.arrival import ArrivedFile, Delivery, KnownFile, held_by
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.loading import Busy, LoadResult, TableStream, Taken, Unreadable
from alerting_pipeline.domain.source import Mode, Source
from alerting_pipeline.store import loads
from alerting_pipeline.store.loads import Connection
from alerting_pipeline.store.raw_copy import copy_rows
from alerting_pipeline.store.raw_schema import add_columns, columns_of, ensure_table, own_columns, relation, with_lock
from alerting_pipeline.store.raw_sums import copy_sums
from alerting_pipeline.store.raw_swap import Standalone, put_in_place, remove_leftovers

OpenFile = Callable[[ArrivedFile], AbstractContextManager[TableStream]]


@dataclass(frozen=True, slots=True)
class PostgresRawTables:
    """Raw tables in Postgres. `url` is the owner's libpq address; `told` hears what each load of a source refused."""

    url: str
    told: Callable[[LoadResult], None] = lambda result: None

    def ensure(self, sources: Sequence[Source]) -> None:
        with self._connected() as connection:
            for source in sources:
                ensure_table(connection, source)

    def known(self, source: str) -> list[KnownFile]:
        with self._connected() as connection:
            return loads.known_files(connection, source)

    def newest(self, source: str) -> tuple[datetime | None, str | None]:
        with self._connected() as connection:
            return loads.newest_load(connection, source)

    def settle(self, result: LoadResult) -> None:
        self.told(result)

    @contextmanager
    def holding(self, source: Source, wait_seconds: float) -> Iterator[HeldTable]:
        with self._connected() as connection:
            _wait_for(connection, source, wait_seconds)
            loads.forget_interrupted(connection, source.name)
            remove_leftovers(connection, source.name)
            try:
                yield HeldTable(connection, source)
            except psycopg.Error as error:
                reason = (error.diag.message_primary or str(error)).strip().splitlines()[0]
                raise AlertingError(f"raw.{source.name} could not be loaded: {reason}") from error

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection that reads instants as UTC and refuses dates whose day and month could be either."""
        try:
            connection = psycopg.connect(
                self.url, autocommit=True, application_name="alerting-load", connect_timeout=10
            )
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            raise AlertingError(f"The database can't be reached ({reason}); check ALERTING_DATABASE_URL") from error
        with connection:
            connection.execute("set timezone to 'UTC'; set datestyle to 'ISO, YMD'; set statement_timeout to 0")
            yield connection


@dataclass(frozen=True, slots=True)
class HeldTable:
    """A raw table that nobody else loads for now."""

    _connection: Connection
    _source: Source
    _mode: Mode = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_mode", self._source.mode)

    def known(self, delivery: Delivery) -> list[KnownFile]:
        return loads.known_beside(self._connection, self._mode, delivery)

    def record_superseded(self, delivery: Delivery) -> None:
        loads.record_superseded(self._connection, self._mode, delivery)

    def record_failed(self, delivery: Delivery, file: ArrivedFile, content_hash: str, error: str) -> None:
        loads.record_failed(self._connection, self._mode, delivery, file, (content_hash, error))

    def take(self, delivery: Delivery, open_file: OpenFile, on_bytes: Callable[[int], None]) -> Taken:
        replaced = [each.load_id for each in held_by(self._mode, delivery, self.known(delivery))]
        if self._mode is Mode.APPEND:
            return self._append(delivery, replaced, open_file, on_bytes)
        return self._replace(delivery, replaced, open_file, on_bytes)

    def _append(
        self, delivery: Delivery, replaced: list[int], open_file: OpenFile, on_bytes: Callable[[int], None]
    ) -> Taken:
        """Straight into the table. A file that came again with other content replaces its own earlier rows."""
        connection, file = self._connection, delivery.files[0]
        with _naming(file), open_file(file) as stream:
            table = columns_of(connection, self._source.name)
            added = _added(self._source, stream, table, is_empty_allowed=True)
            if added:
                with_lock(connection, lambda: add_columns(connection, self._source.name, added))
            with connection.transaction():
                connection.execute("set local synchronous_commit to off")
                (load_id,), _ = loads.begin_load(connection, self._mode, delivery)
                connection.execute(
                    "select set_config('alerting.load_id', %s, true), set_config('alerting.file', %s, true)",
                    [str(load_id), file.name],
                )
                rows = self._copy(stream, table | added, on_bytes) if stream.columns else 0
                if replaced:
                    gone = sql.SQL("delete from {} where _load_id = any (%s)").format(relation(self._source.name))
                    connection.execute(gone, [replaced])
                loads.note_content(connection, load_id, stream.content_hash, rows)
                replaced_rows = loads.finish_load(connection, [load_id], replaced)
            return Taken(rows, (stream.content_hash,), tuple(added), _missing(self._source, stream), replaced_rows)

    def _copy(self, stream: TableStream, table: dict[str, str], on_bytes: Callable[[int], None]) -> int:
        if self._source.ingest.sums is not None:
            return copy_sums(self._connection, self._source, stream, on_bytes)
        return copy_rows(self._connection, relation(self._source.name), stream, table, (False, on_bytes))

    def _replace(
        self, delivery: Delivery, replaced: list[int], open_file: OpenFile, on_bytes: Callable[[int], None]
    ) -> Taken:
        """Into a table of its own, which then takes the place of the period's (or of everything)."""
        connection, source = self._connection, self._source
        table = columns_of(connection, source.name)
        hashes, total, added, seen = [], 0, {}, set()
        with connection.transaction():
            connection.execute("set local synchronous_commit to off")
            ids, instant = loads.begin_load(connection, self._mode, delivery)
            fresh = Standalone(connection, source, delivery, ids, instant)
            for load_id, file in zip(ids, delivery.files, strict=True):
                with _naming(file), open_file(file) as stream:
                    added |= _added(source, stream, table, is_empty_allowed=False)
                    types = table | added
                    fresh.receive(load_id, file, {name: types[name] for name in stream.columns})
                    rows = copy_rows(connection, fresh.relation, stream, types, (True, on_bytes))
                    loads.note_content(connection, load_id, stream.content_hash, rows)
                    hashes.append(stream.content_hash)
                    seen.update(stream.columns)
                    total += rows
            fresh.complete(table | added)
        replaced_rows = put_in_place(connection, fresh, added, replaced)
        missing = tuple(column.name for column in source.columns if column.name not in seen)
        return Taken(total, tuple(hashes), tuple(added), missing, replaced_rows)


def _wait_for(connection: Connection, source: Source, wait_seconds: float) -> None:
    """Become the source's only loader, until the connection ends (by whatever cause)."""
    deadline = time.monotonic() + wait_seconds
    while True:
        row = connection.execute(
            "select pg_try_advisory_lock(hashtextextended('alerting load ' || %s::text, 0))", [source.name]
        ).fetchone()
        if row and row[0]:
            return
        if time.monotonic() > deadline:
            raise Busy(
                f"another load of {source.name} has been running for over {wait_seconds:.0f} s; "
                "wait until it is done, then load again"
            )
        time.sleep(0.1)


@contextmanager
def _naming(file: ArrivedFile) -> Iterator[None]:
    """Whatever can't be read below names the file."""
    try:
        yield
    except Unreadable as error:
        raise error.within(file.name) from error


def _added(source: Source, stream: TableStream, table: dict[str, str], *, is_empty_allowed: bool) -> dict[str, str]:
    """The columns of a file that the table lacks, as text. A file with nothing that is declared is another file."""
    if not stream.columns and not is_empty_allowed:
        raise Unreadable("the file is empty, and would replace what is there", remedy="have it delivered again")
    declared = {column.name for column in source.columns}
    if stream.columns and declared and not declared.intersection(stream.columns):
        shown = ", ".join(stream.headers[:5])
        raise Unreadable(
            f"none of its columns is declared for {source.name}: {shown[:120]}",
            line=1 if stream.format.has_header else None,
            remedy=f"check its delimiter and that it belongs to {source.name}, declared at {source.place}",
        )
    if source.ingest.sums is not None:
        return {}
    ours = {column.name for column in own_columns(source.mode)}
    return {name: "text" for name in stream.columns if name not in table and name not in ours}


def _missing(source: Source, stream: TableStream) -> tuple[str, ...]:
    counted = source.ingest.sums.count if source.ingest.sums is not None else None
    expected = [column.name for column in source.columns if column.name != counted]
    return tuple(name for name in expected if stream.columns and name not in stream.columns)
