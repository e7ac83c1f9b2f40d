"""Silence for an entity or a definition, and pauses: what opens meanwhile is kept, and told when they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.event import Snooze
from alerting_pipeline.domain.snooze import StandingSnooze
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.incidents import record_finding
from alerting_pipeline.usecases.act import snooze
from alerting_pipeline.usecases.silence import Lift, lift, silence
from tests.usecases.world import World, definition

LEVELS = [{"level": "critical", "when": "deviance >= 10"}, {"level": "medium", "respond_within": "10h"}]
DAY = timedelta(days=1)


def silenced(world: World, lasting: timedelta = DAY, reason: str = "the bank is closed", **what: Any) -> int:
    standing = StandingSnooze(world.now + lasting, "ada", reason, **what)
    return silence(world.desk, standing, world.held, world.now)


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


def _lift(world: World, number: int = 1, reason: str = "it is open again") -> int:
    return lift(world.desk, Lift(number, "ben", reason), world.due.terms, world.now)


def test_a_snooze_that_is_lifted_tells_what_is_still_open_and_says_who_and_why(two: World) -> None:
    silenced(two, alert="large")
    two.add({"id": "t2", "amount": 150})
    two.evaluate()
    two.later(hours=1)
    assert _lift(two) == 2
    assert [row["status"] for row in two.incidents("alert = 'large'")] == ["open", "open"]
    woken = two.sql("select actor, detail ->> 'note' as why from ledger.incident_events where event = 'woken'")
    assert woken == [{"actor": "ben", "why": "it is open again"}] * 2
    assert two.messages().count(("woken", "#risk")) == 2
    assert two.desk.snoozes(two.now) == []
    two.add({"id": "t3", "amount": 150})
    two.evaluate()
    assert [row["status"] for row in two.incidents("entity ->> 'id' = 't3'")] == ["open", "open"]
    [snooze] = two.sql("select ended_by, end_reason from alerting.snoozes")
    assert snooze == {"ended_by": "ben", "end_reason": "it is open again"}
    assert [row["action"] for row in two.sql("select action from ledger.audit_log order by seq")] == [
        "snoozed", "snooze_ended",
    ]  # fmt: skip


def test_what_another_snooze_covers_stays_silent_until_that_one_ends(two: World) -> None:
    silenced(two, lasting=timedelta(hours=5), entity={"id": "t1"})
    silenced(two, alert="large")
    assert _lift(two, 2) == 0
    [large] = two.incidents("alert = 'large'")
    assert (large["status"], large["snoozed_until"]) == ("snoozed", two.now + timedelta(hours=5))


def test_what_a_person_snoozed_by_itself_is_not_woken_with_its_definition(two: World) -> None:
    [large] = two.incidents("alert = 'large'")
    snooze(two.desk, large["incident_id"], Snooze("ada", two.now + timedelta(days=9)), two.now)
    silenced(two, alert="large")
    assert _lift(two) == 0
    assert [row["status"] for row in two.incidents("alert = 'large'")] == ["snoozed"]


def test_a_snooze_is_lifted_once_with_a_reason(two: World) -> None:
    silenced(two, alert="large")
    with pytest.raises(BadCall, match="needs a reason"):
        _lift(two, reason="")
    _lift(two)
    with pytest.raises(AlertingError, match="There is no snooze 1 that holds"):
        _lift(two)
    two.later(days=2)
    silenced(two, alert="large")
    two.later(days=2)
    with pytest.raises(AlertingError, match="There is no snooze 2 that holds"):
        _lift(two, 2)


def test_the_alerting_itself_is_not_snoozed_as_a_whole(two: World) -> None:
    with pytest.raises(BadCall, match="is about the alerting itself"):
        silenced(two, alert="evaluation_error")


def test_a_snooze_of_an_entity_says_nothing_of_what_is_wrong_with_the_alerting(two: World) -> None:
    finding = SystemFinding("evaluation_error", {"id": "t1"}, "it can't be evaluated")
    announcer = Announcer(two.directory, two.definitions)
    with two.engine.begin() as connection:
        record_finding(connection, finding, now=two.now, announce=announcer)
    assert silenced(two, entity={"id": "t1"}) == 2
    assert [row["status"] for row in two.incidents("kind = 'system'")] == ["open"]


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
