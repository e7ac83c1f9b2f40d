"""A run with too many rows for a list is halted as a whole, told to its keepers, and decided on by a person."""

from __future__ import annotations

from typing import Any

import pytest

from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.per_run import per_run
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.row_cap import cap_of
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.write_runs import WriteRuns
from alerting_pipeline.usecases.decide_rows import Decision, decide_rows
from tests.usecases.world import DESTINATIONS, TREE, World, definition


def large(at_most: str | None = "3 per run") -> Any:
    return definition(write_back=[{"sheet": "review", **({"at_most": at_most} if at_most else {})}])


def runs(world: World) -> WriteRuns:
    return WriteRuns(world.engine, Announcer(Directory(TREE, DESTINATIONS, ""), world.definitions))


def violate(world: World, *numbers: int) -> None:
    world.put(*({"id": f"t{number:02}", "amount": 150} for number in numbers))
    world.later(hours=1)
    world.evaluate()


def statuses(world: World) -> list[str]:
    rows = world.sql("select status from ledger.outbox where destination = 'review' order by sequence")
    return [row["status"] for row in rows]


def findings(world: World) -> list[tuple[str, str]]:
    rows = world.sql("select status, summary from ledger.incidents where alert = 'write_back_halted' order by 1")
    return [(row["status"], row["summary"]) for row in rows]


def test_a_run_within_its_cap_leaves(world: World) -> None:
    world.publish(large())
    violate(world, 1, 2, 3)
    assert statuses(world) == ["waiting"] * 3
    assert findings(world) == []


def test_nothing_of_a_run_over_its_cap_leaves_and_those_who_look_after_it_are_told(world: World) -> None:
    world.publish(large())
    violate(world, *range(5))
    assert statuses(world) == ["halted"] * 5
    assert findings(world) == [("open", "large has 5 rows for review at once, which takes 3 per run; none is written")]
    assert ("opened", "#data") in world.messages()
    assert [message for message in world.messages() if message[1] == "#risk"], "people are told all the same"
    (run,) = runs(world).listed()
    assert (run["alert"], run["destination"], run["rows"], run["at_most"]) == ("large", "review", 5, 3)
    assert len(runs(world).rows(run["run_id"], limit=2)) == 2


def test_what_comes_later_waits_behind_it_and_leaves_in_order_once_approved(world: World) -> None:
    world.publish(large())
    violate(world, *range(5))
    violate(world, *range(6))
    violate(world, 5)
    assert statuses(world) == ["halted"] * 11, "one more incident, and five endings"
    (run,) = runs(world).listed()
    decided = decide_rows(runs(world), Decision(run["run_id"], "approved", "ada", "planned"), world.now)
    assert decided.rows == 11
    assert statuses(world) == ["waiting"] * 11
    assert [status for status, _ in findings(world)] == ["resolved"]
    assert runs(world).listed() == []
    [entry] = world.sql("select actor, action, object from ledger.audit_log where action like 'write_run%%'")
    assert entry == {"actor": "ada", "action": "write_run_approved", "object": f"write run {run['run_id']}"}


def test_rejected_rows_never_leave_nor_what_comes_after_them(world: World) -> None:
    world.publish(large())
    violate(world, *range(5))
    (run,) = runs(world).listed()
    decide_rows(runs(world), Decision(run["run_id"], "rejected", "ada"), world.now)
    assert statuses(world) == ["rejected"] * 5
    violate(world, 7)
    assert sorted(statuses(world)) == ["rejected"] * 10 + ["waiting"], "five endings, and an incident that is new"


def test_a_decision_is_made_once(world: World) -> None:
    world.publish(large())
    violate(world, *range(5))
    (run,) = runs(world).listed()
    decide_rows(runs(world), Decision(run["run_id"], "approved", "ada"), world.now)
    with pytest.raises(AlertingError, match=f"Run {run['run_id']} was approved by ada"):
        decide_rows(runs(world), Decision(run["run_id"], "rejected", "ben"), world.now)
    with pytest.raises(AlertingError, match="no halted run 4711"):
        decide_rows(runs(world), Decision(4711, "rejected", "ben"), world.now)


def test_a_halted_row_is_claimed_by_nobody(world: World) -> None:
    from alerting_pipeline.store.outbox import PostgresOutbox

    world.publish(large())
    violate(world, *range(5))
    claims = PostgresOutbox(world.engine, worker="w").claim(100, {})
    assert {claim.delivery.destination for claim in claims} == {"#risk", "#data"}


def test_a_dry_run_leaves_no_halted_run(world: World) -> None:
    world.publish(large())
    world.put(*({"id": f"t{number}", "amount": 150} for number in range(5)))
    world.evaluate(is_dry_run=True)
    assert runs(world).listed(is_waiting=None) == []


def test_the_lower_cap_counts() -> None:
    sheet = Destination(name="review", channel="sheet", settings={"at_most": "2 per run"})
    assert cap_of(large(), sheet) == 2
    assert cap_of(large("1 per run"), sheet) == 1
    assert cap_of(large(None), DESTINATIONS["review"]) is None
    assert cap_of(large(), DESTINATIONS["#risk"]) is None
    assert cap_of(None, None) is None


@pytest.mark.parametrize("wrong", ["500", "0 per run", "-1 per run", "5 per day", "1_000 per run", "1e3 per run", True])
def test_a_cap_is_written_out(wrong: Any) -> None:
    with pytest.raises(Mistake, match="write one such as 500 per run"):
        per_run(wrong)
