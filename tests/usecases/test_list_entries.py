"""Entries of a list: each joins and leaves by itself, with time, reason and author; the next evaluation takes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerting_pipeline.domain.change_request import Key
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.parameter_values import publish_parameters
from alerting_pipeline.usecases.list_parameters import standing_values
from tests.usecases.test_tune import DAY, PEOPLE, Desk
from tests.usecases.world import DESTINATIONS, START, World, definition

LIST = Key("large", "known")


def entry(value: str) -> Key:
    return Key("large", "known", "entry", value)


def listed(*entries: Any, **more: Any) -> AlertDefinition:
    """Fires for every amount over 100 whose id is not in the list."""
    known = {"type": "list", "default": list(entries), "changed_by": ["analyst"], **more}
    return definition(
        condition="amount > :limit and not (id = any(:known))",
        parameters={"limit": {"default": 100}, "known": known},
        summary="{{ id }} is not among {{ known }}",
    )


class ListDesk(Desk):
    """The same people before a list."""

    def __post_init__(self) -> None:
        self.publish(listed("a"))

    def publish(self, made: AlertDefinition) -> None:
        """As `alerting evaluate` does with the files."""
        if "large" not in self.world.definitions:
            self.world.publish(definition(parameters={}, condition="amount > 0"))
        self.world.definitions["large"] = made
        with self.world.engine.begin() as connection:
            publish_parameters(connection, made, self.world.now)
        self.rules = InForce({"large": made}, people=PEOPLE, destinations=DESTINATIONS)

    def add(self, value: str, person: str = "ada", **more: Any) -> Any:
        return self.propose(value, person, entry(value), **more)

    def take_out(self, value: str, person: str = "ada", **more: Any) -> Any:
        return self.propose(None, person, entry(value), **more)

    def shown(self) -> list[tuple[Any, ...]]:
        found = standing_values(self.tuning.book, self.rules, ["large"], self.world.now)  # type: ignore[arg-type]
        return [
            (each["scope_value"], each["value"], each["until"], each["reason"], each["author"])
            for each in found
            if each["parameter"] == "known"
        ]


@pytest.fixture
def desk(world: World) -> ListDesk:
    world.put(*({"id": each, "amount": 150} for each in "abcd"))
    return ListDesk(world)


def test_an_entry_that_joins_is_taken_at_the_next_evaluation_and_may_leave_again(desk: ListDesk) -> None:
    assert desk.fired() == ["b", "c", "d"]
    done = desk.add("b")
    assert (done.request.status, done.request.change.old, done.request.change.new) == ("approved", "{}", '{"b"}')
    assert desk.fired() == ["c", "d"]
    desk.take_out("b")
    assert desk.fired() == ["b", "c", "d"]


def test_an_entry_leaves_by_itself_when_its_time_is_over(desk: ListDesk) -> None:
    desk.add("b", ends_at=START + DAY)
    desk.add("c", ends_at=START + 2 * DAY)
    assert desk.fired() == ["d"]
    desk.world.now = START + DAY
    assert desk.fired() == ["b", "d"]
    desk.world.now = START + 2 * DAY
    assert desk.fired() == ["b", "c", "d"]


def test_two_people_who_add_different_entries_at_once_both_get_them(desk: ListDesk) -> None:
    desk.publish(listed("a", approved_by=["lead"]))
    first, second = desk.add("b", "ada").request, desk.add("c", "ben").request
    assert not desk.tuning.approve(first.request_id, "cleo").also_void
    assert desk.tuning.approve(second.request_id, "cleo").is_in_force
    assert desk.fired() == ["d"]


def test_twenty_entries_added_at_the_same_moment_are_all_in_the_list(desk: ListDesk) -> None:
    names = [f"x{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        assert all(done.is_in_force for done in pool.map(desk.add, names))
    assert [row[0] for row in desk.shown()] == sorted(["", "a", *names])


def test_of_two_who_add_the_same_entry_at_the_same_moment_one_is_told(desk: ListDesk) -> None:
    def add(person: str) -> str:
        try:
            return desk.add("b", person).request.status
        except AlertingError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(add, ["ada", "ben"])) == ["approved", "b is in the list large.known already."]


def test_of_two_who_add_the_same_entry_the_second_is_told(desk: ListDesk) -> None:
    desk.publish(listed("a", approved_by=["lead"]))
    first, second = desk.add("b", "ada").request, desk.add("b", "ben", ends_at=START + DAY).request
    [void] = desk.tuning.approve(first.request_id, "cleo").also_void
    assert (void.request_id, void.answer) == (second.request_id, "meanwhile b joined the list")
    with pytest.raises(AlertingError, match=r"b is in the list large\.known already\."):
        desk.add("b", "ben")


def test_what_the_file_states_can_be_left_out_for_a_while(desk: ListDesk) -> None:
    desk.take_out("a", ends_at=START + DAY)
    assert desk.fired() == ["a", "b", "c", "d"]
    desk.publish(listed("a"))  # the file says so still
    assert desk.fired() == ["a", "b", "c", "d"]
    desk.world.now = START + DAY
    assert desk.fired() == ["b", "c", "d"]


def test_what_was_left_out_is_forgotten_with_the_entry_of_the_file(desk: ListDesk) -> None:
    desk.take_out("a")
    desk.publish(listed("b"))
    assert desk.fired() == ["a", "c", "d"]
    desk.publish(listed("a", "b"))
    assert desk.fired() == ["c", "d"]


def test_an_entry_of_a_person_stays_when_the_file_changes(desk: ListDesk) -> None:
    desk.add("b")
    desk.publish(listed("c"))
    assert desk.fired() == ["a", "d"]


def test_an_entry_of_a_file_ends_as_the_file_says_and_can_be_given_longer(desk: ListDesk) -> None:
    desk.publish(listed({"value": "b", "until": "2026-01-07", "reason": "moves house", "author": "ada"}))
    assert desk.fired() == ["a", "c", "d"]
    desk.world.now = START + DAY
    desk.publish(listed({"value": "b", "until": "2026-01-08", "reason": "moves house", "author": "ada"}))
    desk.world.now = datetime.fromisoformat("2026-01-08T00:00:00Z") - timedelta(seconds=1)
    assert desk.fired() == ["a", "c", "d"]
    desk.world.now += timedelta(seconds=1)
    assert desk.fired() == ["a", "b", "c", "d"]


def test_an_entry_of_a_file_can_be_given_less_time(desk: ListDesk) -> None:
    desk.publish(listed({"value": "b", "until": "2026-02-01"}))
    desk.publish(listed({"value": "b", "until": "2026-01-06"}))
    assert desk.fired() == ["a", "c", "d"]
    desk.world.now = START + DAY
    assert desk.fired() == ["a", "b", "c", "d"]


def test_every_entry_says_its_end_reason_and_author(desk: ListDesk) -> None:
    desk.publish(listed("a", {"value": "b", "until": "2026-01-07", "reason": "moves house", "author": "cleo"}))
    desk.add("c", ends_at=START + DAY)
    seventh = datetime.fromisoformat("2026-01-07T00:00:00Z")
    assert desk.shown() == [
        ("", "a, b, c", None, None, "definition"),
        ("a", "in the list", None, None, "definition"),
        ("b", "in the list", seventh, "moves house", "cleo"),
        ("c", "in the list", START + DAY, "too many", "ada"),
    ]
    history = desk.tuning.book.history("large", "known")  # type: ignore[attr-defined]
    assert [(row["scope_value"], row["reason"], row["author"]) for row in history if row["scope"] == "entry"] == [
        ("a", None, "definition"), ("b", "moves house", "cleo"), ("c", "too many", "ada"),
    ]  # fmt: skip


def test_the_newest_change_of_an_entry_can_be_taken_back(desk: ListDesk) -> None:
    desk.add("b")
    desk.tuning.revert(entry("b"), "ada", "")
    assert desk.fired() == ["b", "c", "d"]
    desk.take_out("a")
    desk.tuning.revert(entry("a"), "ada", "")
    assert desk.fired() == ["b", "c", "d"]
    assert {row[4] for row in desk.shown()} == {"definition"}


def test_the_whole_list_of_an_evaluation_is_one_query_and_stands_in_its_messages(desk: ListDesk) -> None:
    desk.add("b")
    desk.fired()
    assert {row["summary"] for row in desk.world.sql("select summary from ledger.incidents")} == {
        "c is not among a, b", "d is not among a, b",
    }  # fmt: skip
    rows = desk.world.sql(
        "select scope_value, author from alerting.parameters_of_evaluations where parameter = 'known' "
        "and scope = 'entry' order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [("a", "definition"), ("b", "ada")]


@pytest.mark.parametrize(
    ("key", "written", "why"),
    [
        (LIST, "b", "entries of the list large.known are changed one by one; write --add ENTRY or --remove ENTRY"),
        (entry("z"), None, r"z is not in the list large\.known; there is nothing to take out"),
        (entry("a"), "a", r"a is in the list large\.known already"),
        (entry(""), "", "name the entry: it is empty"),
        (entry("x" * 501), "x" * 501, "longer than 500 characters"),
        (entry("x\0"), "x\0", "control character"),
        (Key("large", "limit", "entry", "b"), "b", r"large\.limit is no list: it has no entries"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(desk: ListDesk, key: Key, written: Any, why: str) -> None:
    with pytest.raises((AlertingError, ValueError), match=why):
        desk.propose(written, key=key)


@pytest.mark.parametrize("hostile", ["a', 'b", '{"a"}', "a,b", "'; drop table x; --", "%(a)s", ":limit", "\\", '"'])
def test_an_entry_is_a_value_and_never_sql(desk: ListDesk, hostile: str) -> None:
    desk.add(hostile)
    desk.world.add({"id": hostile, "amount": 150})
    assert desk.fired() == ["b", "c", "d"]


def test_everything_of_an_entry_is_in_the_audit_log(desk: ListDesk) -> None:
    desk.add("b", ends_at=START + DAY)
    rows = desk.world.sql("select action, object, after from ledger.audit_log order by seq")
    assert [row["action"] for row in rows] == ["parameter_requested", "parameter_changed"]
    assert rows[0]["object"].startswith("parameter large.known for entry b")
    assert rows[1]["after"][0]["value"] == '{"b"}'
