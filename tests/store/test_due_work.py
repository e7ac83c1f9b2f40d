"""Due work is done once, however often a tick repeats, and is not lost with the one who took it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text

from alerting_pipeline.store.due_work import DueWork, add_due, finish_due, give_back_due, is_any_due, take_due
from alerting_pipeline.store.engine import engine_for
from tests.conftest import Database

WINDOW = DueWork("cron:weekly", "2026-01-05T09:00", datetime(2026, 1, 5, 9, tzinfo=UTC), {"alerts": ["a"]})


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    made = engine_for(database.app_url)
    yield made
    made.dispose()


def test_the_same_tick_ten_times_is_one_piece_of_work(engine: Engine):
    assert sum(add_due(engine, [WINDOW]) for _ in range(10)) == 1
    assert take_due(engine, "cron", "me") == [WINDOW]
    assert take_due(engine, "cron", "you") == []


def test_work_of_another_kind_is_left_alone(engine: Engine):
    add_due(engine, [WINDOW])
    assert take_due(engine, "run", "me") == []
    assert not is_any_due(engine, "run")
    assert is_any_due(engine, "cron")


def test_work_that_was_done_is_never_taken_again(engine: Engine):
    add_due(engine, [WINDOW])
    finish_due(engine, *take_due(engine, "cron", "me"))
    assert add_due(engine, [WINDOW]) == 0
    assert not is_any_due(engine, "cron")


def test_work_given_back_is_taken_by_the_next(engine: Engine):
    add_due(engine, [WINDOW])
    give_back_due(engine, *take_due(engine, "cron", "me"))
    assert take_due(engine, "cron", "you") == [WINDOW]


def test_work_of_a_worker_that_died_is_taken_after_a_while(engine: Engine):
    add_due(engine, [WINDOW])
    take_due(engine, "cron", "me")
    with engine.begin() as connection:
        connection.execute(text("update ledger.due_work set claimed_at = claimed_at - interval '16 minutes'"))
    assert is_any_due(engine, "cron")
    assert take_due(engine, "cron", "you") == [WINDOW]


def test_eight_workers_share_work_without_doing_any_twice(engine: Engine):
    entries = [DueWork("cron:hourly", str(number), WINDOW.due_at, {}) for number in range(200)]
    add_due(engine, entries)
    with ThreadPoolExecutor(8) as pool:
        taken = pool.map(lambda worker: take_due(engine, "cron", str(worker), limit=50), range(8))
    windows = [entry.window for share in taken for entry in share]
    assert sorted(windows, key=int) == [str(number) for number in range(200)]
