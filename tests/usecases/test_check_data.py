"""Data definitions on a real database: what is told, what is held, and what an error or nothing at all leaves alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from alerting_pipeline.adapters.data_facts import WarehouseFacts
from alerting_pipeline.adapters.expectations import GreatExpectations
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.data_check import Check
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.evaluation import EvaluationResult, Order
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.relation import Relation
from alerting_pipeline.domain.snooze import StandingSnooze
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.evaluations import EvaluationLedger
from alerting_pipeline.store.incident_desk import IncidentDesk
from alerting_pipeline.store.mart_health import PostgresMartHealth
from alerting_pipeline.usecases.check_data import DataChecker, Inspector, downstream_of, relations_of
from alerting_pipeline.usecases.silence import silence
from tests.conftest import Database
from tests.usecases.world import DESTINATIONS, START, TREE
from tests.usecases.world import definition as alert

CATALOG = Catalog(
    {
        "stg_feed": Model("stg_feed", "model.x.stg_feed", "staging.stg_feed", is_mart=False),
        "risk": Model("risk", "model.x.risk", "marts.risk", ancestors=frozenset({"model.x.stg_feed"})),
        "other": Model("other", "model.x.other", "marts.other"),
    }
)
ALERTS = {"storm": alert(alert="storm", model="risk"), "late": alert(alert="late", model="other")}


class Nothing:
    """Great Expectations, for definitions that expect nothing of it."""

    def judge(self, relation: Relation, expectations: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[Check]:
        assert not expectations
        return []


@dataclass
class Feed:
    """A staging table, data definitions over it, and a clock."""

    database: Database
    expects: Any = field(default_factory=Nothing)
    definitions: dict[str, DataDefinition] = field(default_factory=dict)
    now: datetime = START
    numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.sql("create table staging.stg_feed (id text, issued_at timestamptz, amount numeric)")
        self.sql("grant select on staging.stg_feed to analyst")
        self.engine = engine_for(self.database.app_url)

    def sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        with (
            psycopg.connect(self.database.superuser_url, autocommit=True) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            cursor.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def put(self, *issued_at: datetime | None) -> None:
        self.sql("truncate staging.stg_feed")
        for moment in issued_at:
            self.sql("insert into staging.stg_feed values ('x', %s, 1)", moment)

    def define(self, name: str = "fresh", **said: Any) -> None:
        found = DataDefinition.model_validate({"alert": name, "kind": "data", "model": "stg_feed", **said})
        self.definitions[name] = found
        self.sql(
            "insert into ledger.definition_versions (alert, version, kind, path, body, source) "
            "values (%s, %s, 'data', '', '{}', '') on conflict do nothing",
            name, found.version_id,
        )  # fmt: skip
        self.sql(
            "insert into ledger.definitions (alert, version, kind, path) values (%s, %s, 'data', '') "
            "on conflict (alert) do update set version = excluded.version",
            name, found.version_id,
        )  # fmt: skip

    def check(self, *names: str, is_dry_run: bool = False) -> dict[str, EvaluationResult]:
        directory = Directory(TREE, DESTINATIONS, "http://localhost:8080")
        checker = DataChecker(
            dict(self.definitions),
            relations_of(CATALOG),
            Inspector(WarehouseFacts(Warehouse(self.database.analyst_url)), self.expects),
            EvaluationLedger(self.engine, directory),
            downstream_of(CATALOG, ALERTS),
        )
        order = Order(f"m{next(self.numbers)}", self.now)
        return {each.alert: each for each in checker.evaluate(names or self.definitions, order, is_dry_run=is_dry_run)}

    def outcome(self, name: str = "fresh") -> str:
        return self.check(name)[name].outcome.value

    def held(self, mart: str = "risk") -> tuple[str, ...]:
        return PostgresMartHealth(self.engine).of([mart]).failures

    def incidents(self) -> list[tuple[str, str, str]]:
        rows = self.sql("select alert, kind, status from ledger.incidents order by incident_id")
        return [(row["alert"], row["kind"], row["status"]) for row in rows]

    def messages(self) -> list[tuple[str, str]]:
        rows = self.sql("select transition, destination from ledger.outbox order by sequence")
        return [(row["transition"], row["destination"]) for row in rows]


@pytest.fixture
def feed(database: Database) -> Iterator[Feed]:
    made = Feed(database)
    yield made
    made.engine.dispose()


FRESH: dict[str, Any] = {"freshness": {"within": "18h", "column": "issued_at"}}


def test_a_feed_that_stands_still_is_told_once_to_engineers_and_clears_when_it_moves(feed: Feed) -> None:
    feed.define(**FRESH)
    feed.put(feed.now - timedelta(hours=3))
    assert feed.outcome() == "clear" and feed.messages() == []
    feed.now += timedelta(days=1)
    assert [feed.outcome() for _ in range(3)] == ["firing"] * 3
    assert feed.incidents() == [("fresh", "data", "open")]
    assert feed.messages() == [("opened", "#data")]
    (message,) = feed.sql("select message from ledger.outbox")
    text = str(message["message"])
    assert "the newest issued_at is 1d3h old, 18h are allowed" in text
    assert "Held until it passes: storm." in text and "late" not in text
    feed.put(feed.now)
    assert feed.outcome() == "clear"
    assert feed.incidents() == [("fresh", "data", "resolved")]
    assert feed.messages()[-1] == ("cleared", "#data")


def test_a_model_that_was_never_built_holds_nothing_and_one_that_is_gone_does(feed: Feed) -> None:
    feed.define(**FRESH)
    feed.sql("alter table staging.stg_feed rename to elsewhere")
    result = feed.check()["fresh"]
    assert result.outcome == "no_data" and "stg_feed is not built yet; `alerting run` builds it" in result.reason
    assert feed.incidents() == [] and feed.held() == ()
    feed.sql("alter table staging.elsewhere rename to stg_feed")
    feed.put(feed.now)
    assert feed.outcome() == "clear"
    feed.sql("alter table staging.stg_feed rename to elsewhere")
    assert feed.outcome() == "system_failure" and feed.held()


ENGINEERS = People.model_validate(
    {
        "people": {"ada": {}, "ines": {}},
        "teams": {"risk": {"members": ["ada"]}, "data-team": {"members": ["ines"], "audience": "engineering"}},
    }
)


def _snooze(feed: Feed, person: str) -> int:
    held = InForce(definitions=feed.definitions, routing=TREE, destinations=DESTINATIONS, people=ENGINEERS)
    desk = IncidentDesk(feed.engine, Announcer(Directory(TREE, DESTINATIONS), feed.definitions))
    standing = StandingSnooze(feed.now + timedelta(hours=6), person, "the provider moves", alert="fresh")
    return silence(desk, standing, held, feed.now)


def test_a_snoozed_data_definition_is_told_to_nobody_and_holds_the_alerts_downstream_all_the_same(feed: Feed) -> None:
    feed.define(**FRESH)
    feed.put(feed.now)
    feed.check()
    assert _snooze(feed, "ines") == 0
    feed.put(feed.now - timedelta(days=2))
    assert feed.outcome() == "firing"
    assert (feed.incidents(), feed.messages()) == ([("fresh", "data", "snoozed")], [])
    assert feed.held("risk") and not feed.held("other")
    feed.put(feed.now)
    assert feed.outcome() == "clear"
    assert (feed.incidents(), feed.messages(), feed.held("risk")) == ([("fresh", "data", "resolved")], [], ())


def test_only_engineers_snooze_failures_of_data(feed: Feed) -> None:
    feed.define(**FRESH)
    with pytest.raises(AlertingError, match="ada may not silence failures of data; members of data-team may"):
        _snooze(feed, "ada")


def test_a_paused_data_definition_is_not_checked_and_holds_nothing(feed: Feed) -> None:
    feed.define(**FRESH, pause={"until": "2026-01-08", "reason": "the provider moves"})
    feed.put(feed.now - timedelta(days=2))
    result = feed.check()["fresh"]
    assert "paused until 2026-01-08: the provider moves" in result.reason
    assert (feed.incidents(), feed.held("risk")) == ([], ())
    feed.now += timedelta(days=4)
    assert feed.outcome() == "firing" and feed.held("risk")


def test_while_it_fails_the_marts_downstream_are_unhealthy_and_no_others(feed: Feed) -> None:
    feed.define(**FRESH)
    feed.put(feed.now - timedelta(days=2))
    feed.check()
    (why,) = feed.held("risk")
    assert why.startswith("data definition fresh failed: 1 of 1 check failed: freshness")
    assert feed.held("other") == ()
    feed.put(feed.now)
    feed.check()
    assert feed.held("risk") == ()


def test_marts_are_due_once_when_what_held_their_alerts_passes_again(feed: Feed) -> None:
    feed.define(freshness={"within": "6h", "column": "issued_at"})
    feed.put(feed.now - timedelta(days=1))
    feed.check()
    assert feed.sql("select work from ledger.due_work") == []
    feed.put(feed.now)
    for _ in range(2):
        feed.check()
    assert [row["work"] for row in feed.sql("select work from ledger.due_work")] == ["materialization:risk"]


def test_one_that_only_tells_holds_nothing_and_says_so(feed: Feed) -> None:
    feed.define(**FRESH, on_failure="tell")
    feed.put(feed.now - timedelta(days=2))
    assert feed.outcome() == "firing"
    assert feed.held() == ()
    assert "Held" not in feed.sql("select summary from ledger.incidents")[0]["summary"]


def test_a_removed_definition_holds_nothing_any_more(feed: Feed) -> None:
    feed.define(**FRESH)
    feed.put(feed.now - timedelta(days=2))
    feed.check()
    feed.sql("update ledger.definitions set removed_at = clock_timestamp()")
    assert feed.held() == ()


@pytest.mark.parametrize("rows", [(), (None, None)])
def test_an_empty_model_or_nothing_but_nulls_neither_opens_nor_clears(feed: Feed, rows: tuple[None, ...]) -> None:
    feed.define(**FRESH)
    feed.put(*rows)
    assert feed.outcome() == "no_data" and feed.incidents() == []
    feed.put(feed.now - timedelta(days=2))
    feed.check()
    feed.put(*rows)
    assert feed.outcome() == "no_data"
    assert feed.incidents() == [("fresh", "data", "open")]
    assert feed.sql("select 1 as held from ledger.incidents where held_since is not null")


def test_an_error_is_a_system_incident_of_its_definition_and_stops_no_other(feed: Feed) -> None:
    feed.define("bad", freshness={"within": "18h", "column": "nonesuch"})
    feed.define("good", **FRESH)
    feed.put(feed.now)
    found = feed.check()
    assert {name: each.outcome.value for name, each in found.items()} == {"bad": "system_failure", "good": "clear"}
    assert feed.incidents() == [("evaluation_error", "system", "open")]
    assert len(feed.held()) == 1  # what can't be checked can't be believed
    feed.define("bad", **FRESH)
    feed.check()
    assert feed.incidents() == [("evaluation_error", "system", "resolved")]
    assert feed.held() == ()


def test_an_error_clears_no_incident(feed: Feed) -> None:
    feed.define(**FRESH)
    feed.put(feed.now - timedelta(days=2))
    feed.check()
    feed.sql("alter table staging.stg_feed rename to away")
    assert feed.outcome() == "system_failure"
    assert ("fresh", "data", "open") in feed.incidents()


def test_one_that_a_person_resolved_is_not_raised_again_while_it_fails(feed: Feed) -> None:
    feed.define(**FRESH)
    feed.put(feed.now - timedelta(days=2))
    feed.check()
    feed.sql(
        "insert into ledger.known_fingerprints (alert, fingerprint, entity, why, since) "
        "select alert, fingerprint, entity, 'by_person', now() from ledger.incidents"
    )
    feed.sql("update ledger.incidents set status = 'resolved', resolution = 'by_person', resolved_at = now()")
    assert feed.outcome() == "firing"
    assert feed.incidents() == [("fresh", "data", "resolved")]
    feed.put(feed.now)
    feed.check()
    feed.now += timedelta(days=2)
    feed.check()
    assert feed.incidents()[-1] == ("fresh", "data", "open")


def test_a_change_of_columns_is_told_until_a_person_accepts_it(feed: Feed) -> None:
    feed.define(schema={"on_change": "fail"})
    assert feed.outcome() == "clear"
    feed.sql("alter table staging.stg_feed add surprise text")
    assert [feed.outcome(), feed.outcome()] == ["firing", "firing"]
    assert "surprise is new" in feed.sql("select summary from ledger.incidents")[0]["summary"]
    feed.sql(
        "insert into ledger.known_fingerprints (alert, fingerprint, entity, why, since) "
        "select alert, fingerprint, entity, 'by_person', now() from ledger.incidents"
    )
    feed.sql("update ledger.incidents set status = 'resolved', resolution = 'by_person', resolved_at = now()")
    assert [feed.outcome(), feed.outcome()] == ["clear", "clear"]
    feed.sql("alter table staging.stg_feed drop surprise")
    assert feed.outcome() == "firing"


def test_a_change_that_is_only_worth_knowing_is_noted_once(feed: Feed) -> None:
    feed.define(schema={"columns": {"amount": "numeric"}, "on_change": "warn"})
    feed.check()
    feed.sql("alter table staging.stg_feed add surprise text")
    assert "surprise is new" in feed.check()["fresh"].reason
    assert "surprise" not in feed.check()["fresh"].reason
    feed.sql("alter table staging.stg_feed alter amount type text")
    assert feed.check()["fresh"].reason == "1 of 1 check failed: schema: amount is text, not numeric"


def test_another_check_that_fails_is_told_as_a_change_of_the_same_incident(feed: Feed) -> None:
    feed.define(**FRESH, schema={"columns": {"amount": "numeric"}})
    feed.put(feed.now - timedelta(days=2))
    feed.check()
    feed.sql("alter table staging.stg_feed alter amount type text")
    feed.check()
    feed.check()
    assert feed.messages() == [("opened", "#data"), ("updated", "#data")]
    message = str(feed.sql("select message from ledger.outbox order by sequence desc limit 1")[0]["message"])
    assert "amount is text, not numeric" in message and "2 checks fail" in message


def test_a_day_of_too_few_rows_is_told_and_the_next_good_day_clears_it(feed: Feed) -> None:
    feed.define(volume={"column": "issued_at", "at_least": "50%", "of_last": 3})
    midnight = feed.now.replace(hour=0)
    usual = [midnight - timedelta(days=day, hours=hour) for day in (1, 2, 3) for hour in (1, 2, 3, 4)]
    feed.put(*usual, midnight - timedelta(hours=2))
    found = feed.check()["fresh"]
    assert found.outcome == "firing"
    assert "1 row of day 2026-01-04, usual are 4 (median of 3 days before)" in found.reason
    feed.now += timedelta(days=1)
    feed.put(*usual, *(midnight + timedelta(hours=hour) for hour in (1, 2, 3, 4)))
    assert feed.outcome() == "clear"


def test_the_newest_load_is_compared_with_those_before_it(feed: Feed) -> None:
    feed.define(volume={"column": "amount", "per": "load", "at_least": "50%", "at_most": "200%", "of_last": 3})
    feed.sql(
        "insert into staging.stg_feed select 'x', now(), load from generate_series(1, 4) load, generate_series(1, 10)"
    )
    assert feed.outcome() == "clear"
    feed.sql("insert into staging.stg_feed select 'x', now(), 5 from generate_series(1, 21)")
    found = feed.check()["fresh"]
    assert found.reason.startswith("1 of 1 check failed: volume: 21 rows of load 5, usual are 10")


@pytest.mark.parametrize(("hour", "outcome"), [(22, "firing"), (21, "clear")])
def test_a_local_day_ends_at_its_own_midnight_also_when_the_clocks_change(feed: Feed, hour: int, outcome: str) -> None:
    feed.define(volume={"column": "issued_at", "timezone": "Europe/Berlin", "at_least": "100%", "of_last": 3})
    feed.now = datetime.fromisoformat("2026-03-30T06:00:00+00:00")
    days = [datetime.fromisoformat(f"2026-03-{day}T12:00:00+00:00") for day in (26, 27, 28)]
    feed.put(*days, datetime.fromisoformat(f"2026-03-29T{hour}:30:00+00:00"))  # 22:30 UTC is already the 30th there
    assert feed.outcome() == outcome


def test_a_dry_run_writes_nothing(feed: Feed) -> None:
    feed.define(**FRESH)
    feed.put(feed.now - timedelta(days=2))
    assert feed.check(is_dry_run=True)["fresh"].outcome == "firing"
    assert feed.incidents() == [] == feed.messages()
    assert feed.held() == ()


def test_great_expectations_is_not_asked_about_rows_where_there_are_none(feed: Feed) -> None:
    judge = feed.expects = GreatExpectations(feed.database.analyst_url)
    feed.define(
        expectations=[
            {"expect_column_values_to_not_be_null": {"column": "id"}},
            {"expect_table_column_count_to_equal": {"value": 3}},
        ]
    )
    assert feed.outcome() == "no_data"
    feed.define("filled", expectations=[{"expect_table_row_count_to_be_between": {"min_value": 1}}])
    assert feed.outcome("filled") == "firing"
    feed.put(feed.now)
    assert [feed.outcome(), feed.outcome("filled")] == ["clear", "clear"]
    judge.close()


def test_an_expectation_that_breaks_leaves_the_other_definitions_alone(feed: Feed) -> None:
    judge = feed.expects = GreatExpectations(feed.database.analyst_url)
    feed.define("bad", expectations=[{"expect_column_values_to_be_unique": {"column": "nonesuch"}}])
    feed.define("good", expectations=[{"expect_column_values_to_not_be_null": {"column": "id"}}])
    feed.put(feed.now)
    found = feed.check()
    assert {name: each.outcome.value for name, each in found.items()} == {"bad": "system_failure", "good": "clear"}
    assert found["bad"].error == "expect_column_values_to_be_unique(nonesuch): there is no column nonesuch"
    judge.close()
