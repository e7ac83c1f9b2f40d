"""The reader of the warehouse: what it gives, how it fails, and that nothing stays behind."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from alerting_pipeline.adapters.sandbox_session import Limits, redacting, sandbox_session
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.warehouse_error import (
    QueryFailed,
    QueryStopped,
    WarehouseError,
    WarehouseUnreachable,
)
from tests.conftest import Database

SECRET = "4111-1111-1111-1111"


@pytest.fixture
def warehouse(database: Database) -> Warehouse:
    with psycopg.connect(database.owner_url) as connection:
        connection.execute(
            "create table marts.payments as select 'p' || n as payment_id, n * 1.5 as amount, "
            "timestamptz '2026-01-05 06:00+01' as created_at, case when n = 2 then null else 'a\tb' end as note "
            "from generate_series(1, 3) n"
        )
        connection.execute(f"create table marts.cards as select '{SECRET}' as card")
        connection.execute("grant select on marts.payments, marts.cards to alert_reader")
    return Warehouse(database.reader_url, Limits(seconds=2, lock_seconds=0.5, rows=5_000, bytes=200_000))


def test_stream_gives_copy_lines_one_at_a_time(warehouse: Warehouse) -> None:
    lines = list(warehouse.stream("select payment_id, amount, created_at, note from marts.payments order by 1"))
    assert lines[0] == b"p1\t1.5\t2026-01-05 05:00:00+00\ta\\tb\n"
    assert lines[1].endswith(b"\\N\n")
    assert len(lines) == 3


def test_a_query_may_end_in_a_comment(warehouse: Warehouse) -> None:
    assert list(warehouse.stream("select 1 -- the end")) == [b"1\n"]


def test_rows_are_typed_and_parameters_are_bound(warehouse: Warehouse) -> None:
    hostile = "p1' or true --"
    by_name = "select amount, created_at from marts.payments where payment_id = %(id)s"
    assert warehouse.rows(by_name, {"id": "p1"}) == [
        {"amount": Decimal("1.5"), "created_at": datetime(2026, 1, 5, 5, tzinfo=UTC)}
    ]
    assert warehouse.rows(by_name, {"id": hostile}) == []
    assert warehouse.rows("select %s::int as n", [3]) == [{"n": 3}]


def test_without_parameters_a_percent_sign_is_one(warehouse: Warehouse) -> None:
    assert warehouse.rows("select count(*) as n from marts.payments where payment_id like 'p%'") == [{"n": 3}]


def test_probe_tells_role_version_and_disk_limit(warehouse: Warehouse) -> None:
    probe = warehouse.probe()
    assert probe.role == "alert_reader"
    assert probe.server_version >= 140000
    assert probe.temp_file_limit == "2GB"


@pytest.mark.parametrize("read", [lambda w, q: list(w.stream(q)), lambda w, q: w.rows(q)], ids=["stream", "rows"])
@pytest.mark.parametrize(
    ("query", "sqlstate", "word"),
    [
        ("select card::numeric from marts.cards", "22P02", "type"),
        ("select card::date from marts.cards", "22007", "date"),
        ("select amount / (amount - 1.5) from marts.payments", "22012", "nullif"),
        ("select nothing_here from marts.payments", "42703", 'at "nothing_here"'),
        ("select * from marts.nowhere", "42P01", 'at "marts"'),
        ("select *\nfrom raw.payments", "42501", "role"),
        ("selec 1", "42601", 'at "selec"'),
        ("select (select n from generate_series(1, 2) n)", "21000", "one row"),
        ("select 1; select 2", "42601", "SELECT"),
    ],
)
def test_failures_are_sentences_without_the_database_s_text(
    warehouse: Warehouse,
    database: Database,
    read: Callable[[Warehouse, str], object],
    query: str,
    sqlstate: str,
    word: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("create table raw.payments (n int)")
    with caplog.at_level(logging.DEBUG), pytest.raises(QueryFailed) as caught:
        read(warehouse, query)
    told = "".join(traceback.format_exception(caught.value)).replace(query, "") + caplog.text
    assert caught.value.sqlstate == sqlstate
    assert word in str(caught.value)
    assert "; " in str(caught.value)
    assert SECRET not in told
    assert "invalid input syntax" not in told


def test_the_database_s_own_text_would_have_told_the_value(warehouse: Warehouse, database: Database) -> None:
    with psycopg.connect(database.reader_url) as connection, pytest.raises(psycopg.errors.DataError, match=SECRET):
        connection.execute("select card::numeric from marts.cards")


@pytest.mark.parametrize("query", ["select 1) to stdout\0", "select '\ud800'"])
def test_characters_that_no_sql_has_are_refused(warehouse: Warehouse, query: str) -> None:
    for read in (lambda: list(warehouse.stream(query)), lambda: warehouse.rows(query)):
        with pytest.raises(QueryFailed, match="character"):
            read()


def test_the_offset_points_into_the_caller_s_sql(warehouse: Warehouse) -> None:
    query = "select amount,\n  wrong\nfrom marts.payments"
    for read in (lambda: list(warehouse.stream(query)), lambda: warehouse.rows(query)):
        with pytest.raises(QueryFailed, match='line 2, column 3, at "wrong"') as caught:
            read()
        assert caught.value.offset == query.index("wrong")


def test_an_unreachable_server_is_told_apart_and_no_address_is_printed() -> None:
    warehouse = Warehouse("postgresql://alert_reader:s3cret@127.0.0.1:1/x?connect_timeout=1")
    with pytest.raises(WarehouseUnreachable) as caught:
        warehouse.probe()
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("read", [lambda w, q: list(w.stream(q)), lambda w, q: w.rows(q)], ids=["stream", "rows"])
def test_a_long_query_is_stopped_in_time(warehouse: Warehouse, read: Callable[[Warehouse, str], object]) -> None:
    began = time.monotonic()
    with pytest.raises(QueryStopped, match="longer than it may"):
        read(warehouse, "select count(*) from generate_series(1, 1000000000000) a")
    assert time.monotonic() - began < 3.0


def test_the_watchdog_stops_what_has_switched_the_timeout_off(database: Database) -> None:
    with psycopg.connect(database.superuser_url) as connection:  # as on a server that nobody hardened
        connection.execute("grant execute on function pg_sleep(double precision) to alert_reader")
    began = time.monotonic()
    limits = Limits(seconds=1)
    with (
        pytest.raises(QueryStopped, match="stopped after 1 s"),
        sandbox_session(database.reader_url, limits, "pg_catalog", "test") as session,
        redacting(session, "", None, limits),
    ):
        session.connection.execute("set statement_timeout = 0; set transaction_timeout = 0")
        session.connection.execute("select pg_sleep(30)")
    assert 1.0 < time.monotonic() - began < 2.6


def test_a_flood_is_cut_at_the_limit_of_bytes_and_rows(warehouse: Warehouse) -> None:
    flood = "select 'xxxxxxxxxxxxxxxxxxx' as x, generate_series(1, 100000000) as n"
    taken = 0
    with pytest.raises(QueryStopped, match="200,000 bytes"):
        for line in warehouse.stream(flood):
            taken += len(line)
    assert 199_900 < taken <= 200_000
    with pytest.raises(QueryStopped, match="5,000 rows"):
        warehouse.rows(flood)


def test_a_reader_that_stops_reading_leaves_no_query_behind(warehouse: Warehouse, database: Database) -> None:
    stream = warehouse.stream("select generate_series(1, 100000000) as n")
    assert next(stream) == b"1\n"
    stream.close()  # type: ignore[attr-defined]  # a generator
    assert _sessions(database, until=0) == 0


def test_every_use_has_its_own_session_and_leaves_none(warehouse: Warehouse, database: Database) -> None:
    first, second = (warehouse.rows("select pg_backend_pid() as pid")[0]["pid"] for _ in range(2))
    assert first != second
    for query in ("select 1 / 0", "select 1"):
        with pytest.raises(QueryFailed) if "0" in query else threading.Lock():
            list(warehouse.stream(query))
    assert _sessions(database, until=0) == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "warehouse-watchdog"]


def test_a_locked_table_is_waited_for_but_not_for_long(warehouse: Warehouse, database: Database) -> None:
    with psycopg.connect(database.owner_url) as other:
        other.execute("lock table marts.payments in access exclusive mode")
        began = time.monotonic()
        with pytest.raises(QueryStopped, match="locked"):
            list(warehouse.stream("select * from marts.payments"))
        assert time.monotonic() - began < 1.5


def test_one_read_sees_one_state(warehouse: Warehouse, database: Database) -> None:
    query = "select n.n from marts.payments p cross join generate_series(1, 4000) n order by random()"
    stream: Iterator[bytes] = warehouse.stream(query)
    next(stream)
    with psycopg.connect(database.owner_url) as other:
        other.execute("delete from marts.payments")
    assert sum(1 for _ in stream) == 11_999


def test_a_killed_session_is_an_unreachable_warehouse(warehouse: Warehouse, database: Database) -> None:
    stream = warehouse.stream("select generate_series(1, 100000000) as n")
    next(stream)
    with psycopg.connect(database.superuser_url) as other:
        other.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'alert_reader'")
    with pytest.raises(WarehouseError) as caught:
        list(stream)
    assert isinstance(caught.value, WarehouseUnreachable | QueryStopped)


def _sessions(database: Database, until: int) -> int:
    """Sessions of the reader in this database, once there are no more than `until`, or after 3 s."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        deadline = time.monotonic() + 3
        while True:
            row = connection.execute(
                "select count(*) from pg_stat_activity where usename = 'alert_reader' and datname = current_database()"
            ).fetchone()
            if row is None or row[0] <= until or time.monotonic() > deadline:
                return row[0] if row else 0
            time.sleep(0.05)
