"""A changed value is in force at the next evaluation, and that one is due at once: on the real ledger, once each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from alerting_pipeline.domain.change_request import Key
from alerting_pipeline.domain.evaluation import EvaluationResult
from alerting_pipeline.domain.health import ReadyModel
from alerting_pipeline.store.due_work import PostgresDueWork
from alerting_pipeline.store.mart_health import PostgresMartHealth
from alerting_pipeline.store.tuned_alerts import TunedAlerts
from alerting_pipeline.usecases.catch_up import CatchUp
from tests.usecases.test_tune import DAY, Desk, parameters
from tests.usecases.world import World, definition


@dataclass
class Minute(Desk):
    """What the running system does within a minute: note what is due, and work it off."""

    def pass_by(self) -> list[str]:
        done: list[EvaluationResult] = []
        engine = self.world.engine
        work = CatchUp(
            PostgresDueWork(engine), self.world.evaluator(), PostgresMartHealth(engine), tuned=TunedAlerts(engine)
        )
        work.note_windows(self.world.now)
        assert work.work_off(self.world.now, "test", done.extend) == []
        return [each.alert for each in done]

    def open(self) -> list[str]:
        rows = self.world.sql(
            "select entity ->> 'id' as id from ledger.incidents where status <> 'resolved' order by 1"
        )
        return [row["id"] for row in rows]


@pytest.fixture
def desk(world: World) -> Iterator[Minute]:
    made = Minute(world)
    world.put({"id": "a", "amount": 150, "segment": "retail"}, {"id": "b", "amount": 250, "segment": "retail"})
    world.evaluate()
    assert made.open() == ["a", "b"]
    assert made.pass_by() == []
    yield made


def test_incidents_that_the_new_value_does_not_hold_are_cleared_and_others_opened(desk: Minute) -> None:
    desk.approved(200)
    assert (desk.pass_by(), desk.open()) == (["large"], ["b"])
    assert desk.pass_by() == []
    desk.approved(120)
    assert (desk.pass_by(), desk.open()) == (["large"], ["a", "b"])
    desk.approved(200)  # the same value as before is another change
    assert (desk.pass_by(), desk.open()) == (["large"], ["b"])
    asked = desk.tuning.revert(Key("large", "limit"), "ada", "back").request.request_id
    assert desk.pass_by() == []
    desk.tuning.approve(asked, "cleo")
    assert (desk.pass_by(), desk.open()) == (["large"], ["a", "b"])


def test_a_temporary_value_is_evaluated_when_it_begins_and_when_it_ends(desk: Minute) -> None:
    begins = desk.world.now + DAY
    desk.approved(200, starts_at=begins, ends_at=begins + DAY)
    assert (desk.pass_by(), desk.open()) == ([], ["a", "b"])
    desk.world.now = begins + timedelta(seconds=30)
    assert (desk.pass_by(), desk.open()) == (["large"], ["b"])
    assert desk.pass_by() == []
    desk.world.now = begins + DAY
    assert (desk.pass_by(), desk.open()) == (["large"], ["a", "b"])
    assert desk.pass_by() == []


def test_it_is_repeated_by_nobody_and_missed_by_nobody_who_comes_later(desk: Minute) -> None:
    desk.approved(200)
    work, tuned = PostgresDueWork(desk.world.engine), TunedAlerts(desk.world.engine)
    assert [work.add(tuned.due(desk.world.now)) for _ in range(5)] == [1, 0, 0, 0, 0]
    desk.world.later(minutes=5)
    assert work.add(tuned.due(desk.world.now)) == 0
    assert (desk.pass_by(), desk.pass_by(), desk.open()) == (["large"], [], ["b"])


def test_an_evaluation_that_came_first_is_enough(desk: Minute) -> None:
    desk.approved(200)
    desk.world.evaluate()
    assert (desk.pass_by(), desk.open()) == ([], ["b"])


def test_a_mart_that_can_not_be_believed_is_not_judged_by_the_new_value(desk: Minute) -> None:
    health = PostgresMartHealth(desk.world.engine)
    health.note(ReadyModel("model.x.payments", healthy=False, failures=("a test fails",)))
    desk.approved(200)
    assert (desk.pass_by(), desk.open()) == (["large"], ["a", "b"])
    assert desk.pass_by() == []


def test_an_alert_with_a_schedule_waits_for_it(desk: Minute) -> None:
    desk.world.definitions["large"] = definition(
        parameters=parameters(), trigger={"cron": "0 9 * * 1", "timezone": "Europe/Berlin"}
    )
    desk.approved(200)
    assert (desk.pass_by(), desk.open()) == ([], ["a", "b"])
