"""Whatever can fail beneath an alert: each is one incident of one class, owned by engineers, and told to them alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from alerting_pipeline.adapters.marts import Marts
from alerting_pipeline.adapters.sandbox_session import Limits
from alerting_pipeline.adapters.scanner import Scanner
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.defs.sensors import _report
from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.data_check import Check, State
from alerting_pipeline.domain.evaluation import Order
from alerting_pipeline.domain.expectation import label
from alerting_pipeline.domain.health import BuildGraph, BuildNode, NodeResult
from alerting_pipeline.domain.ports import Failure
from alerting_pipeline.domain.pulse import Beat, Late
from alerting_pipeline.domain.relation import Relation
from alerting_pipeline.domain.system_definitions import OVERDUE_EVALUATION, PART_STOPPED
from alerting_pipeline.domain.window import DueWork
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.notification import Notification, delivery_id
from alerting_pipeline.store.build_standing import BuildStanding
from alerting_pipeline.store.clock import FixedClock
from alerting_pipeline.store.dead_letters import DeadLetters
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.evaluations import EvaluationLedger
from alerting_pipeline.store.load_failures import LoadFailures
from alerting_pipeline.store.outbox import PostgresOutbox, enqueue
from alerting_pipeline.store.raw_tables import PostgresRawTables
from alerting_pipeline.store.system_incidents import SystemIncidents
from alerting_pipeline.usecases.evaluate import Evaluator
from alerting_pipeline.usecases.watch_build import BuildWatch
from tests.conftest import Database
from tests.landing import Landing, declare
from tests.usecases.test_check_data import Feed
from tests.usecases.world import DESTINATIONS, START, TREE, World, definition

URL = "http://localhost:8080"
MODEL, TEST = "model.x.stg_feed", "test.x.not_null_feed.1"
GRAPH = BuildGraph(
    {
        MODEL: BuildNode(MODEL, "stg_feed", "model"),
        TEST: BuildNode(TEST, "not_null_feed", "test", frozenset({MODEL}), frozenset({MODEL})),
    }
)


class Disappointed:
    """Great Expectations, whose every expectation fails."""

    def judge(self, relation: Relation, expectations: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[Check]:
        return [Check(label(each), State.FAILED, "1 of 3 rows are not so") for each in expectations]


@dataclass
class House:
    """One database, and everything that can go wrong over it."""

    database: Database
    folder: Path
    held: InForce = field(default_factory=lambda: InForce(routing=TREE, destinations=DESTINATIONS))

    def __post_init__(self) -> None:
        self.engine = engine_for(self.database.app_url)
        self.clock = FixedClock(START)
        self.system = SystemIncidents(self.engine, lambda: self.held, self.clock, URL)
        self.dead_letters = DeadLetters(lambda: self.held, self.clock, URL).report

    def rows(self, query: str) -> list[Any]:
        with psycopg.connect(self.database.owner_url) as connection:
            return connection.execute(query.encode()).fetchall()

    def build(self, *results: NodeResult) -> None:
        standing = BuildStanding(self.engine, lambda: self.held, self.clock, URL)
        watch = BuildWatch(GRAPH, standing, lambda model: (("risk",), ("storm",)), frozenset(GRAPH.nodes))
        watch.begin()
        for result in results:
            watch.record(result)
        watch.finish()

    def check(self, **said: Any) -> None:
        feed = Feed(self.database, expects=Disappointed())
        feed.define("feed", **said)
        feed.put(*(START - timedelta(days=days) for days in (2, 2, 3, 3, 4, 4, 1)))
        feed.check("feed")
        feed.engine.dispose()

    def load(self, *contents: str) -> None:
        source = declare("sales", "{day}.csv", "id bigint, amount numeric")
        landing = Landing(self.folder, self.database.owner_url)
        landing.tables = PostgresRawTables(self.database.owner_url, LoadFailures(self.system).settle)
        for number, content in enumerate(contents):
            landing.put(f"sales/{number}.csv", content)
            landing.load(source)

    def evaluate(self, mart: str, seconds: float = 60) -> None:
        """The alert over such a mart."""
        world = World(self.database)
        world.sql(f"drop table marts.payments; {mart}; grant select on marts.payments to alert_reader")
        world.publish(definition(condition="amount / count > :limit"))
        reader = Scanner(
            Warehouse(self.database.reader_url, Limits(seconds=seconds)), Marts(Catalog({"payments": world.model}))
        )
        ledger = EvaluationLedger(self.engine, self.held.directory(URL))
        Evaluator(dict(world.definitions), ledger, reader).evaluate(world.definitions, Order("m", START))
        world.close()

    def refuse(self) -> None:
        """A destination takes no message, for good."""
        message = Message(alert="late", transition="opened", title="Late", summary="late")
        sent = Notification(delivery_id(None, 1, "#risk"), "#risk", "slack", message, None, "late", "opened")
        with self.engine.begin() as connection:
            enqueue(connection, [sent])
        outbox = PostgresOutbox(self.engine, worker="one", report_dead=self.dead_letters)
        outbox.record_failed([Failure(claim, "no such channel", None) for claim in outbox.claim(10, {})])
        outbox.close()


def mart(count: str, rows: int) -> str:
    """A mart that is computed as it is read."""
    return f"""create view marts.payments as select n::text as id, n::numeric as amount, 1.0::float8 as score,
        {count} as count, 'retail'::text as segment, 'pending'::text as status, now() as created_at,
        current_date as day, now() as loaded_at from generate_series(1, {rows}) as n"""


ENDED = {"job": "pipeline", "run_id": "r", "failed": True, "steps": ["raw/sales"], "error": "no space left on device"}
Cause = Callable[[House], object]
CAUSES: dict[str, tuple[Cause, str, str]] = {
    "a dbt test fails": (lambda house: house.build(NodeResult(TEST, "fail", failures=3)), "data", "data_test"),
    "an expectation fails": (
        lambda house: house.check(expectations=[{"expect_column_values_to_not_be_null": {"column": "id"}}]),
        "data",
        "feed",
    ),
    "data are not fresh": (
        lambda house: house.check(freshness={"within": "1h", "column": "issued_at"}),
        "data",
        "feed",
    ),
    "too few rows came": (
        lambda house: house.check(volume={"column": "issued_at", "at_least": "80%", "of_last": 3}),
        "data",
        "feed",
    ),
    "a model lacks a column": (lambda house: house.check(schema={"columns": {"gone": "text"}}), "data", "feed"),
    "a file has a new column": (
        lambda house: house.load("id,amount\n1,1\n", "id,amount,note\n2,2,x\n"),
        "data",
        "source_schema",
    ),
    "a file lacks a column": (lambda house: house.load("id,amount\n1,1\n", "id\n2\n"), "data", "source_schema"),
    "a file is refused": (lambda house: house.load("id,amount\nx,1\n"), "system", "load_failure"),
    "a model can't be built": (
        lambda house: house.build(NodeResult(MODEL, "error"), NodeResult(MODEL, "error", "boom")),
        "system",
        "model_failure",
    ),
    "a run fails before any model": (
        lambda house: _report(SimpleNamespace(system_incidents=house.system), DueWork("run:r", "ended", START, ENDED)),  # type: ignore[arg-type]
        "system",
        "run_failure",
    ),
    "an alert's query fails": (lambda house: house.evaluate(mart("0", 3)), "system", "evaluation_error"),
    "an alert's query takes too long": (
        lambda house: house.evaluate(mart("1", 2_000_000_000), seconds=0.3),
        "system",
        "evaluation_error",
    ),
    "an alert is not evaluated": (
        lambda house: house.system.settle(OVERDUE_EVALUATION, [Late("large", START, "its mart was built").finding]),
        "system",
        "overdue_evaluation",
    ),
    "a message is refused for good": (House.refuse, "system", "dead_letter"),
    "a part is not heard of": (
        lambda house: house.system.settle(
            PART_STOPPED, [Beat("pages", START, timedelta(seconds=30), is_resting=False, is_overdue=True).finding]
        ),
        "system",
        "part_stopped",
    ),
}


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    made = House(database, tmp_path)
    yield made
    made.engine.dispose()


@pytest.mark.parametrize("cause", CAUSES)
def test_each_failure_is_one_incident_of_one_class_for_engineers_alone(house: House, cause: str) -> None:
    happens, kind, alert = CAUSES[cause]
    happens(house)
    found = house.rows("select kind, alert, owner, status from ledger.incidents")
    assert found == [(kind, alert, "data-team", "open")]
    told = house.rows("select distinct destination from ledger.outbox where alert <> 'late'")
    assert told == [("#data",)]
