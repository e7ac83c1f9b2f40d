"""Many evaluators at once, and evaluators that are killed: one open incident per fingerprint, whole or not at all."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import Database
from tests.faults.evaluating import Setting, context, start
from tests.soak.promise import Measured, Promise, shows
from tests.usecases.world import World, definition

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
EVALUATORS, ENTITIES = 8, 200
_WRITTEN = "ledger.incidents, ledger.evaluations, ledger.outbox, ledger.message_groups"
_HOLDS = "one open incident per fingerprint"
AT_ONCE = Promise(
    "incidents",
    _HOLDS,
    f"{EVALUATORS} processes evaluate {ENTITIES} violating entities at once, {{count}} times",
    2,
    25,
)
KILLED = Promise("incidents", _HOLDS, "{count} × kill -9 of an evaluating process at random moments", 10, 100)


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()


def _halves(world: World, messages: int) -> list[Any]:
    """Incidents without exactly one opening event, and messages that are not as many as they should be."""
    found = world.sql(
        """
        select i.incident_id from ledger.incidents as i where 1 <> (
            select count(*) from ledger.incident_events as e where e.incident_id = i.incident_id and e.event = 'opened')
        """
    )
    told = [item for item in world.messages() if item == ("opened", "#risk")]
    return found if len(told) == messages else [*found, told]


@shows(AT_ONCE)
def test_evaluators_at_once_open_each_incident_once(world: World, measured: Measured) -> None:
    world.publish(definition())
    for turn in range(measured.count):
        world.put(*({"id": f"{turn}.{number}", "amount": 150} for number in range(ENTITIES)))
        setting, gate = Setting.of(world), context().Barrier(EVALUATORS)
        now = world.now + timedelta(days=turn)  # a group of messages is one day's
        running = [start(setting, f"m{turn}.{number}", now, gate) for number in range(EVALUATORS)]
        for process in running:
            process.join(120)
            assert process.exitcode == 0
        found = world.sql("select count(*) as n, count(distinct fingerprint) as f from ledger.incidents")
        assert found == [{"n": (turn + 1) * ENTITIES, "f": (turn + 1) * ENTITIES}]
    assert _halves(world, messages=measured.count) == []  # more than a few at once are told in one
    total = measured.count * ENTITIES
    measured.says(
        f"{EVALUATORS} evaluators × {ENTITIES} entities, {measured.count} times: {total:,} incidents, 0 twice"
    )


@shows(KILLED)
def test_a_killed_evaluator_leaves_all_of_its_work_or_nothing(world: World, measured: Measured) -> None:
    world.publish(definition())
    world.put(*({"id": f"t{number}", "amount": 150} for number in range(2_000)))
    dice, whole = random.Random(5), 0
    for turn in range(measured.count):
        world.sql(f"truncate {_WRITTEN} restart identity cascade")
        process = start(Setting.of(world), f"m{turn}", world.now)
        time.sleep(dice.uniform(0.02, 1.2))
        process.kill()
        process.join(20)
        while world.sql("select 1 from pg_stat_activity where usename = 'alerting_app' and state <> 'idle'"):
            time.sleep(0.02)  # the server notices the death of its client a moment later
        number = len(world.incidents())
        assert number in (0, 2_000)
        assert _halves(world, messages=int(number > 0)) == []
        whole += number == 2_000
    measured.says(
        f"{measured.count} kills: {measured.count - whole} × nothing, {whole} × all 2,000 incidents, 0 × a part"
    )
