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
"""On the clock, for all hundred thousand. Fewer are held to their share of it, and a second, in the evaluator's own
processor time: beside other tests the clock says little.
"""


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
    if rows == PROMISE.full:
        assert max(seconds[0], again[0], cleared[0]) <= SECONDS
    assert max(seconds[1], again[1], cleared[1]) <= 1 + SECONDS * rows / PROMISE.full
    measured.says(
        f"{rows:,} violations: {rows:,} incidents in {_told(seconds)}, {len(opened)} messages to 2 destinations; "
        f"unchanged in {_told(again)}, 0 messages; all cleared in {_told(cleared)}, {len(ended)} messages"
    )


def _evaluated(world: World) -> tuple[float, float]:
    """Seconds on the clock, and the evaluator's own seconds of processor."""
    world.later(hours=1)
    begun, worked = time.monotonic(), time.process_time()
    world.evaluate()
    return time.monotonic() - begun, time.process_time() - worked


def _told(seconds: tuple[float, float]) -> str:
    return f"{seconds[0]:.1f} s ({seconds[1]:.1f} s of the evaluator's processor)"
