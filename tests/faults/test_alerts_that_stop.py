"""No alert stops unknown to people: whatever keeps one from being evaluated, it is named two intervals later."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import ValidationError

from alerting_pipeline.store.late_evaluations import LateEvaluations
from tests.conftest import Database
from tests.soak.promise import Measured, Promise, shows
from tests.usecases.world import START, World, definition

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
HOURS = 72
PROMISE = Promise(
    "disabled",
    "no alert stops unknown to people: a pause has a reason and an end, and what is not evaluated for two intervals is "
    "named",
    f"{{count}} hourly alerts, half of which are dropped by their scheduler at some hour, and half paused; asked every "
    f"hour of {HOURS}",
    20,
    300,
)
_DONE = """
insert into ledger.due_work (work, due_window, due_at, done_at)
select 'cron:' || alert, %s::timestamptz::text, %s, clock_timestamp() from unnest(%s::text[]) as given (alert)
"""


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()


@shows(PROMISE)
def test_an_alert_that_is_no_longer_evaluated_is_named_unless_it_is_paused(world: World, measured: Measured) -> None:
    chance, last_of = random.Random(20261128), {}
    for number in range(measured.count):
        ends = START + timedelta(days=chance.randrange(1, 4))
        pause = {"reason": "the source moves", "until": ends.date().isoformat()} if chance.random() < 0.5 else None
        world.publish(definition(alert=f"alert_{number}", trigger={"cron": "0 * * * *"}, pause=pause))
        last_of[f"alert_{number}"] = chance.randrange(HOURS) if chance.random() < 0.5 else HOURS
    paused = named = 0
    for hour in range(HOURS + 1):
        world.now = START + timedelta(hours=hour)
        done = [alert for alert, last in last_of.items() if hour <= last]
        world.sql(_DONE, world.now, world.now, done)
        late = {each.alert for each in LateEvaluations(world.engine).among(world.definitions.values(), world.now)}
        stopped = {alert for alert, last in last_of.items() if hour - last >= 2}
        silent = {alert for alert in stopped if world.definitions[alert].is_paused(world.now)}
        assert late == stopped - silent, world.now
        paused, named = paused + len(silent), max(named, len(late))
    assert named and paused
    measured.says(
        f"{measured.count} alerts, {HOURS} hours: {named} that stopped were named from the second missed interval on, "
        "0 too early, 0 of those that are paused, each of them when its pause was over"
    )


@pytest.mark.parametrize("left_out", ["reason", "until"])
def test_a_pause_without_a_reason_or_an_end_is_refused(left_out: str) -> None:
    pause = {"reason": "the source moves", "until": "2026-01-09"}
    del pause[left_out]
    with pytest.raises(ValidationError, match=left_out):
        definition(pause=pause)
