"""The rotation of the sample company, as its files say it: what fails goes to whoever is on call this week, with its
runbook; if nobody takes it, it climbs; and whoever heard of it hears of its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerting_pipeline.adapters.data_facts import WarehouseFacts
from alerting_pipeline.adapters.definition_files import load
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.evaluation import Order
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.postmortem import Account, postmortem
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.due_incidents import DueIncidents
from alerting_pipeline.store.evaluations import EvaluationLedger
from alerting_pipeline.store.incident_desk import IncidentDesk
from alerting_pipeline.store.incidents import record_finding
from alerting_pipeline.usecases.act import acknowledge
from alerting_pipeline.usecases.check_data import DataChecker, Inspector, downstream_of, relations_of
from alerting_pipeline.usecases.remind import remind
from alerting_pipeline.usecases.route import route_incident
from tests.conftest import PROJECT, Database
from tests.usecases.test_check_data import ALERTS, CATALOG, Feed, Nothing

URL = "http://localhost:8080"
TEAM = {"#data-team", "data-team-mail"}
FRESH: dict[str, Any] = {
    "owner": "data-team",
    "runbook": "docs/runbooks/data_quality.md",
    "severity": [{"level": "high", "respond_within": "4h"}],
    "freshness": {"within": "1h", "column": "issued_at"},
}


@dataclass
class Company:
    """The sample company's people and routes, one data definition, and a clock."""

    feed: Feed
    people: People
    told: list[tuple[str, str]] = field(default_factory=list)

    @property
    def held(self) -> InForce:
        loaded = load(PROJECT / "alert_definitions", None)
        return InForce({**self.feed.definitions}, self.people, loaded.routing, loaded.destinations)

    @property
    def desk(self) -> IncidentDesk:
        return IncidentDesk(self.feed.engine, Announcer(self.held.directory(URL), self.feed.definitions))

    def at(self, clock: str) -> Company:
        """Time goes on to this instant; what it makes due happens."""
        self.feed.now = datetime.fromisoformat(clock).astimezone(UTC)
        remind(DueIncidents(self.feed.engine, lambda: self.held, URL), self.feed.now)
        return self

    def checked(self, *, is_fine: bool) -> Company:
        """The data are checked now."""
        feed = self.feed
        feed.put(feed.now if is_fine else feed.now - timedelta(days=1))
        checker = DataChecker(
            dict(feed.definitions),
            relations_of(CATALOG),
            Inspector(WarehouseFacts(Warehouse(feed.database.analyst_url)), Nothing()),
            EvaluationLedger(feed.engine, self.held.directory(URL)),
            downstream_of(CATALOG, ALERTS),
        )
        checker.evaluate(feed.definitions, Order(f"m{next(feed.numbers)}", feed.now))
        return self

    def expect(self, transition: str, *destinations: str) -> Company:
        """Since the last look, this was told there and nowhere else."""
        told = self.feed.messages()
        new, self.told = told[len(self.told) :], told
        assert sorted(new) == sorted((transition, name) for name in destinations)
        return self

    def expect_nothing(self) -> Company:
        return self.expect("nothing")


def company(database: Database, **absences: list[dict[str, str]]) -> Company:
    people = load(PROJECT / "alert_definitions", None).people
    body = people.model_dump(mode="json", by_alias=True)
    for name, away in absences.items():
        body["people"][name]["absences"] = away
    feed = Feed(database)
    feed.define("feed_fresh", **FRESH)
    return Company(feed, People.model_validate(body))


@pytest.fixture
def made(database: Database) -> Iterator[Company]:
    built = company(database)
    yield built
    built.feed.engine.dispose()


def test_what_fails_goes_to_whoever_is_on_call_and_climbs_until_somebody_takes_it(made: Company) -> None:
    made.at("2026-01-14T10:00:00Z").checked(is_fine=False)  # a Wednesday in Goran's week
    made.expect("opened", *TEAM, "@goran")
    rows = made.feed.sql("select message from ledger.outbox")
    assert {Message.from_json(row["message"]).runbook for row in rows} == {"docs/runbooks/data_quality.md"}
    made.at("2026-01-14T10:29:00Z").expect_nothing()
    made.at("2026-01-14T10:30:00Z").expect("escalated", "@goran")
    made.at("2026-01-14T11:59:00Z").expect_nothing()
    made.at("2026-01-14T12:00:00Z").expect("escalated", "@ines")
    made.at("2026-01-14T13:12:00Z").expect("sla_warned", "#data-team")
    [incident] = made.feed.sql("select incident_id from ledger.incidents")
    acknowledge(made.desk, incident["incident_id"], "ines", made.feed.now)
    made.expect("acknowledged", "#data-team", "@goran", "@ines")  # mail can't be edited
    made.at("2026-01-16T12:00:00Z").expect_nothing()
    made.checked(is_fine=True).expect("cleared", *TEAM, "@goran", "@ines")


def test_the_duty_changes_hands_and_the_end_is_told_to_whoever_heard_of_the_beginning(made: Company) -> None:
    made.at("2026-01-19T07:45:00Z").checked(is_fine=False).expect("opened", *TEAM, "@goran")
    made.at("2026-01-19T08:15:00Z").expect("escalated", "@farah")  # Monday, 09:15 in Berlin
    made.checked(is_fine=True).expect("cleared", *TEAM, "@goran", "@farah")
    made.at("2026-01-19T09:00:00Z").checked(is_fine=False).expect("opened", *TEAM, "@farah")


def test_whoever_is_away_is_not_woken(database: Database) -> None:
    made = company(database, goran=[{"from": "2026-01-14", "to": "2026-01-14", "substitute": "ines"}])
    made.at("2026-01-14T10:00:00Z").checked(is_fine=False).expect("opened", *TEAM, "@ines")
    made.at("2026-01-15T01:00:00Z").checked(is_fine=True)
    made.feed.engine.dispose()


def test_where_nobody_is_on_call_the_team_hears_of_it(database: Database) -> None:
    away = [{"from": "2026-01-14", "to": "2026-01-14"}]
    made = company(database, goran=away, farah=away)
    made.at("2026-01-14T10:00:00Z").checked(is_fine=False).expect("opened", *TEAM)
    made.at("2026-01-14T10:30:00Z").expect("escalated", "#data-team")
    made.feed.engine.dispose()


def test_route_foretells_what_then_happens_and_the_postmortem_tells_it(made: Company) -> None:
    made.at("2026-01-14T10:00:00Z").checked(is_fine=False)
    with made.desk.begin() as desk:
        incident = desk.lock(1)
    assert incident is not None
    way = route_incident(made.held, incident, made.feed.definitions["feed_fresh"])
    foretold = [(rung.at, rung.transition.value, *(each.name for each in reached.destinations))
                for rung, reached in way.climb]  # fmt: skip
    assert foretold == [
        (datetime(2026, 1, 14, 10, 30, tzinfo=UTC), "escalated", "@goran"),
        (datetime(2026, 1, 14, 12, tzinfo=UTC), "escalated", "@ines"),
        (datetime(2026, 1, 14, 13, 12, tzinfo=UTC), "sla_warned", "#data-team"),
        (datetime(2026, 1, 14, 14, tzinfo=UTC), "sla_breached", "#data-team"),
    ]
    made.expect("opened", *TEAM, "@goran")
    for at, transition, destination in foretold:
        made.at(at.isoformat()).expect(transition, destination)
    shown = made.desk.shown(1)
    assert shown is not None
    bare = Account("A feed stands still", "", "Europe/Berlin", shown, waited=made.desk.waited(shown))
    text = postmortem(replace(bare, events=shown["events"], deliveries=shown["deliveries"]))
    assert "| 2026-01-14 12:00 | 2026-01-14 13:00 | escalated" in text
    assert "not kept" in text and "| Taken | by nobody |" in text


def test_a_failing_dbt_test_goes_to_whoever_is_on_call_with_its_runbook_and_climbs(made: Company) -> None:
    made.at("2026-01-14T10:00:00Z")
    about = {"model": "transactions", "test": "unique_transactions_transaction_id"}
    finding = SystemFinding("data_test", about, "unique_transactions_transaction_id found 3 rows")
    with made.feed.engine.begin() as connection:
        announce = Announcer(made.held.directory(URL), made.feed.definitions)
        record_finding(connection, finding, now=made.feed.now, announce=announce)
    made.expect("opened", *TEAM, "@goran")
    rows = made.feed.sql("select message from ledger.outbox")
    messages = [Message.from_json(row["message"]) for row in rows]
    assert {(each.kind, each.runbook) for each in messages} == {("data", "docs/how-to/health.md")}
    made.at("2026-01-14T10:30:00Z").expect("escalated", "@goran")
    made.at("2026-01-14T12:00:00Z").expect("escalated", "@ines")
