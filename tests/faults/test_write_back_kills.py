"""Rows of a table and their receipts are one transaction: not even a trigger ever sees a row written twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from alerting_pipeline.adapters.channels.table import TableChannel, TableSettings
from alerting_pipeline.domain.ports import Receipt
from alerting_pipeline.domain.waypoint import Waypoint
from alerting_pipeline.store.outbox import PostgresOutbox
from tests.conftest import Database
from tests.faults.delivery_worker import Death
from tests.faults.delivery_world import World, died_by_kill, make_world
from tests.soak.promise import Measured, Promise, shows

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
PROMISE = Promise(
    "write-back",
    "a row and its receipt are one transaction where the database is the same",
    "{count} × kill -9 between the write and its record, a trigger counts every write",
    10,
    100,
)
_COUNTED = """
create table operations.queue (incident_id bigint primary key, status text);
create table operations.writes (incident_id bigint);
create function operations.count_write() returns trigger language plpgsql security definer as
    $$ begin insert into operations.writes values (new.incident_id); return new; end $$;
create trigger counted after insert or update on operations.queue
    for each row execute function operations.count_write();
grant all on operations.queue to alerting_app;
"""


@pytest.fixture
def world(database: Database, home: Path) -> Iterator[World]:
    with psycopg.connect(database.owner_url) as connection:
        connection.execute(_COUNTED.encode())
    with make_world(database, home, only="queue") as made:
        yield made


@shows(PROMISE)
def test_a_row_is_written_once_however_often_its_writer_dies(world: World, measured: Measured) -> None:
    for turn in range(measured.count):
        world.put(3)
        with world.worker(Death(Waypoint.AFTER_SEND)) as process:
            process.join(20)
            assert died_by_kill(process), turn
        with psycopg.connect(world.database.owner_url) as connection:
            connection.execute("update ledger.outbox set leased_until = clock_timestamp() where status = 'leased'")
    world.finish()
    with psycopg.connect(world.database.owner_url) as connection:
        rows = connection.execute("select count(*), count(distinct incident_id) from operations.writes").fetchone()
        there = connection.execute("select count(*) from operations.queue").fetchone()
    assert rows == (world.incidents, world.incidents)
    assert there == (world.incidents,)
    measured.says(f"{measured.count} kills, {world.incidents} rows: 0 lost, 0 written twice (a trigger counted)")


def test_a_worker_whose_lease_was_taken_over_writes_nothing(world: World) -> None:
    world.put(1)
    slow = PostgresOutbox(world.engine, worker="slow", lease=0.05)
    stale = slow.claim(10, {})
    time.sleep(0.1)
    fresh = PostgresOutbox(world.engine, worker="quick").claim(10, {})
    channel = TableChannel(TableSettings(), "queue", lambda: world.engine)
    assert slow.record_with(stale, channel.deliver_within) == []
    ((_, answer),) = slow.record_with(fresh, channel.deliver_within)
    assert isinstance(answer, Receipt)
    with psycopg.connect(world.database.owner_url) as connection:
        assert connection.execute("select count(*) from operations.writes").fetchone() == (1,)
