"""An exceeded budget is one task to calibrate, for whoever owns the noisiest alert, until a week stays within it."""

from __future__ import annotations

from typing import Any

from alerting_pipeline.domain.budget_use import BudgetUse
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.store.budget_uses import BudgetUses
from alerting_pipeline.store.clock import FixedClock
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.system_incidents import SystemIncidents
from alerting_pipeline.usecases.weigh_budgets import Responsible, weigh_budgets
from tests.usecases.world import DESTINATIONS, World, definition

TREE = RoutingTree.model_validate(
    {
        "fallback": ["#data"],
        "routes": [
            {"name": "system", "match": {"kind": ["system"]}, "destinations": ["#data"]},
            {"name": "all", "destinations": ["#risk"]},
        ],
    }
)
PEOPLE = People.model_validate(
    {"teams": {"risk": {"slack": "#risk", "budget": "2 per week"}, "fraud": {"slack": "#fraud"}}}
)


def _weigh(world: World) -> list[BudgetUse]:
    held = InForce(definitions=world.definitions, routing=world.tree, destinations=DESTINATIONS, people=world.people)
    tasks = SystemIncidents(world.engine, lambda: held, FixedClock(world.now), "")
    owners = {name: each.owner for name, each in world.definitions.items()}
    return weigh_budgets(BudgetUses(world.engine), tasks, lambda: Responsible(world.people, owners), world.now)


def _tasks(world: World) -> list[dict[str, Any]]:
    return world.incidents("alert = 'noise_budget'")


def _exceeded(world: World) -> None:
    world.people, world.tree = PEOPLE, TREE
    world.publish(
        definition(owner="fraud"),
        definition(alert="other", condition="amount < :limit", severity=[{"level": "low"}], owner="risk"),
    )
    world.put(*({"id": f"t{number}", "amount": 150} for number in range(5)), {"id": "o1", "amount": 50})
    world.evaluate()


def test_an_exceeded_budget_is_one_task_that_names_the_alerts_and_their_counts(world: World) -> None:
    _exceeded(world)
    [use] = _weigh(world)
    assert (use.used, use.told, use.kept) == (2, {"large": 2}, {"large": 3, "other": 1})
    [task] = _tasks(world)
    assert (task["kind"], task["owner"], task["entity"]) == ("system", "fraud", {"recipient": "risk"})
    assert task["summary"] == (
        "risk: 4 messages are above 2 per week within a week, and come in a digest; by alert: large 5, other 1."
    )
    assert task["fields"]["kept_for_the_digest"] == 4
    assert world.messages()[-1] == ("opened", "#data")


def test_more_noise_in_the_same_week_opens_no_second_task_and_a_quiet_week_ends_it(world: World) -> None:
    _exceeded(world)
    _weigh(world)
    world.later(days=2)
    world.add({"id": "t9", "amount": 150}, {"id": "t10", "amount": 150}, {"id": "t11", "amount": 150})
    world.evaluate()
    _weigh(world)
    world.later(days=6)
    _weigh(world)
    assert [task["status"] for task in _tasks(world)] == ["open"]
    world.later(days=2)
    assert _weigh(world) == []
    assert [(task["status"], task["resolution"]) for task in _tasks(world)] == [("resolved", "cleared")]
    told = [row for row in world.messages() if row[1] == "#data"]
    assert told == [("opened", "#data"), ("cleared", "#data")]


def test_what_is_critical_uses_no_budget_and_opens_no_task(world: World) -> None:
    world.people, world.tree = PEOPLE, TREE
    world.publish(definition())
    world.put(*({"id": f"t{number}", "amount": 5000} for number in range(5)))
    world.evaluate()
    assert _weigh(world) == []
    assert (len(world.messages()), _tasks(world)) == (5, [])


def test_whoever_has_no_budget_any_more_has_no_task(world: World) -> None:
    _exceeded(world)
    _weigh(world)
    world.people = People.model_validate({"teams": {"risk": {"slack": "#risk"}, "fraud": {"slack": "#fraud"}}})
    assert _weigh(world) == []
    assert [task["status"] for task in _tasks(world)] == ["resolved"]
