"""A scheduler that ticks too often, or not for hours: every window is evaluated once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from alerting_pipeline.domain.evaluation import HEALTHY, Health
from alerting_pipeline.store.due_work import PostgresDueWork
from alerting_pipeline.usecases.catch_up import CatchUp
from tests.conftest import Database
from tests.soak.promise import Measured, Promise, shows
from tests.usecases.world import World, definition

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
PROMISE = Promise(
    "ticks",
    "a repeated or missing tick is harmless",
    "every tick comes ten times at once, and after each of {count} outages of 3 h; a schedule of every 15 min, and one "
    "more schedule that begins with every tick",
    2,
    20,
)
TICKS = 10


class _Healthy:
    def of(self, models: object) -> Health:
        return HEALTHY


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()


def _tick(world: World, now: datetime, gate: threading.Barrier) -> list[str]:
    work = CatchUp(PostgresDueWork(world.engine), world.evaluator(), _Healthy())
    gate.wait()
    work.note_windows(now)
    return work.work_off(now, threading.current_thread().name, lambda results: None)


def _tick_together(world: World, now: datetime) -> None:
    gate = threading.Barrier(TICKS)
    world.engine.dispose()  # whoever comes back after an outage connects anew, each in its own time
    with ThreadPoolExecutor(TICKS) as ticks:
        for failures in [ticks.submit(_tick, world, now, gate) for _ in range(TICKS)]:
            assert failures.result() == []


@shows(PROMISE)
def test_every_window_is_evaluated_once_however_ticks_come(world: World, measured: Measured) -> None:
    world.publish(definition(trigger={"cron": "*/15 * * * *"}))
    world.put({"id": "t1", "amount": 150})
    begun = world.now
    _tick_together(world, world.now)
    for number in range(measured.count):
        world.later(hours=3)
        world.publish(definition(alert=f"yearly_{number}", trigger={"cron": "0 0 1 1 *"}))
        _tick_together(world, world.now)
    assert world.sql("select alert, as_of from ledger.evaluations where alert <> 'large'") == []
    found = world.sql("select as_of, count(*) as n from ledger.evaluations group by 1 order by 1")
    windows = [begun + timedelta(minutes=15 * number) for number in range(1, 12 * measured.count + 1)]
    assert [row["as_of"] for row in found] == windows
    assert {row["n"] for row in found} == {1}
    assert len(world.incidents()) == 1
    ticks = TICKS * (measured.count + 1)
    measured.says(
        f"{ticks} ticks, {measured.count} outages of 3 h: {len(windows)} windows, 0 missed, 0 evaluated twice; "
        f"{measured.count + 1} schedules that began, 0 evaluated for it"
    )
