"""The ledger of loads: which file (by name and content) went into which raw table, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from alerting_pipeline.domain.arrival import ArrivedFile, Delivery, KnownFile
from alerting_pipeline.domain.file_pattern import natural_order
from alerting_pipeline.domain.source import Mode

Connection = psycopg.Connection[Any]
_KNOWN = "select load_id, file, content_hash, status, period, delivery from ledger.loads where source = %(source)s"


def known_files(connection: Connection, source: str) -> list[KnownFile]:
    """Every file of a source that was loaded, passed over or refused."""
    rows = connection.execute(f"{_KNOWN} and status <> 'loading' order by load_id".encode(), {"source": source})
    return [KnownFile(*row) for row in rows]


def known_beside(connection: Connection, mode: Mode, delivery: Delivery) -> list[KnownFile]:
    """The same, only for the place in the table that a delivery would take."""
    place = "file = any (%(files)s)" if mode is Mode.APPEND else "period is not distinct from %(period)s"
    values = {"source": delivery.source, "files": [file.name for file in delivery.files], "period": delivery.period}
    rows = connection.execute(f"{_KNOWN} and status <> 'loading' and {place} order by load_id".encode(), values)
    return [KnownFile(*row) for row in rows]


def newest_load(connection: Connection, source: str) -> tuple[datetime | None, str | None]:
    """When a source's data last came in, and the newest delivery (or file) that is in its table."""
    rows = connection.execute(
        "select finished_at, coalesce(delivery, file) from ledger.loads where source = %s and status = 'loaded'",
        [source],
    ).fetchall()
    if not rows:
        return None, None
    return max(row[0] for row in rows), max((row[1] for row in rows), key=natural_order)


def begin_load(connection: Connection, mode: Mode, delivery: Delivery) -> tuple[list[int], datetime]:
    """A row per file of a delivery that is about to be loaded, with the instant that counts as its load's."""
    ids, instant = [], None
    for file in delivery.files:
        row = connection.execute(
            "insert into ledger.loads (source, file, content_hash, bytes, mode, period, delivery, status) "
            "values (%s, %s, '', %s, %s, %s, %s, 'loading') returning load_id, started_at",
            [delivery.source, file.name, file.bytes, mode.value, delivery.period, delivery.delivery],
        ).fetchone()
        assert row is not None  # noqa: S101 - an insert returns its row
        ids.append(row[0])
        instant = instant or row[1]
    assert instant is not None  # noqa: S101 - a delivery has files
    return ids, instant


def note_content(connection: Connection, load_id: int, content_hash: str, rows: int) -> None:
    """What one file turned out to hold."""
    connection.execute(
        "update ledger.loads set content_hash = %s, rows = %s where load_id = %s", [content_hash, rows, load_id]
    )


def finish_load(connection: Connection, ids: Sequence[int], replaced: Sequence[int]) -> int:
    """The loads hold from now on, in the place of the replaced ones; returns how many rows those had."""
    row = connection.execute(
        "with gone as (update ledger.loads set status = 'replaced' where load_id = any (%s) returning rows) "
        "select coalesce(sum(rows), 0)::bigint from gone",
        [list(replaced)],
    ).fetchone()
    connection.execute(
        "update ledger.loads set status = 'loaded', finished_at = clock_timestamp() where load_id = any (%s)",
        [list(ids)],
    )
    return row[0] if row else 0


def record_superseded(connection: Connection, mode: Mode, delivery: Delivery) -> None:
    """Note a delivery that came after a newer one. It isn't read, so its content's hash isn't known."""
    for file in delivery.files:
        connection.execute(
            "insert into ledger.loads (source, file, content_hash, bytes, mode, period, delivery, finished_at, status) "
            "values (%s, %s, '', %s, %s, %s, %s, clock_timestamp(), 'superseded') on conflict do nothing",
            [delivery.source, file.name, file.bytes, mode.value, delivery.period, delivery.delivery],
        )


def record_failed(
    connection: Connection, mode: Mode, delivery: Delivery, file: ArrivedFile, refusal: tuple[str, str]
) -> None:
    """Note a refusal, as (content hash, error). The same content refused again keeps its one row."""
    content_hash, error = refusal
    again = connection.execute(
        "update ledger.loads set finished_at = clock_timestamp(), error = %s "
        "where source = %s and file = %s and content_hash = %s and status = 'failed'",
        [error, delivery.source, file.name, content_hash],
    )
    if again.rowcount == 0:
        connection.execute(
            "insert into ledger.loads "
            "(source, file, content_hash, bytes, mode, period, delivery, finished_at, status, error) "
            "values (%s, %s, %s, %s, %s, %s, %s, clock_timestamp(), 'failed', %s)",
            [
                *(delivery.source, file.name, content_hash, file.bytes, mode.value),
                *(delivery.period, delivery.delivery, error),
            ],
        )


def forget_interrupted(connection: Connection, source: str) -> None:
    """Loads that never finished: their process died. Ask only while holding the source."""
    connection.execute("delete from ledger.loads where source = %s and status = 'loading'", [source])


def forget_loaded(connection: Connection, source: str) -> None:
    """The table is gone, so nothing that the ledger says of it holds: every delivery is to be loaded again."""
    connection.execute(
        "update ledger.loads set status = 'replaced' where source = %s and status in ('loaded', 'superseded')", [source]
    )
