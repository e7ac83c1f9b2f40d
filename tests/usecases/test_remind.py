"""What the clock makes due to incidents, on the real ledger: each test is a small story on a virtual clock."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.evaluation import Health
from alerting_pipeline.domain.event import Assign, Snooze
from alerting_pipeline.domain.people import People
from alerting_pipeline.usecases.act import acknowledge, assign, snooze
from tests.usecases.world import World, definition, written

LEVELS = [
    {"level": "critical", "when": "deviance >= 10", "respond_within": "1h"},
    {"level": "medium", "respond_within": "10h", "remind_every": "3h"},
]


@pytest.fixture
def number(world: World) -> int:
    """An open incident, of which a response is due in ten hours, with a reminder every three."""
    world.publish(definition(severity=LEVELS, update_when={"deviance_changes_by": "0.5"}))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    return world.incidents()[0]["incident_id"]


def told(world: World) -> list[str]:
    return list(dict.fromkeys(transition for transition, _ in world.messages()))


def test_a_day_without_a_response_is_reminders_warning_breach_and_escalation(world: World, number: int) -> None:
    happened: list[tuple[float, str]] = []
    for half_hours in range(1, 48):
        world.later(minutes=30)
        happened += [(half_hours / 2, transition) for transition in world.remind().transitions.elements()]
    assert happened == [
        (3, "reminded"), (6, "reminded"), (8, "sla_warned"), (9, "reminded"), (10, "sla_breached"), (10, "escalated"),
        (12, "reminded"), (15, "reminded"), (18, "reminded"), (20, "escalated"), (21, "reminded"),
    ]  # fmt: skip
    assert world.incidents()[0]["escalation_level"] == 2


def test_a_wake_up_that_comes_twice_finds_nothing(world: World, number: int) -> None:
    world.later(hours=8)
    assert world.remind().incidents > 0
    before = world.rows()
    assert world.remind().incidents == 0
    assert written(before, world.rows()) == {}


def test_wake_ups_that_never_came_are_made_up_for_once(world: World, number: int) -> None:
    world.later(hours=9, minutes=59)
    assert world.remind().transitions == {"sla_warned": 1}
    world.later(days=3)
    assert world.remind().transitions == {"sla_breached": 1, "escalated": 1}


def test_a_response_stops_the_clock_and_the_reminders(world: World, number: int) -> None:
    acknowledge(world.desk, number, "ada", world.now)
    [incident] = world.incidents()
    assert (incident["responded_at"], incident["next_at"]) == (world.now, None)
    world.later(days=3)
    assert world.remind().incidents == 0


def test_what_is_assigned_is_reminded_of_until_its_assignee_acknowledges_it(world: World, number: int) -> None:
    assign(world.desk, number, Assign("ada", "ben"), world.now, world.due.terms)
    [incident] = world.incidents()
    assert (incident["assignee"], incident["status"], incident["responded_at"]) == ("ben", "open", world.now)
    world.later(hours=3)
    assert world.remind().transitions == {"reminded": 1}
    acknowledge(world.desk, number, "ben", world.now)
    world.later(days=1)
    assert world.remind().incidents == 0
    with pytest.raises(AlertingError, match="assigned to ben already"):
        assign(world.desk, number, Assign("ada", "ben"), world.now, {})


def test_to_assign_it_to_oneself_is_to_take_it(world: World, number: int) -> None:
    assign(world.desk, number, Assign("ada", "ada"), world.now, world.due.terms)
    [incident] = world.incidents()
    assert (incident["status"], incident["acknowledged_by"], incident["assignee"]) == ("acknowledged", "ada", "ada")


def test_a_snoozed_incident_stays_silent_until_its_snooze_is_over(world: World, number: int) -> None:
    until = world.now + timedelta(hours=30)
    snooze(world.desk, number, Snooze("ada", until, reason="the bank is closed"), world.now)
    assert told(world) == ["opened", "snoozed"]
    world.later(hours=29)
    world.put({"id": "t1", "amount": 450})
    assert world.evaluate()["large"].updated == 1
    assert world.remind().incidents == 0
    assert told(world) == ["opened", "snoozed"]
    world.later(hours=1)
    assert world.remind().transitions == {"woken": 1}
    assert told(world) == ["opened", "snoozed", "woken"]
    [incident] = world.incidents()
    assert (incident["status"], incident["snoozed_until"]) == ("open", None)
    assert incident["remind_at"] == world.now + timedelta(hours=3)


@pytest.mark.parametrize(("amount", "wakes"), [(220, False), (230, True), (5000, True)])
def test_a_snooze_ends_when_it_gets_worse_by_the_factor_or_critical(
    world: World, number: int, amount: int, wakes: bool
) -> None:
    snooze(world.desk, number, Snooze("ada", world.now + timedelta(days=3), Decimal("1.5")), world.now)
    world.later(hours=1)
    world.put({"id": "t1", "amount": amount})
    world.evaluate()
    assert (told(world)[-1] == "woken") is wakes
    assert (world.incidents()[0]["status"] == "open") is wakes


def test_a_ratio_below_its_limit_gets_worse_as_it_falls(world: World) -> None:
    cover = {"value": "amount", "limit": "limit", "direction": "below", "as": "ratio"}
    world.publish(definition(condition="amount < :limit", deviance=cover, severity=LEVELS))
    world.put({"id": "t1", "amount": 60})
    world.evaluate()
    number = world.incidents()[0]["incident_id"]
    snooze(world.desk, number, Snooze("ada", world.now + timedelta(days=3), Decimal(2)), world.now)
    for amount, status in ((90, "snoozed"), (31, "snoozed"), (30, "open")):
        world.put({"id": "t1", "amount": amount})
        world.evaluate()
        assert world.incidents()[0]["status"] == status


def test_a_snoozed_incident_that_clears_ends_unheard(world: World, number: int) -> None:
    snooze(world.desk, number, Snooze("ada", world.now + timedelta(days=3)), world.now)
    world.put({"id": "t1", "amount": 1})
    assert world.evaluate()["large"].cleared == 1
    [incident] = world.incidents()
    assert (incident["status"], incident["resolution"], incident["snoozed_until"]) == ("resolved", "cleared", None)
    assert world.events() == ["opened", "snoozed", "cleared"]


@pytest.mark.parametrize(
    ("snoozing", "said"),
    [
        ({"until": timedelta(0)}, "would be over already"),
        ({"until": timedelta(days=91)}, "ends within 90 days"),
        ({"until": timedelta(1), "factor": Decimal(1)}, "factor above 1"),
    ],
)
def test_a_snooze_that_cannot_be_is_refused(world: World, number: int, snoozing: Any, said: str) -> None:
    before = world.rows()
    with pytest.raises(AlertingError, match=said):
        snooze(world.desk, number, Snooze("ada", world.now + snoozing["until"], snoozing.get("factor")), world.now)
    assert written(before, world.rows()) == {}


def test_an_incident_that_is_held_is_pressed_on_nobody_until_it_can_be_judged(world: World, number: int) -> None:
    world.evaluate(health=Health(("test x failed",)))
    world.later(days=2)
    assert world.remind().incidents == 0
    world.evaluate()
    assert world.remind().transitions == {"sla_breached": 1, "escalated": 1}


def test_next_at_is_the_least_of_the_instants_to_come(world: World, number: int) -> None:
    seen = set()
    for _ in range(30):
        [row] = world.sql("select * from ledger.incidents")
        breaches = row["due_at"] if row["sla_breached_at"] is None else None
        to_come = [row["warn_at"], breaches, row["remind_at"], row["escalates_at"]]
        assert row["next_at"] == min(instant for instant in to_come if instant is not None)
        seen.add(row["next_at"])
        world.later(hours=1)
        world.remind()
    assert len(seen) > 8


def test_what_is_due_is_found_in_the_index(world: World, number: int) -> None:
    world.sql(
        "insert into ledger.incidents (alert, fingerprint, entity, kind, status, severity, summary, owner, "
        "definition_version, opened_at, last_seen_at, next_at) select 'x', gen_random_uuid(), '{}', 'business', "
        "'open', 'low', '', 'risk', 'v', now(), now(), now() + interval '1 year' from generate_series(1, 5000)"
    )
    world.sql("analyze ledger.incidents")
    plan = world.sql(
        "explain select i.incident_id from ledger.incidents as i where i.next_at <= %s and i.status <> 'resolved' "
        "order by i.next_at, i.incident_id limit 500 for update skip locked", world.now,
    )  # fmt: skip
    assert any("incidents_due" in row["QUERY PLAN"] for row in plan)


def test_what_gets_worse_after_everybody_was_told_has_a_new_time_allowed_and_nobody_left_to_tell(world: World) -> None:
    """A lead who is told early leaves no stage over, however the severity changes afterwards."""
    team = {"escalation": {"on_call_after": "1h", "lead_after": "2h"}}
    world.people = People.model_validate({"teams": {"risk": team}})
    world.publish(definition(severity=LEVELS))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    [opened] = world.incidents()
    world.sql("update ledger.incidents set escalates_at = opened_at + interval '1 hour', next_at = opened_at")
    for _ in range(2):
        world.later(hours=1)
        world.remind()
    assert (opened["escalation_level"], world.incidents()[0]["escalation_level"]) == (0, 2)
    world.put({"id": "t1", "amount": 1500})
    world.evaluate()
    assert world.incidents()[0]["escalates_at"] is None
    world.later(hours=1)
    assert world.remind().transitions == {"sla_breached": 1}
