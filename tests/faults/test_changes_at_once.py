"""Two people at the same instant, on real connections: one effect, and the other is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from alerting_pipeline.domain.change_ports import Proposal
from alerting_pipeline.domain.change_request import Key
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.usecases.tune import Tuning
from tests.conftest import Database
from tests.usecases.test_tune import FREE, LIMIT, Desk
from tests.usecases.world import World

pytestmark = [pytest.mark.faults]
RACES = 40
Deed = Callable[[Tuning], Any]


@dataclass
class Race(Desk):
    """Both begin when both are ready."""

    def both(self, one: Deed, other: Deed, *, now_of_other: Any = None) -> list[Any]:
        """What came of each: what it returns, or the sentence that it was told."""
        ready = Barrier(2, timeout=20)
        late = Tuning(self.tuning.book, self.rules, now_of_other or self.world.now)

        def run(deed: Deed, tuning: Tuning) -> Any:
            ready.wait()
            try:
                return deed(tuning)
            except AlertingError as error:
                return str(error)

        with ThreadPoolExecutor(2) as pool:
            return [each.result(30) for each in (pool.submit(run, one, self.tuning), pool.submit(run, other, late))]

    def count(self, condition: str = "true") -> int:
        [row] = self.world.sql(
            f"select count(*) as n from ledger.parameter_values where request_id is not null and {condition}"
        )
        return int(row["n"])

    def reset(self) -> None:
        """Everything as it was before anybody asked."""
        self.world.sql(
            "delete from ledger.parameter_values where request_id is not null or valid_from <> '1970-01-01Z'; "
            "update ledger.parameter_values set valid_to = null, superseded_at = null; "
            "delete from ledger.change_requests; truncate ledger.outbox cascade"
        )


@pytest.fixture
def race(database: Database) -> Iterator[Race]:
    world = World(database)
    yield Race(world)
    world.close()


def in_force(found: list[Any]) -> int:
    return sum(not isinstance(each, str) and each.is_in_force for each in found)


def told(found: list[Any]) -> list[str]:
    return [each if isinstance(each, str) else str(each.request.answer) for each in found]


def test_two_who_approve_the_same_request_put_it_into_force_once(race: Race) -> None:
    for _ in range(RACES):
        number = race.propose().request.request_id
        found = race.both(lambda t, n=number: t.approve(n, "ben"), lambda t, n=number: t.approve(n, "cleo"))
        assert (in_force(found), race.count(), race.values()) == (1, 1, ["200"])
        assert any("is approved since" in each for each in told(found))
        race.reset()


def test_of_an_approval_and_a_rejection_one_holds(race: Race) -> None:
    for _ in range(RACES):
        number = race.propose().request.request_id
        found = race.both(lambda t, n=number: t.approve(n, "ben"), lambda t, n=number: t.reject(n, "cleo", "no"))
        assert sum(isinstance(each, str) for each in found) == 1
        assert (race.count(), race.values()) == ((1, ["200"]) if in_force(found) else (0, ["100"]))
        race.reset()


def test_of_two_requests_for_one_value_one_is_in_force_and_the_other_void(race: Race) -> None:
    for _ in range(RACES):
        one, two = race.propose(200).request.request_id, race.propose(300).request.request_id
        found = race.both(lambda t, n=one: t.approve(n, "cleo"), lambda t, n=two: t.approve(n, "ben"))
        assert (in_force(found), race.count("valid_to is null")) == (1, 1)
        statuses = race.world.sql("select status from ledger.change_requests order by status")
        assert [each["status"] for each in statuses] == ["approved", "void"]
        assert any("void" in each for each in told(found))
        race.reset()


def test_of_two_who_set_what_needs_no_approval_the_second_sees_the_first(race: Race) -> None:
    for _ in range(RACES):
        found = race.both(
            lambda t: t.propose(Proposal(FREE, "5", "dan", "x", expected="1")),
            lambda t: t.propose(Proposal(FREE, "7", "ada", "x", expected="1")),
        )
        assert (in_force(found), race.count("valid_to is null")) == (1, 1)
        assert any("meanwhile, and not 1: somebody changed it before you" in each for each in told(found))
        race.reset()


def test_of_two_who_take_the_same_change_back_one_does(race: Race) -> None:
    for _ in range(RACES):
        race.propose(5, "dan", FREE)
        found = race.both(lambda t: t.revert(FREE, "dan", "x"), lambda t: t.revert(FREE, "ada", "x"))
        assert (in_force(found), race.values(key=FREE)) == (1, ["1"])
        assert sum(isinstance(each, str) for each in found) == 1
        race.reset()


def test_an_approval_while_it_expires_is_one_or_the_other(race: Race) -> None:
    for _ in range(RACES):
        number = race.propose().request.request_id
        found = race.both(
            lambda t, n=number: t.approve(n, "cleo"), lambda t: t.expire(), now_of_other=race.world.now + timedelta(7)
        )
        [row] = race.world.sql("select status from ledger.change_requests")
        was_approved = not isinstance(found[0], str)
        assert row["status"] == ("approved" if was_approved else "expired")
        assert race.values() == (["200"] if was_approved else ["100"])
        race.reset()


def test_what_is_edited_while_it_is_approved_never_comes_into_force(race: Race) -> None:
    def edit(_: Tuning) -> str:
        race.world.sql("update ledger.change_requests set new = '4999'")
        return "edited"

    for _ in range(RACES):
        number = race.propose().request.request_id
        race.both(lambda t, n=number: t.approve(n, "cleo"), edit)
        assert race.values() in (["200"], ["100"])
        assert race.count("value = '4999'") == 0
        race.reset()


def test_an_approval_that_is_repeated_a_hundred_times_counts_once(race: Race) -> None:
    number = race.approved().request.request_id
    for _ in range(100):
        with pytest.raises(AlertingError, match="is approved since"):
            race.tuning.approve(number, "cleo")
    assert (race.count(), race.values(key=Key("large", "limit"))) == (1, ["200"])
    assert Key("large", "limit") == LIMIT
