"""Rows that are stamped early and committed late, while the model is read again and again: none is missed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from alerting_pipeline.domain.catalog import Model
from tests.conftest import Database
from tests.soak.promise import Measured, Promise, shows
from tests.usecases.world import COLUMNS, World, definition

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
PROMISE = Promise(
    "late rows",
    "every row is evaluated",
    "{count} rows in small transactions of eight writers, committed up to 2 s after their stamp, read all the while",
    1_000,
    10_000,
)
WRITERS, ROWS_OF_A_TRANSACTION = 8, 5
_INSERT = (
    "insert into marts.payments (id, amount, status, created_at, loaded_at) "
    "select %s || n, 150, 'pending', clock_timestamp(), clock_timestamp() from generate_series(1, %s) n"
)


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    # The overlap has to be longer than the longest load, here 2 s.
    meta = {"alerting": {"watermark": "loaded_at", "overlap": "30s"}}
    made.model = Model("payments", "m", "marts.payments", COLUMNS, (frozenset({"id"}),), meta)
    yield made
    made.close()


def _write(world: World, writer: int, transactions: int) -> None:
    dice = random.Random(writer)
    with psycopg.connect(world.database.superuser_url) as connection:
        for number in range(transactions):
            connection.execute(_INSERT, [f"{writer}.{number}.", ROWS_OF_A_TRANSACTION])
            time.sleep(dice.uniform(0, 2) if dice.random() < 0.05 else dice.uniform(0, 0.02))
            connection.commit()


@shows(PROMISE)
def test_a_row_that_is_committed_late_is_not_missed(world: World, measured: Measured) -> None:
    world.publish(definition(occurred_at="created_at"))
    transactions = measured.count // WRITERS // ROWS_OF_A_TRANSACTION
    rows, evaluations, cursor = WRITERS * transactions * ROWS_OF_A_TRANSACTION, 0, _Cursor(world)
    with ThreadPoolExecutor(WRITERS) as writers:
        writing = [writers.submit(_write, world, writer, transactions) for writer in range(WRITERS)]
        while not all(each.done() for each in writing):
            cursor.read()
            world.evaluate()
            evaluations += 1
    for each in writing:
        each.result()
    cursor.read()
    world.evaluate()
    found = world.sql("select count(*) as n, count(distinct fingerprint) as f from ledger.incidents")
    assert found == [{"n": rows, "f": rows}]
    assert cursor.missed(), "no row came late: the test would show nothing"
    measured.says(
        f"{rows:,} rows, {evaluations + 1} evaluations: 0 missed "
        f"(a cursor at the newest stamp, read at the same moments, misses {cursor.missed():,})"
    )


class _Cursor:
    """What a reader would see that remembers the newest stamp and reads what is newer."""

    def __init__(self, world: World) -> None:
        self._connection = psycopg.connect(world.database.superuser_url, autocommit=True)
        self._newest = "-infinity"
        self._seen = 0

    def read(self) -> None:
        row = self._connection.execute(
            "select count(*), coalesce(max(loaded_at), %s::timestamptz)::text from marts.payments "
            "where loaded_at > %s::timestamptz",
            [self._newest, self._newest],
        ).fetchone()
        assert row is not None
        self._seen, self._newest = self._seen + row[0], row[1]

    def missed(self) -> int:
        row = self._connection.execute("select count(*) from marts.payments").fetchone()
        assert row is not None
        return row[0] - self._seen
