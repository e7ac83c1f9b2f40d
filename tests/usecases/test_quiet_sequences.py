"""News, flushes, silences, snoozes, budgets, endings in any order: each is told once, or over, or held for a reason."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.usecases.quiet_machine import ACTIONS, CRITICAL, MEDIUM, SETTINGS, WORSE, Action, Machine, Setting
from tests.usecases.world import World

# The world is emptied by the machine before each example.
SHARED = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)


def test_the_machine_meets_every_kind_of_message(world: World) -> None:
    machine = Machine(world, Setting({}, (1, "day"), inhibits=True))
    machine.run(
        [
            ("find", {"t1": MEDIUM, "t2": MEDIUM, "t4": MEDIUM, "t3": CRITICAL}),
            ("silence", "alert=large"),
            ("find", {"t1": MEDIUM, "t2": MEDIUM, "t4": MEDIUM, "t3": CRITICAL, "t5": MEDIUM}),
            ("snooze", 0),
            ("wait", 1440),
            ("wait", 1440),
        ]
    )
    held = {row["why"] for row in world.sql("select why from ledger.held_notifications")}
    fates = {row["fate"] for row in world.sql("select fate from ledger.held_notifications")}
    assert held >= {"budget", "inhibition"} and fates == {"told", "ended"}
    assert {transition for transition, _ in world.messages()} >= {"opened", "digest", "woken", "withdrawn"}


@given(setting=SETTINGS, actions=st.lists(ACTIONS, min_size=3, max_size=8))
@settings(max_examples=6, deadline=None, suppress_health_check=SHARED, derandomize=True)
def test_nothing_is_told_twice_or_lost_and_nobody_is_over_budget(
    world: World, setting: Setting, actions: Sequence[Action]
) -> None:
    Machine(world, setting).run(actions)


@pytest.mark.scenario
@pytest.mark.timeout(1_800)
@given(setting=SETTINGS, actions=st.lists(ACTIONS, min_size=5, max_size=25))
@settings(max_examples=100, deadline=None, suppress_health_check=SHARED, derandomize=True)
def test_nor_in_longer_sequences(world: World, setting: Setting, actions: Sequence[Action]) -> None:
    Machine(world, setting).run(actions)


def test_whoever_takes_what_was_snoozed_from_the_start_is_the_one_who_knows(world: World) -> None:
    """Found by a random sequence: its alert is snoozed, so nobody is told of it, and a person takes it all the same."""
    machine = Machine(world, Setting({}, None, inhibits=False))
    machine.run([("snooze_all", None), ("find", {"t4": WORSE}), ("acknowledge", 0)])
    assert world.sql("select 1 from ledger.incident_events where event = 'acknowledged'")
