"""Two weeks in production, with people who act, a day that could not be believed and a limit that was changed: replayed
from what the ledger recorded, they tell message for message what was told.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.app.replaying import RecordedPostgresStage, recorded_stage
from alerting_pipeline.domain.evaluation import Health
from alerting_pipeline.domain.event import Resolve, Snooze
from alerting_pipeline.domain.incident import Disposition
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.recorded import Fidelity
from alerting_pipeline.store.history import LedgerHistory
from alerting_pipeline.usecases.act import acknowledge, resolve, snooze
from alerting_pipeline.usecases.replay_recorded import replay_recorded
from tests.conftest import Database
from tests.usecases.past_world import DAY, MONDAY, PastWorld, Quiet
from tests.usecases.world import definition, written

DAYS: list[dict[str, Any]] = [
    {"a": 120, "b": 80}, {"a": 130, "b": 450}, {"a": 40, "b": 460, "c": 2000}, {"a": 125, "b": 460, "c": 2100},
    {"a": 125, "b": 460, "c": 2100, "d": 300}, {"a": 125, "d": 300}, {"a": 125, "b": 150, "d": 900},
    {"a": 30, "b": 150, "d": 900, "e": 70}, {"b": 150, "d": 900, "e": 75}, {"b": 20, "e": 700},
]  # fmt: skip
BUDGET = {"teams": {"risk": {"description": "x", "slack": "#risk", "budget": "3 per week"}}}


@pytest.fixture
def world(database: Database) -> Iterator[PastWorld]:
    made = PastWorld(database)
    made.people = People.model_validate(BUDGET)
    yield made
    made.close()


def produce(world: PastWorld) -> None:
    """Each morning the mart is built, evaluated, and then snapshotted; the clock looks twice a day."""
    world.publish(definition())
    for day, amounts in enumerate(DAYS):
        world.now = MONDAY + DAY * day + timedelta(hours=6)
        rows = [{"id": name, "amount": amount} for name, amount in amounts.items()]
        world.put(*rows)
        world.keep(*({**row, "since": day + 0.26, "until": day + 1.26} for row in rows))
        if day == 7:
            world.set("large", "limit", "60")
        health = Health(("the test not_null of payments failed",)) if day == 5 else Health()
        world.evaluate(health=health)
        look(world, hours=7.5)
        act(world, day)
        look(world, hours=16.2)


def look(world: PastWorld, hours: float) -> None:
    """The clock's job, late as it is in life."""
    world.now = world.now.replace(hour=0, minute=0) + timedelta(hours=hours)
    world.remind()
    world.flush()
    sent(world)


def sent(world: PastWorld) -> None:
    world.sql("update ledger.outbox set status = 'sent', sent_at = clock_timestamp() where status = 'waiting'")


def act(world: PastWorld, day: int) -> None:
    """People do what they do at ten."""
    world.now = world.now.replace(hour=10, minute=0)
    numbers = {row["entity"]["id"]: row["incident_id"] for row in world.incidents("status <> 'resolved'")}
    if day == 1:
        acknowledge(world.desk, numbers["b"], "ada", world.now, "I look at it")
    if day == 2:
        snooze(world.desk, numbers["c"], Snooze("ada", world.now + DAY * 2, reason="it is known"), world.now)
    if day == 6:
        resolve(world.desk, numbers["d"], Resolve("ada", Disposition.FALSE_POSITIVE, "a refund"), world.now)
    sent(world)


def replayed(world: PastWorld) -> Fidelity:
    history, until = LedgerHistory(world.engine), MONDAY + DAY * 10  # before the last day's rows are replaced

    @contextmanager
    def stage() -> Iterator[RecordedPostgresStage]:
        warehouse, held = Warehouse(world.database.reader_url), world.held
        with recorded_stage(world.engine, warehouse, world.catalog, held, "large", "http://localhost:8080") as playing:
            yield playing

    return replay_recorded(history.recorded("large", until), history.delivered("large", until), stage, Quiet())


def test_recorded_evaluations_tell_exactly_what_was_told(world: PastWorld) -> None:
    produce(world)
    told = {transition for transition, _ in world.messages()}
    assert {"opened", "cleared", "withdrawn", "acknowledged", "snoozed", "resolved", "sla_breached", "digest"} <= told
    before = world.rows()
    found = replayed(world)
    assert found.examples == ()
    assert found.is_exact
    assert (found.evaluations, found.acts) == (10, 3)
    assert found.same == len(world.messages())
    assert written(before, world.rows()) == {}


def test_what_was_told_and_does_not_follow_from_the_record_is_said(world: PastWorld) -> None:
    """Somebody changed a row of the snapshot afterwards."""
    produce(world)
    world.sql("update marts.payments_history set amount = 1 where id = 'a' and dbt_valid_from < '2026-01-06'")
    found = replayed(world)
    assert not found.is_exact
    assert found.only_delivered > 0
    assert found.examples[0].entity == {"id": "a"}
