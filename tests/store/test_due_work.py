"""Due work is done once, however often a tick repeats, and is not lost with the one who took it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from alerting_pipeline.domain.window import DueWork
from alerting_pipeline.store.due_work import PostgresDueWork
from alerting_pipeline.store.engine import engine_for
from tests.conftest import Database

WINDOW = DueWork("cron:weekly", "2026-01-05T09:00", datetime(2026, 1, 5, 9, tzinfo=UTC), {"alerts": ["a"]})


@pytest.fixture
def due(database: Database) -> Iterator[PostgresDueWork]:
    engine = engine_for(database.app_url)
    yield PostgresDueWork(engine)
    engine.dispose()


def test_the_same_tick_ten_times_is_one_piece_of_work(due: PostgresDueWork):
    assert sum(due.add([WINDOW]) for _ in range(10)) == 1
    assert due.take("cron", "me") == [WINDOW]
    assert due.take("cron", "you") == []


def test_a_schedule_that_begins_is_no_work(due: PostgresDueWork):
    due.begin("cron:weekly", WINDOW.due_at)
    assert due.take("cron", "me") == []
    assert due.last("cron:weekly") == WINDOW.due_at


def test_work_of_another_kind_is_left_alone(due: PostgresDueWork):
    due.add([WINDOW])
    assert due.take("run", "me") == []
    assert not due.is_any("run")
    assert due.is_any("cron")


def test_work_that_was_done_is_never_taken_again(due: PostgresDueWork):
    due.add([WINDOW])
    due.finish(*due.take("cron", "me"))
    assert due.add([WINDOW]) == 0
    assert not due.is_any("cron")


def test_work_given_back_is_taken_by_the_next(due: PostgresDueWork):
    due.add([WINDOW])
    due.give_back(*due.take("cron", "me"))
    assert due.take("cron", "you") == [WINDOW]


def test_work_of_a_worker_that_died_is_taken_after_a_while(due: PostgresDueWork):
    due.add([WINDOW])
    due.take("cron", "me")
    with due.engine.begin() as connection:
        connection.execute(text("update ledger.due_work set claimed_at = claimed_at - interval '16 minutes'"))
    assert due.is_any("cron")
    assert due.take("cron", "you") == [WINDOW]


def test_eight_workers_share_work_without_doing_any_twice(due: PostgresDueWork):
    entries = [DueWork("cron:hourly", str(number), WINDOW.due_at, {}) for number in range(200)]
    due.add(entries)
    with ThreadPoolExecutor(8) as pool:
        taken = pool.map(lambda worker: due.take("cron", str(worker), limit=50), range(8))
    windows = [entry.window for share in taken for entry in share]
    assert sorted(windows, key=int) == [str(number) for number in range(200)]


def test_a_definition_counts_as_evaluated_only_as_of_an_instant_in_between(due: PostgresDueWork, database: Database):
    nine = datetime(2026, 1, 5, 9, tzinfo=UTC)
    with engine_for(database.owner_url).begin() as connection:
        for alert, at in (("before", "08:59"), ("at", "09:00"), ("within", "09:07"), ("ahead", "12:00")):
            connection.execute(
                text("insert into ledger.definition_versions (alert, version, kind, path, body, source) "
                     "values (:alert, 'v', 'business', '', '{}', '')"),
                {"alert": alert},
            )  # fmt: skip
            connection.execute(
                text("insert into ledger.definitions (alert, version, kind, path, last_evaluated_at) "
                     "values (:alert, 'v', 'business', '', cast(:at as timestamptz))"),
                {"alert": alert, "at": f"2026-01-05 {at}Z"},
            )  # fmt: skip
    assert due.evaluated_between(nine, nine.replace(minute=10)) == {"at", "within"}
