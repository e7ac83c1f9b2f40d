"""An action of a person: the verdict and the row, both or neither, once, and only by who may."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from alerting_pipeline.adapters.channels.registry import Channels, Surroundings
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.event import Resolve
from alerting_pipeline.domain.people import People
from alerting_pipeline.store.outbox import PostgresOutbox
from alerting_pipeline.usecases.act import Order, act, resolve
from alerting_pipeline.usecases.deliver import DeliveryWorker
from tests.usecases.test_act import desk
from tests.usecases.world import World, definition

ACTIONS: dict[str, Any] = {
    "approve": {
        "label": "Approve",
        "disposition": "false_positive",
        "write": {"table": "reviews", "key": ["id"], "values": {"decision": "approved"}},
    },
    "deny": {
        "label": "Deny",
        "roles": ["analyst"],
        "disposition": "true_positive",
        "write": {"table": "reviews", "key": ["id"], "values": {"decision": "denied"}},
    },
    "file": {"label": "File", "write": {"table": "reviews", "key": ["id", "segment"]}},
    "forget": {"label": "Forget"},
}


@dataclass(frozen=True)
class Held:
    """People and destinations in force."""

    people: People = field(
        default_factory=lambda: People.model_validate({"people": {"ada": {"roles": ["analyst"]}, "bob": {}}})
    )
    destinations: Mapping[str, Destination] = field(default_factory=dict)


HELD = Held()


@pytest.fixture
def number(world: World) -> int:
    """An open incident of a definition with actions."""
    world.publish(definition(actions=ACTIONS))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    return world.incidents()[0]["incident_id"]


def effects(world: World) -> list[dict[str, Any]]:
    return world.sql(
        "select destination, channel, message -> 'record' ->> 'decision' as decision from ledger.outbox "
        "where transition = 'action' order by sequence"
    )


def test_an_action_gives_the_verdict_and_writes_its_row_in_one_go(world: World, number: int) -> None:
    done = act(desk(world), Order(number, "deny", "ada", "stolen card"), HELD, world.now)
    assert done.row is not None and (done.row.table, done.row.key) == ("operations.reviews", {"id": "t1"})
    [incident] = world.incidents()
    assert (incident["status"], incident["resolution"], incident["disposition"], incident["resolved_by"]) == (
        "resolved", "by_person", "true_positive", "ada",
    )  # fmt: skip
    assert effects(world) == [{"destination": "operations.reviews", "channel": "table", "decision": "denied"}]
    [entry] = world.sql("select actor, action, after from ledger.audit_log")
    assert (entry["actor"], entry["action"]) == ("ada", "incident_acted")
    assert (entry["after"]["action"], entry["after"]["table"]) == ("deny", "operations.reviews")
    shown = desk(world).shown(number)
    assert shown is not None and shown["actions"] == []
    assert shown["events"][-1]["detail"] == {
        "action": "deny", "disposition": "true_positive", "note": "stolen card", "table": "operations.reviews",
        "key": {"id": "t1"}, "values": {"decision": "denied"},
    }  # fmt: skip


def test_the_row_arrives_with_who_did_it_and_when(world: World, number: int, tmp_path: Any) -> None:
    act(desk(world), Order(number, "approve", "bob", "a gift"), HELD, world.now)
    surroundings = Surroundings(tmp_path, tmp_path, lambda: world.engine)
    DeliveryWorker(PostgresOutbox(world.engine, worker="w"), Channels({}.get, surroundings)).drain()
    [row] = world.sql("select * from operations.reviews")
    assert (row["id"], row["decision"], row["incident_id"]) == ("t1", "approved", number)
    assert (row["acted_by"], row["acted_at"], row["note"]) == ("bob", world.now, "a gift")


def test_a_second_action_is_told_who_did_what_and_does_nothing(world: World, number: int) -> None:
    act(desk(world), Order(number, "deny", "ada"), HELD, world.now)
    before = world.rows()
    with pytest.raises(AlertingError, match='ada did "deny" at 2026-01-05 05:00 UTC; nothing was done now'):
        act(desk(world), Order(number, "approve", "bob"), HELD, world.now)
    assert world.rows() == before and len(effects(world)) == 1


def test_of_two_people_at_once_one_acts(world: World, number: int) -> None:
    said: list[str] = []

    def try_to_act(person: str) -> None:
        try:
            act(desk(world), Order(number, "approve", person), HELD, world.now)
            said.append("did")
        except AlertingError as error:
            said.append(str(error))

    both = [threading.Thread(target=try_to_act, args=[person]) for person in ("ada", "bob")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert said.count("did") == 1 and len(effects(world)) == 1


def test_what_ended_otherwise_says_so(world: World, number: int) -> None:
    resolve(desk(world), number, Resolve("bob"), world.now)
    with pytest.raises(AlertingError, match="bob resolved it at"):
        act(desk(world), Order(number, "deny", "ada"), HELD, world.now)


def test_only_who_has_the_role_may(world: World, number: int) -> None:
    with pytest.raises(AlertingError, match='bob may not "deny": that takes the role analyst; ask ada'):
        act(desk(world), Order(number, "deny", "bob"), HELD, world.now)
    assert world.incidents()[0]["status"] == "open" and effects(world) == []


def test_a_dry_run_says_what_it_would_do_and_does_nothing(world: World, number: int) -> None:
    before = world.rows()
    done = act(desk(world), Order(number, "deny", "ada"), HELD, world.now, is_dry_run=True)
    assert done.incident.is_resolved and done.row is not None
    assert world.rows() == before and world.incidents()[0]["status"] == "open"


def test_the_actions_are_those_of_the_version_that_people_were_told_by(world: World, number: int) -> None:
    world.publish(definition(actions={"keep": {"label": "Keep"}}))
    with pytest.raises(BadCall, match='"keep" is not an action of large; it has approve, deny, file, forget'):
        act(desk(world), Order(number, "keep", "ada"), HELD, world.now)
    act(desk(world), Order(number, "forget", "ada"), HELD, world.now)
    assert effects(world) == []


def test_without_its_key_nothing_is_written_and_nothing_resolved(world: World, number: int) -> None:
    with pytest.raises(AlertingError, match=f"Incident {number} does not know segment, the key of reviews"):
        act(desk(world), Order(number, "file", "ada"), HELD, world.now)
    assert world.incidents()[0]["status"] == "open"


def test_a_declared_destination_of_that_name_is_taken(world: World, number: int) -> None:
    held = Held(destinations={"reviews": Destination(name="reviews", channel="table", settings={"table": "elsewhere"})})
    done = act(desk(world), Order(number, "deny", "ada"), held, world.now)
    assert done.row is not None and done.row.table == "reviews"


def test_after_an_action_it_is_not_raised_again_while_it_stays_true(world: World, number: int) -> None:
    act(desk(world), Order(number, "deny", "ada"), HELD, world.now)
    world.later(hours=1)
    assert world.evaluate()["large"].opened == 0
