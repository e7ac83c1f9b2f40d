"""Silence for an entity or a definition, and pauses: what opens meanwhile is kept, and told when they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.snooze import StandingSnooze
from alerting_pipeline.usecases.silence import silence
from tests.usecases.world import World, definition

LEVELS = [{"level": "critical", "when": "deviance >= 10"}, {"level": "medium", "respond_within": "10h"}]
DAY = timedelta(days=1)


def silenced(world: World, lasting: timedelta = DAY, reason: str = "the bank is closed", **what: Any) -> int:
    standing = StandingSnooze(world.now + lasting, "ada", reason, **what)
    return silence(world.desk, standing, world.definitions, world.now)


@pytest.fixture
def two(world: World) -> World:
    """Two alerts over the same payments, both firing for t1."""
    world.publish(definition(severity=LEVELS), definition(alert="other", severity=LEVELS))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    return world


def test_an_entity_is_silent_across_alerts_and_what_is_still_open_afterwards_is_told(two: World) -> None:
    assert silenced(two, entity={"id": "t1"}) == 2
    assert [row["status"] for row in two.incidents()] == ["snoozed", "snoozed"]
    two.put({"id": "t2", "amount": 150})
    two.evaluate()
    two.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 150})
    two.later(hours=1)
    two.evaluate()
    new = two.incidents("entity ->> 'id' = 't1' and status <> 'resolved'")
    assert [(row["status"], row["snoozed_by"]) for row in new] == [("snoozed", "ada")] * 2
    told = [transition for transition, _ in two.messages()]
    assert told.count("opened") == 4, "two of t1 before, two of t2; none of t1 while it is snoozed"
    two.later(hours=23)
    assert two.remind().transitions["woken"] == 2
    assert [row["status"] for row in two.incidents("status <> 'resolved'")] == ["open"] * 4


def test_what_is_critical_about_a_silent_entity_is_told_all_the_same(two: World) -> None:
    silenced(two, entity={"id": "t9"})
    two.put({"id": "t9", "amount": 5000})
    two.evaluate()
    assert [row["status"] for row in two.incidents("entity ->> 'id' = 't9'")] == ["open", "open"]


def test_a_definition_is_silent_whatever_it_finds_and_the_others_are_not(two: World) -> None:
    assert silenced(two, alert="large") == 1
    two.put({"id": "t1", "amount": 150}, {"id": "t9", "amount": 5000})
    two.evaluate()
    standing = {(row["alert"], row["entity"]["id"]): row["status"] for row in two.incidents()}
    assert standing == {
        ("large", "t1"): "snoozed", ("large", "t9"): "snoozed", ("other", "t1"): "open", ("other", "t9"): "open",
    }  # fmt: skip
    [row] = two.desk.snoozes(two.now)
    assert (row["alert"], row["created_by"], row["reason"]) == ("large", "ada", "the bank is closed")
    two.later(days=1)
    assert two.desk.snoozes(two.now) == []


def test_silence_needs_a_reason_an_end_and_a_definition_that_there_is(two: World) -> None:
    with pytest.raises(BadCall, match="needs a reason"):
        silenced(two, reason="", alert="large")
    with pytest.raises(AlertingError, match="within 90 days"):
        silenced(two, lasting=timedelta(days=91), alert="large")
    with pytest.raises(BadCall, match='did you mean "large"'):
        silenced(two, alert="larg")
    assert two.desk.snoozes(two.now) == []


def test_silence_is_audited(two: World) -> None:
    silenced(two, alert="large")
    [entry] = two.sql("select actor, action, after from ledger.audit_log")
    assert (entry["actor"], entry["action"], entry["after"]["alert"]) == ("ada", "snoozed", "large")


def test_a_paused_definition_neither_opens_nor_presses_and_goes_on_by_itself(world: World) -> None:
    world.publish(definition(severity=LEVELS))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.publish(definition(severity=LEVELS, pause={"until": "2026-01-08", "reason": "the bank moves"}))
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 150})
    world.later(hours=12)
    result = world.evaluate()["large"]
    assert (result.is_repeated, result.reason) == (
        True, "paused until 2026-01-08: the bank moves; nothing was written",
    )  # fmt: skip
    assert world.remind().incidents == 0
    assert [row["entity"] for row in world.incidents()] == [{"id": "t1"}]
    world.later(days=3)
    assert world.evaluate()["large"].opened == 1
    assert world.remind().transitions["sla_breached"] == 1


def test_a_paused_definition_is_not_evaluated_when_its_model_is_built(world: World) -> None:
    from alerting_pipeline.domain.evaluation import Order

    world.publish(definition(pause={"until": "2026-01-08", "reason": "x"}), definition(alert="other"))
    world.put({"id": "t1", "amount": 150})
    results = world.evaluator().of_model("payments", Order("build:model", world.now))
    assert [result.alert for result in results] == ["other"]
