"""`for`, `keep_firing_for` and `reopen_within` on the real engine: what flickers is told once, an outage changes
nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerting_pipeline.domain.evaluation import HEALTHY, Health
from alerting_pipeline.domain.event import Resolve
from alerting_pipeline.usecases.act import resolve
from tests.usecases.world import World, definition, written

OUTAGE = Health(("test x failed",))
BAD, GOOD, UNKNOWN = {"id": "t1", "amount": 150}, {"id": "t1", "amount": 1}, {"id": "t1", "amount": None}


def evaluated(world: World, *rows: Any, health: Health = HEALTHY, **later: float) -> tuple[int, int, int]:
    """How many incidents an evaluation opened, reopened and ended, that comes so much later, with these rows."""
    world.later(**later)
    world.put(*rows, {"id": "other", "amount": 1})
    result = world.evaluate(health=health)["large"]
    return result.opened, result.reopened, result.cleared + result.withdrawn


@pytest.fixture
def waiting(world: World) -> World:
    world.publish(definition(**{"for": "2h"}))
    return world


def test_a_violation_opens_when_it_has_held_since_the_first_evaluation_that_found_it(waiting: World) -> None:
    assert evaluated(waiting, BAD) == (0, 0, 0)
    assert evaluated(waiting, BAD, hours=1) == (0, 0, 0)
    assert waiting.incidents() == []
    assert evaluated(waiting, BAD, minutes=59) == (0, 0, 0)
    assert evaluated(waiting, BAD, minutes=1) == (1, 0, 0)
    assert waiting.sql("select * from ledger.pending_violations") == []
    assert waiting.messages() == [("opened", "#risk")]


@pytest.mark.parametrize("row", [GOOD, None])
def test_whoever_leaves_the_condition_begins_anew(waiting: World, row: Any) -> None:
    evaluated(waiting, BAD)
    evaluated(waiting, *([row] if row else []), hours=1)
    assert evaluated(waiting, BAD, hours=1) == (0, 0, 0)
    assert evaluated(waiting, BAD, hours=2) == (1, 0, 0)


def test_what_cannot_be_judged_neither_fires_nor_begins_anew(waiting: World) -> None:
    evaluated(waiting, BAD)
    assert evaluated(waiting, UNKNOWN, hours=3) == (0, 0, 0)
    assert evaluated(waiting, BAD, health=OUTAGE, hours=1) == (0, 0, 0)
    assert evaluated(waiting, BAD, hours=1) == (1, 0, 0)


def test_what_waits_already_is_neither_written_again_nor_moved(waiting: World) -> None:
    waiting.put(*({"id": f"t{number}", "amount": 150} for number in range(50)))
    waiting.evaluate()
    before = waiting.rows()
    waiting.later(hours=1)
    result = waiting.evaluate()["large"]
    assert (result.outcome, result.violations, result.opened) == ("firing", 50, 0)
    assert written(before, waiting.rows()) == {"evaluations": 1, "definitions": 1}


def test_a_definition_that_no_longer_waits_opens_at_once(waiting: World) -> None:
    evaluated(waiting, BAD)
    waiting.publish(definition())
    assert evaluated(waiting, BAD, hours=1) == (1, 0, 0)
    assert waiting.sql("select * from ledger.pending_violations") == []


def test_a_removed_definition_leaves_nothing_waiting(waiting: World) -> None:
    waiting.publish(definition(alert="other"))
    evaluated(waiting, BAD)
    waiting.remove("large")
    waiting.evaluate()
    assert waiting.sql("select * from ledger.pending_violations") == []


def test_an_incident_is_kept_firing_until_its_condition_has_been_over_for_a_time(world: World) -> None:
    world.publish(definition(keep_firing_for="2h"))
    evaluated(world, BAD)
    assert evaluated(world, GOOD, hours=1) == (0, 0, 0)
    assert world.incidents()[0]["calm_since"] == world.now
    before = world.rows()
    assert evaluated(world, GOOD, hours=1) == (0, 0, 0)
    assert written(before, world.rows()) == {"evaluations": 1, "definitions": 1}
    assert evaluated(world, BAD, hours=0.5) == (0, 0, 0)
    assert evaluated(world, GOOD, hours=2) == (0, 0, 0)
    assert evaluated(world, hours=2) == (0, 0, 1)
    assert world.events() == ["opened", "calmed", "relapsed", "calmed", "withdrawn"]
    assert world.messages() == [("opened", "#risk"), ("withdrawn", "#risk")]


def test_an_outage_ends_nothing_that_is_kept_firing(world: World) -> None:
    world.publish(definition(keep_firing_for="2h"))
    evaluated(world, BAD)
    evaluated(world, GOOD, hours=1)
    assert evaluated(world, GOOD, health=OUTAGE, hours=5) == (0, 0, 0)
    assert world.incidents()[0]["status"] == "open"
    assert evaluated(world, GOOD, hours=1) == (0, 0, 1)


def test_an_issue_that_comes_back_soon_is_the_same_incident(world: World) -> None:
    world.publish(definition(reopen_within="1d"))
    evaluated(world, BAD)
    assert evaluated(world, GOOD, hours=1) == (0, 0, 1)
    assert evaluated(world, BAD, hours=24) == (0, 1, 0)
    [incident] = world.incidents()
    assert (incident["status"], incident["resolution"], incident["resolved_at"]) == ("open", None, None)
    assert (incident["reopened_at"], incident["due_at"]) == (world.now, world.now + timedelta(days=1))
    assert world.messages() == [("opened", "#risk"), ("cleared", "#risk"), ("reopened", "#risk")]
    assert evaluated(world, GOOD, hours=1) == (0, 0, 1)
    assert evaluated(world, BAD, hours=25) == (1, 0, 0)
    assert len(world.incidents()) == 2


def test_an_issue_that_a_person_resolved_is_a_new_one_when_it_comes_back(world: World) -> None:
    world.publish(definition(reopen_within="7d"))
    evaluated(world, BAD)
    evaluated(world, GOOD, hours=1)
    assert evaluated(world, BAD, hours=1) == (0, 1, 0)
    resolve(world.desk, world.incidents()[0]["incident_id"], Resolve("ada"), world.now)
    evaluated(world, GOOD, hours=1)
    assert evaluated(world, BAD, hours=1) == (1, 0, 0)


def test_an_outage_reopens_nothing(world: World) -> None:
    world.publish(definition(reopen_within="1d"))
    evaluated(world, BAD)
    evaluated(world, GOOD, hours=1)
    assert evaluated(world, BAD, health=OUTAGE, hours=1) == (0, 0, 0)
    assert world.incidents()[0]["status"] == "resolved"
