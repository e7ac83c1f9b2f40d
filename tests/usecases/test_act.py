from __future__ import annotations

import threading

import pytest

from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.event import Acknowledge, Resolve
from alerting_pipeline.domain.incident import Disposition
from alerting_pipeline.domain.lifecycle import step
from alerting_pipeline.domain.people import People
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.incident_desk import IncidentDesk, Wanted
from alerting_pipeline.usecases.act import acknowledge, acting_person, disposition_of, resolve
from tests.usecases.world import DESTINATIONS, TREE, World, definition


def desk(world: World) -> IncidentDesk:
    return IncidentDesk(world.engine, Announcer(Directory(TREE, DESTINATIONS, ""), world.definitions))


@pytest.fixture
def number(world: World) -> int:
    """An open incident."""
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    return world.incidents()[0]["incident_id"]


def test_acknowledging_is_told_and_audited(world: World, number: int) -> None:
    acknowledge(desk(world), number, "ada", world.now, "on it")
    [incident] = world.incidents()
    assert (incident["status"], incident["acknowledged_by"]) == ("acknowledged", "ada")
    assert world.messages()[-1] == ("acknowledged", "#risk")
    [entry] = world.sql("select actor, action, object, before, after from ledger.audit_log")
    assert entry == {
        "actor": "ada",
        "action": "incident_acknowledged",
        "object": f"incident {number}",
        "before": {"status": "open"},
        "after": {"status": "acknowledged", "acknowledged_by": "ada"},
    }


def test_acknowledging_twice_says_who_has_it(world: World, number: int) -> None:
    acknowledge(desk(world), number, "ada", world.now)
    with pytest.raises(AlertingError, match="already acknowledged by ada"):
        acknowledge(desk(world), number, "ben", world.now)


def test_what_a_person_resolved_is_not_raised_again_while_its_condition_stays_true(world: World, number: int) -> None:
    resolve(desk(world), number, Resolve("ada", Disposition.FALSE_POSITIVE, "a gift"), world.now)
    [incident] = world.incidents()
    assert (incident["resolution"], incident["disposition"], incident["resolved_by"]) == (
        "by_person", "false_positive", "ada",
    )  # fmt: skip
    for _ in range(2):
        world.later(hours=1)
        result = world.evaluate()["large"]
        assert (result.outcome, result.violations, result.opened) == ("firing", 1, 0)
    world.put({"id": "t1", "amount": 1})
    world.evaluate()
    world.put({"id": "t1", "amount": 150})
    assert world.evaluate()["large"].opened == 1


def test_what_has_ended_cannot_be_resolved_again(world: World, number: int) -> None:
    resolve(desk(world), number, Resolve("ada", Disposition.EXPECTED), world.now)
    before = world.rows()
    with pytest.raises(AlertingError, match="ended as by_person"):
        resolve(desk(world), number, Resolve("ben", Disposition.EXPECTED), world.now)
    assert world.rows() == before


def test_an_unknown_number_is_one_sentence(world: World) -> None:
    with pytest.raises(AlertingError, match="There is no incident 4711"):
        acknowledge(desk(world), 4711, "ada", world.now)


def test_a_list_is_filtered_and_an_incident_shows_its_history_and_messages(world: World, number: int) -> None:
    assert [row["incident_id"] for row in desk(world).listed(Wanted(alert="large"))] == [number]
    assert desk(world).listed(Wanted(alert="other")) == []
    assert desk(world).listed(Wanted(is_open=False)) == []
    shown = desk(world).shown(number)
    assert shown is not None
    assert [row["event"] for row in shown["events"]] == ["opened"]
    assert [row["destination"] for row in shown["deliveries"]] == ["#risk"]


PEOPLE = People.model_validate({"people": {"ada": {"email": "ada@example.com", "user": "aokafor"}}})


def test_the_acting_person_is_named_or_mapped_from_the_operating_system() -> None:
    assert acting_person(PEOPLE, "ada", "root") == "ada"
    assert acting_person(PEOPLE, "ada@example.com", "root") == "ada"
    assert acting_person(PEOPLE, None, "aokafor") == "ada"
    with pytest.raises(BadCall, match="--as NAME"):
        acting_person(PEOPLE, None, "root")
    with pytest.raises(BadCall, match="it has ada"):
        acting_person(PEOPLE, "bob", "root")


def test_a_verdict_is_one_of_four() -> None:
    assert disposition_of("false-positive") is Disposition.FALSE_POSITIVE
    with pytest.raises(BadCall, match="one of true_positive"):
        disposition_of("maybe")


@pytest.mark.parametrize("amount", [5000, 1, None])
def test_what_a_person_does_during_an_evaluation_is_not_lost(world: World, number: int, amount: int | None) -> None:
    world.put({"id": "t1", "amount": amount}, {"id": "t2", "amount": 1})
    with desk(world).begin() as at_work:
        before = at_work.lock(number)
        evaluating = threading.Thread(target=world.evaluate)
        evaluating.start()
        evaluating.join(timeout=2)
        assert evaluating.is_alive(), "it waits for the person"
        at_work.carry_out(step(before, Acknowledge("ada"), world.now), world.now)
    evaluating.join()
    assert world.incidents()[0]["acknowledged_by"] == "ada"
    assert world.events()[1] == "acknowledged"
    assert len(world.events()) == 3
