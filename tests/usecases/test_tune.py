"""Changing a parameter: who may, what is exact, which value holds when, and what people are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from alerting_pipeline.domain.change_ports import Proposal, Tuned
from alerting_pipeline.domain.change_request import Key
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.people import People
from alerting_pipeline.store.change_requests import ChangeRequests
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.usecases.tune import Tuning
from tests.usecases.world import DESTINATIONS, World, definition

PEOPLE = People.model_validate(
    {
        "people": {
            "ada": {"email": "ada@example.com", "roles": ["analyst"]},
            "ben": {"email": "ben@example.com", "roles": ["analyst", "lead"]},
            "cleo": {"email": "cleo@example.com", "roles": ["lead"]},
            "dan": {"email": "dan@example.com", "roles": ["clerk"]},
            "eve": {"email": "eve@example.com", "roles": ["lead", "analyst"], "left": "2026-01-01"},
        },
        "teams": {"risk": {"members": ["ada", "ben"], "email": "risk@example.com"}},
    }
)
LIMIT = Key("large", "limit")
FREE = Key("large", "free")
DAY = timedelta(days=1)


def parameters(**changes: Any) -> dict[str, Any]:
    limit = {
        "default": 100, "minimum": 10, "maximum": 5000, "by": "segment", "values": {"premium": 500},
        "changed_by": ["analyst"], "approved_by": ["lead"], **changes,
    }  # fmt: skip
    return {"limit": limit, "free": {"default": 1, "maximum": 9}}


@dataclass
class Desk:
    """Ada, Ben and the others before one alert in force; the clock moves by hand."""

    world: World
    rules: InForce = field(init=False)

    def __post_init__(self) -> None:
        self.in_force(parameters())

    def in_force(self, stated: dict[str, Any]) -> None:
        made = definition(parameters=stated)
        if "large" not in self.world.definitions:
            self.world.publish(made)
            self.world.sql("update ledger.parameter_values set changed_by = 'definition'")
        self.world.definitions["large"] = made
        self.rules = InForce({"large": made}, people=PEOPLE, destinations=DESTINATIONS)

    @property
    def tuning(self) -> Tuning:
        return Tuning(ChangeRequests(self.world.engine), self.rules, self.world.now)

    def propose(self, written: Any = 200, person: str = "ada", key: Key = LIMIT, **more: Any) -> Tuned:
        return self.tuning.propose(Proposal(key, written, person, "too many", **more))

    def approved(self, *arguments: Any, **more: Any) -> Tuned:
        return self.tuning.approve(self.propose(*arguments, **more).request.request_id, "cleo")

    def values(self, at: datetime | None = None, key: Key = LIMIT) -> list[str]:
        """What the textbook query says holds at an instant."""
        return [
            row["value"]
            for row in self.world.sql(
                "select value from alerting.parameter_values where alert = %s and parameter = %s and scope = %s "
                "and coalesce(segment, '') = %s and valid_from <= %s and (valid_to is null or valid_to > %s)",
                key.alert, key.parameter, key.scope, key.scope_value, at or self.world.now, at or self.world.now,
            )
        ]  # fmt: skip

    def fired(self) -> list[str]:
        self.world.evaluate("large")
        rows = self.world.sql(
            "select entity ->> 'id' as id from ledger.incidents where status <> 'resolved' order by 1"
        )
        return [row["id"] for row in rows]


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    yield Desk(world)


def test_a_change_waits_for_somebody_else_and_holds_at_the_next_evaluation(desk: Desk) -> None:
    desk.world.put({"id": "a", "amount": 150, "segment": "retail"}, {"id": "b", "amount": 600, "segment": "premium"})
    assert desk.fired() == ["a", "b"]
    asked = desk.propose(200)
    assert (asked.request.status, asked.waits_for) == ("open", ("ben", "cleo"))
    assert desk.fired() == ["a", "b"]
    assert desk.tuning.approve(asked.request.request_id, "cleo").is_in_force
    assert desk.fired() == ["b"]


def test_evaluate_change_evaluate_revert_evaluate_gives_what_was_there_before(desk: Desk) -> None:
    desk.world.put({"id": "a", "amount": 150, "segment": "retail"}, {"id": "b", "amount": 600, "segment": "premium"})
    before = desk.world.evaluate("large")["large"]
    desk.approved(2000)
    between = desk.world.evaluate("large")["large"]
    desk.tuning.approve(desk.tuning.revert(LIMIT, "ada", "").request.request_id, "ben")
    after = desk.world.evaluate("large")["large"]
    assert between.violations == 1
    assert (after.violations, after.outcome) == (before.violations, before.outcome)
    assert desk.fired() == ["a", "b"]
    assert desk.world.sql(
        "select changed_by from ledger.parameter_values where parameter = 'limit' and scope = 'default' "
        "and valid_to is null"
    ) == [{"changed_by": "definition"}]


def test_where_nobody_need_approve_a_change_holds_at_once(desk: Desk) -> None:
    done = desk.propose(5, "dan", FREE)
    assert (done.request.status, done.request.decided_by) == ("approved", None)
    assert desk.values(key=FREE) == ["5"]


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("ada", "somebody else has to approve it"),
        ("dan", "takes the role lead; ask ben or cleo"),
        ("eve", "somebody who is here"),
        ("nobody", "somebody who is here"),
    ],
)
def test_nobody_approves_their_own_or_without_the_role(desk: Desk, person: str, why: str) -> None:
    asked = desk.propose()
    with pytest.raises(AlertingError, match=why):
        desk.tuning.approve(asked.request.request_id, person)
    assert desk.values() == ["100"]


def test_the_database_itself_refuses_an_approval_of_ones_own(desk: Desk) -> None:
    asked = desk.propose()
    with psycopg.connect(desk.world.database.app_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "update ledger.change_requests set status = 'approved', decided_by = 'ada' where request_id = %s",
            [asked.request.request_id],
        )


def test_the_program_itself_cannot_edit_what_was_asked_for(desk: Desk) -> None:
    desk.propose()
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with psycopg.connect(desk.world.database.app_url) as connection, refused:
        connection.execute("update ledger.change_requests set new = '9999'")


def test_an_approval_of_a_request_that_was_edited_is_void(desk: Desk) -> None:
    asked = desk.propose()
    desk.world.sql("update ledger.change_requests set new = '4999'")
    done = desk.tuning.approve(asked.request.request_id, "cleo")
    assert (done.request.status, done.request.answer) == ("void", "it was edited after it had been asked for")
    assert desk.values() == ["100"]


def test_of_two_changes_at_once_the_first_wins_and_the_second_is_told(desk: Desk) -> None:
    first, second = desk.propose(200), desk.propose(300, "ben")
    done = desk.tuning.approve(first.request.request_id, "cleo")
    assert [each.request_id for each in done.also_void] == [second.request.request_id]
    with pytest.raises(AlertingError, match=r"is void .*when 100 was in force, and 200 is now"):
        desk.tuning.approve(second.request.request_id, "cleo")
    told = desk.world.sql("select destination, message ->> 'title' as title from ledger.outbox order by sequence")
    assert told[-1] == {"destination": "@ben", "title": "Your change of large.limit is void"}


def test_who_saw_another_value_is_told(desk: Desk) -> None:
    desk.approved(200)
    with pytest.raises(AlertingError, match="is 200 meanwhile, and not 100"):
        desk.propose(300, expected="100")


def test_a_request_expires(desk: Desk) -> None:
    asked = desk.propose()
    desk.world.now += 7 * DAY
    assert [each.request.status for each in desk.tuning.expire()] == ["expired"]
    with pytest.raises(AlertingError, match=r"is expired since .*nobody approved it in time"):
        desk.tuning.approve(asked.request.request_id, "cleo")


def test_a_late_approval_lets_the_request_expire(desk: Desk) -> None:
    asked = desk.propose()
    desk.world.now += 8 * DAY
    assert desk.tuning.approve(asked.request.request_id, "cleo").request.status == "expired"
    assert desk.values() == ["100"]


def test_a_request_that_the_definition_no_longer_allows_is_void(desk: Desk) -> None:
    asked = desk.propose(4000)
    desk.in_force(parameters(maximum=3000))
    done = desk.tuning.approve(asked.request.request_id, "cleo")
    assert done.request.status == "void"
    assert "over the maximum of 3000" in (done.request.answer or "")


def test_a_temporary_value_begins_and_ends_by_itself_at_the_instants_of_evaluation(desk: Desk) -> None:
    world = desk.world
    world.put({"id": "a", "amount": 150, "segment": "retail"})
    desk.approved(1000, starts_at=world.now + DAY, ends_at=world.now + 2 * DAY)
    seen = []
    for _ in range(4):
        seen.append((desk.fired(), desk.values()))
        world.now += DAY
    assert seen == [(["a"], ["100"]), ([], ["1000"]), (["a"], ["100"]), (["a"], ["100"])]


def test_one_value_holds_at_a_time_and_what_is_planned_is_not_run_over(desk: Desk) -> None:
    now = desk.world.now
    desk.approved(1000, starts_at=now + 5 * DAY, ends_at=now + 6 * DAY)
    with pytest.raises(AlertingError, match="another value is planned from 2026-01-10 05:00 UTC"):
        desk.propose(300)
    desk.approved(300, ends_at=now + 5 * DAY)
    assert [desk.values(now + days * DAY) for days in (0, 4, 5, 6)] == [["300"], ["300"], ["1000"], ["100"]]
    with psycopg.connect(desk.world.database.app_url) as connection, pytest.raises(psycopg.errors.ExclusionViolation):
        connection.execute(
            "insert into ledger.parameter_values (alert, parameter, type, scope, value, valid_from, changed_by) "
            "values ('large', 'limit', 'number', 'default', '100', '2030-01-01', 'definition')"
        )


def test_a_planned_value_is_taken_back_before_it_begins(desk: Desk) -> None:
    now = desk.world.now
    desk.approved(1000, starts_at=now + 5 * DAY, ends_at=now + 6 * DAY)
    desk.tuning.approve(desk.tuning.revert(LIMIT, "ada", "no").request.request_id, "ben")
    assert [desk.values(now + days * DAY) for days in (0, 5, 6)] == [["100"], ["100"], ["100"]]


def test_a_segment_gets_a_value_of_its_own_and_loses_it_again(desk: Desk) -> None:
    gold = Key("large", "limit", "segment", "gold")
    desk.world.put({"id": "a", "amount": 150, "segment": "gold"})
    desk.approved(1000, key=gold)
    assert desk.fired() == []
    desk.tuning.approve(desk.tuning.revert(gold, "ada", "").request.request_id, "cleo")
    assert desk.fired() == ["a"]
    assert desk.values(key=gold) == []


def test_an_entity_has_a_value_of_its_own_before_that_of_its_segment(desk: Desk) -> None:
    desk.world.put({"id": "a", "amount": 600, "segment": "premium"}, {"id": "b", "amount": 600, "segment": "premium"})
    desk.approved(700, key=Key("large", "limit", "entity", "a"))
    assert desk.fired() == ["b"]


def test_which_value_held_when_it_fired_is_one_query_even_where_the_clock_stands_still(desk: Desk) -> None:
    desk.world.put({"id": "a", "amount": 150, "segment": "retail"})
    desk.fired()
    desk.approved(120)
    desk.world.evaluate("large")
    held = desk.world.sql(
        "select evaluation_id, value, changed_by, approved_by from alerting.parameters_of_evaluations "
        "where parameter = 'limit' and scope = 'default' order by evaluation_id"
    )
    assert [(row["value"], row["changed_by"], row["approved_by"]) for row in held] == [
        ("100", "definition", None),
        ("120", "ada", "cleo"),
    ]


@pytest.mark.parametrize(
    ("written", "key", "why"),
    [
        ("6000", LIMIT, "over the maximum of 5000"),
        ("9", LIMIT, "under the minimum of 10"),
        ("100.0", LIMIT, "has 100.0 already; nothing would change"),
        ("7", Key("large", "limitt"), 'did you mean "limit"'),
        ("7", Key("larg", "limit"), 'did you mean "large"'),
        ("7", Key("large", "free", "segment", "gold"), "no values per segment"),
        (None, LIMIT, "needs a value"),
        (None, Key("large", "limit", "segment", "premium"), "the file states a value"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(desk: Desk, written: Any, key: Key, why: str) -> None:
    with pytest.raises(AlertingError, match=why):
        desk.propose(written, key=key)


def test_approvers_are_told_of_a_request_and_the_requester_of_the_answer(desk: Desk) -> None:
    asked = desk.propose(200)
    desk.tuning.reject(asked.request.request_id, "ben", "December is busy")
    told = desk.world.sql("select destination, message from ledger.outbox order by sequence")
    assert [row["destination"] for row in told] == ["@ben", "@cleo", "@ada"]
    assert told[0]["message"]["summary"] == "large.limit: 100 becomes 200"
    assert (told[2]["message"]["title"], told[2]["message"]["note"]) == (
        "Your change of large.limit is rejected",
        "December is busy",
    )


def test_everything_is_in_the_audit_log(desk: Desk) -> None:
    desk.approved(200)
    rows = desk.world.sql("select actor, action, after from alerting.audit_log order by seq")
    assert [(row["actor"], row["action"]) for row in rows] == [
        ("ada", "parameter_requested"),
        ("cleo", "parameter_approved"),
        ("cleo", "parameter_changed"),
    ]
    assert rows[-1]["after"][0]["value"] == "200"


def test_a_value_of_a_person_survives_the_files_and_its_revert_brings_back_what_they_say_now(desk: Desk) -> None:
    assert datetime(2026, 1, 5, 5, tzinfo=UTC) == desk.world.now
    desk.approved(200)
    desk.tuning.approve(desk.tuning.revert(LIMIT, "ada", "").request.request_id, "cleo")
    assert desk.values() == ["100"]
    with pytest.raises(AlertingError, match="has the value that its file states"):
        desk.tuning.revert(LIMIT, "ada", "")


def test_an_incident_names_the_values_that_held_when_it_was_opened(desk: Desk) -> None:
    desk.world.put({"id": "a", "amount": 150, "segment": "retail"})
    desk.approved(120)
    desk.fired()
    desk.approved(130)
    shown = desk.world.desk.shown(1)
    assert shown is not None
    held = {(row["parameter"], row["scope"]): (row["value"], row["approved_by"]) for row in shown["parameters"]}
    assert held[("limit", "default")] == ("120", "cleo")
