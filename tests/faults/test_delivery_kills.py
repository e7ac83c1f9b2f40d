"""Workers die at the worst moments: nothing is lost, and nothing happens twice where the destination keeps our key."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.domain.waypoint import Waypoint
from tests.conftest import Database, make_database
from tests.faults.delivery_worker import Death
from tests.faults.delivery_world import NOTHING, Reckoning, World, died_by_kill, make_world
from tests.sinks.slack_api import Fault
from tests.soak.promise import Measured, Promise, shows

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
_HOLDS = "a committed outbox row ends sent or dead, never vanishes"
_SINKS = "seven sinks: table, sheet, CSV, file, webhook, Slack, SMTP"
AT_WAYPOINTS = Promise(
    "delivery", _HOLDS, f"two workers at once, kill -9 at each waypoint × {{count}}; {_SINKS}", 20, 20
)
AT_RANDOM = Promise(
    "delivery", _HOLDS, f"{{count}} × kill -9 at random moments, two workers at once; {_SINKS}", 100, 1_000
)
# A sheet is rewritten whole: in one world for all, its growth would be what is measured.
KILLS_OF_A_WORLD = 50

Worlds = Callable[[], AbstractContextManager[World]]


@pytest.fixture
def world(database: Database, home: Path) -> Iterator[World]:
    with make_world(database, home) as made:
        yield made


@pytest.fixture
def worlds(postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    @contextmanager
    def made() -> Iterator[World]:
        home = tmp_path_factory.mktemp("a home")
        with make_database(postgres, template_database) as database, make_world(database, home) as world:
            yield world

    return made


@shows(AT_WAYPOINTS)
def test_workers_killed_at_each_waypoint_lose_and_double_nothing(worlds: Worlds, measured: Measured) -> None:
    found, kills = NOTHING, 0
    for waypoint in Waypoint:
        with worlds() as world:
            for turn in range((measured.count + 1) // 2):
                kills += _killed_at(world, Death(waypoint, turn % 4 + 1), Death(waypoint, (turn + 1) % 4 + 1))
            world.finish()
            found += _checked(world)
    measured.says(_told(kills, found))


@shows(AT_RANDOM)
def test_workers_killed_at_random_moments_lose_and_double_nothing(worlds: Worlds, measured: Measured) -> None:
    dice, found, kills = random.Random(20261122), NOTHING, 0
    while kills < measured.count:
        with worlds() as world:
            for _ in range(min(KILLS_OF_A_WORLD, measured.count - kills) // 2):
                world.put(3)
                with world.worker() as one, world.worker() as two:
                    time.sleep(dice.uniform(0.02, 0.4))
                    for process in (one, two):
                        process.kill()
                        process.join(10)
                        kills += died_by_kill(process)
            world.finish()
            found += _checked(world)
    measured.says(_told(kills, found))


def _killed_at(world: World, one: Death, two: Death) -> int:
    """Work keeps arriving until both have died: a quick worker claims all that waits in fewer than nth turns."""
    world.put(2)
    with world.worker(one) as first, world.worker(two) as second:
        end = time.monotonic() + 30
        while (first.is_alive() or second.is_alive()) and time.monotonic() < end:
            first.join(0.1)
            world.put(1)
        assert died_by_kill(first) and died_by_kill(second)
    return 2


def _checked(world: World) -> Reckoning:
    assert world.dead() == []
    found = world.reckon()
    assert (found.lost, found.doubled_where_keyed, found.unnoted) == (0, 0, 0)
    # Slack is asked before a resend; a mail server can't be.
    assert found.doubled["Slack"] == 0
    return found


def _told(kills: int, found: Reckoning) -> str:
    twice = ", ".join(f"{name} {number}" for name, number in found.doubled.items())
    return (
        f"{kills:,} kills: {found.lost} lost, {found.doubled_where_keyed} duplicate effects at keyed sinks; "
        f"duplicates elsewhere: {twice}, of which the ledger does not know {found.unnoted}"
    )


def test_worker_told_to_stop_gives_its_leases_back(world: World) -> None:
    world.put(200)
    with world.worker() as process:
        time.sleep(0.3)
        started = time.monotonic()
        process.terminate()
        process.join(10)
        assert process.exitcode == 0
        assert time.monotonic() - started < 5
    numbers = world.counts()
    assert numbers.get("leased", 0) == 0
    assert numbers["waiting"] > 0


def test_faults_of_slack_lose_nothing_and_stall_nobody(world: World) -> None:
    world.slack.inject(
        Fault(status=429, retry_after=1), Fault(status=500), Fault(hang_up=True), Fault(hang_up=True, takes_it=True),
        Fault(error="fatal_error"), Fault(drip=1.0),
    )  # fmt: skip
    world.put(10)
    started = time.monotonic()
    with world.worker():
        while len(list((world.home / "inbox").glob("*.json"))) < 10:
            assert time.monotonic() - started < 5
            time.sleep(0.02)
    world.finish()
    _checked(world)
