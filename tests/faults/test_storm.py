"""A hundred thousand violations at once: every one an incident, and people hear of it in one message per route."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.soak.promise import Measured, Promise, shows
from tests.usecases.world import World, definition

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
PROMISE = Promise(
    "storm",
    "messages are bounded, no incident is lost",
    "{count} rows violate at once, a tenth of them critically, then all of them again, then none",
    5_000,
    100_000,
)
SECONDS = 30


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()


@shows(PROMISE)
def test_a_storm_is_one_message_per_route_and_no_lost_incident(world: World, measured: Measured) -> None:
    world.publish(definition())
    rows = measured.count
    world.sql(
        "insert into marts.payments (id, amount, status) "
        "select 't' || n, case when n %% 10 = 0 then 5000 else 150 end, 'pending' from generate_series(1, %s) n",
        rows,
    )
    seconds = _evaluated(world)
    assert world.sql("select count(distinct fingerprint) as n from ledger.incidents") == [{"n": rows}]
    opened = world.messages()
    assert len(opened) == len(set(opened))
    assert {destination for _, destination in opened} == {"#risk", "risk-mail"}
    again = _evaluated(world)
    assert world.messages() == opened
    world.sql("update marts.payments set amount = 1")
    cleared = _evaluated(world)
    assert world.sql("select count(*) as n from ledger.incidents where resolution = 'cleared'") == [{"n": rows}]
    ended = world.messages()[len(opened) :]
    assert len(ended) == len(set(ended))
    assert max(seconds, again, cleared) < SECONDS
    measured.says(
        f"{rows:,} violations: {rows:,} incidents in {seconds:.1f} s, {len(opened)} messages to 2 destinations; "
        f"unchanged {again:.1f} s, 0 messages; all cleared in {cleared:.1f} s, {len(ended)} messages"
    )


def _evaluated(world: World) -> float:
    world.later(hours=1)
    begun = time.monotonic()
    world.evaluate()
    return time.monotonic() - begun
