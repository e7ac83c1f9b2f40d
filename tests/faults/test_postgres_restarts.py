"""Postgres is shut down at once, again and again, while messages leave and marts are evaluated: nothing is lost."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from alerting_pipeline.adapters.embedded_postgres import DATABASE, EmbeddedPostgres
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.store.hardening import harden
from alerting_pipeline.store.migrate import migrate
from alerting_pipeline.store.roles import fence_database
from tests.conftest import Database
from tests.faults.delivery_world import World, make_world
from tests.faults.evaluating import Setting, evaluate
from tests.soak.promise import Measured, Promise, shows
from tests.usecases.world import World as MartWorld
from tests.usecases.world import definition

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
PROMISE = Promise(
    "Postgres down",
    "work resumes by itself, nothing is half done",
    "{count} × pg_ctl restart -m immediate, while two workers deliver, incidents are committed and a mart is evaluated",
    4,
    20,
)


@pytest.fixture
def own_database(tmp_path: Path) -> Iterator[Database]:
    """A server of the test's own: the others' must not be restarted."""
    server = EmbeddedPostgres(tmp_path / "own postgres", shared_buffers_mb=64)
    server.acquire()
    try:
        migrate(server.url())
        harden(server.url("postgres"))
        with psycopg.connect(server.url(), autocommit=True) as connection:
            fence_database(connection)
        yield Database(DATABASE, server)
    finally:
        server.release()


def _restart(database: Database) -> None:
    done = database.server._control("restart", "-m", "immediate", "-w", "-l", str(database.server.folder / "log"))
    assert done.returncode == 0, done.stderr


class _Busy:
    """Commits deliveries and evaluates the mart until told to stop; what a restart interrupts is done again."""

    def __init__(self, world: World, mart: MartWorld) -> None:
        self._world, self._mart = world, mart
        self._stop = threading.Event()
        self.interrupted = self.evaluations = 0
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._put, self._evaluate)]

    def __enter__(self) -> _Busy:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _put(self) -> None:
        while not self._stop.wait(0.05):
            try:
                self._world.put(1)
            except DBAPIError:
                self.interrupted += 1

    def _evaluate(self) -> None:
        setting = Setting.of(self._mart)
        while not self._stop.wait(0.01):
            now = self._mart.now + timedelta(minutes=self.evaluations)
            try:
                evaluate(setting, f"m{self.evaluations}", now)
                self.evaluations += 1
            except (DBAPIError, AlertingError):
                self.interrupted += 1


@shows(PROMISE)
def test_immediate_restarts_lose_nothing_and_leave_no_half_state(
    own_database: Database, home: Path, measured: Measured
) -> None:
    dice, mart = random.Random(3), MartWorld(own_database)
    mart.publish(*(definition(alert=f"large_{number}") for number in range(5)))
    mart.put(*({"id": f"t{number}", "amount": 150} for number in range(300)))
    with make_world(own_database, home) as world:
        with world.worker(), world.worker(), _Busy(world, mart) as busy:
            for _ in range(measured.count):
                time.sleep(dice.uniform(0.2, 1.5))
                _restart(own_database)
            time.sleep(1)
        committed = mart.sql("select count(*) as n from ledger.incidents where alert = 'late'")[0]["n"]
        told = mart.sql("select count(*) as n from ledger.outbox where alert = 'late'")[0]["n"]
        assert told == 7 * committed
        world.incidents, world.wanted = committed, told
        mart.sql("truncate ledger.held_notifications")  # of the other alerts
        mart.sql("delete from ledger.delivery_attempts where delivery_id in "
                 "(select delivery_id from ledger.outbox where alert <> 'late')")  # fmt: skip
        mart.sql("delete from ledger.outbox where alert <> 'late'")
        world.finish()
        found = world.reckon()
    assert (found.lost, found.doubled_where_keyed, found.unnoted, found.doubled["Slack"]) == (0, 0, 0, 0)
    assert mart.sql(
        "select alert, count(*) as n from ledger.incidents where alert <> 'late' group by 1 order by 1"
    ) == [{"alert": f"large_{number}", "n": 300} for number in range(5)]
    mart.close()
    assert busy.interrupted, "no restart met work: the test would show nothing"
    measured.says(
        f"{measured.count} restarts, {busy.interrupted} pieces of work interrupted, {told:,} messages, "
        f"{busy.evaluations} evaluations: 0 lost, 0 half states, 0 duplicate effects at keyed sinks, "
        f"duplicate mails {found.doubled['e-mail']}"
    )
