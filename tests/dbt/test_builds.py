"""What the models make of rows that come in several loads: some late, some corrected, a period restated.

One story, built once: nothing loaded, first loads, second ones, files that come again with other content; then
everything again from the beginning.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from tests.dbt.warehouse import TryOut

pytestmark = pytest.mark.scenario  # whole builds by dbt

MARTS = {
    "transactions": """select transaction_id, customer_name, segment, merchant, amount, status, created_at,
        usual_amount, earlier_payments from marts.transactions order by transaction_id""",
    "deliveries": """select delivery_id, customer_name, region, status, promised_at, delivered_at
        from marts.deliveries order by delivery_id""",
    "team_daily_cost": """select team, day, cost, budget, currency, line_items, billing_period, delivery
        from marts.team_daily_cost order by team, day""",
    "team_allocated_cost": """select team, day, cost, cost_category, allocation_key, billing_period, delivery
        from marts.team_allocated_cost order by team, day, cost_category""",
    "provider_daily_cost": "select provider, day, billed_cost, charges from marts.provider_daily_cost order by 1, 2",
}
WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
JANUARY, FEBRUARY = "20260101-20260201", "20260201-20260301"


@dataclass
class Story:
    """What was seen in the marts after each build."""

    warehouse: TryOut
    empty: dict[str, list[Any]]
    first: dict[str, list[Any]]
    second: dict[str, list[Any]]
    corrected: dict[str, list[Any]]
    rebuilt: dict[str, list[Any]]
    written_at_second: set[str]
    stale_after_correction: int

    def transaction(self, transaction_id: str) -> dict[str, Any]:
        """A transaction after the second build, by column."""
        columns = (
            "transaction_id", "customer_name", "segment", "merchant", "amount", "status", "created_at",
            "usual_amount", "earlier_payments",
        )  # fmt: skip
        return next(
            dict(zip(columns, row, strict=True)) for row in self.second["transactions"] if row[0] == transaction_id
        )


@pytest.fixture(scope="module")
def story(
    postgres: EmbeddedPostgres,
    template_database: str,
    sources: dict[str, dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    name = f"test_dbt_{uuid.uuid4().hex[:8]}"
    database, template = sql.Identifier(name), sql.Identifier(template_database)
    with psycopg.connect(postgres.url(database="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template {}").format(database, template))
    warehouse = TryOut(postgres.url(database=name), sources, tmp_path_factory.mktemp("dbt"))
    yield tell(warehouse)
    with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(database))


def tell(warehouse: TryOut) -> Story:
    warehouse.create_raw_tables()
    warehouse.dbt("build")  # unit tests as well: they must not need tables that an earlier build left
    empty = look(warehouse)
    first_loads(warehouse)
    warehouse.dbt("build", *WITHOUT_UNIT_TESTS)
    first = look(warehouse)
    last = warehouse.rows("select max(xmin::text::bigint) from marts.transactions")[0][0]
    second_loads(warehouse)
    warehouse.dbt("build", *WITHOUT_UNIT_TESTS)
    second = look(warehouse)
    written = warehouse.rows(f"select transaction_id from marts.transactions where xmin::text::bigint > {last}")
    newest = warehouse.rows("select max(loaded_at) from marts.transactions")[0][0]
    corrections(warehouse)
    warehouse.dbt("build", *WITHOUT_UNIT_TESTS)
    corrected = look(warehouse)
    stale = warehouse.rows(f"select count(*) from marts.transactions where loaded_at <= '{newest}'")[0][0]
    warehouse.dbt("run", "--full-refresh")
    return Story(warehouse, empty, first, second, corrected, look(warehouse), {row[0] for row in written}, stale)


def look(warehouse: TryOut) -> dict[str, list[Any]]:
    return {mart: warehouse.rows(query) for mart, query in MARTS.items()}


def first_loads(warehouse: TryOut) -> None:
    warehouse.load(
        "card_transactions",
        [
            payment(1, customer=1, amount=10.0, at="2026-01-05 08:00"),
            payment(2, customer=1, amount=30.0, at="2026-01-05 12:00", label=1),
            payment(3, customer=2, amount=500.0, at="2026-01-05 09:00"),
            payment(4, customer=3, amount=None, at="2026-01-05 10:00"),
            payment(5, customer=4, amount=70.0, at="2026-01-05 11:00"),
        ],
        file="monday",
    )
    warehouse.load("customers", [customer(1, "Ada", "retail"), customer(2, "Bo", "retail"), customer(3, "Cy", None)])
    warehouse.load("terminals", [{"terminal_id": 1, "merchant": "Corner Books", "category": "books", "city": "Graz"}])
    warehouse.load("delivery_orders", [order("d1", 1), order("d2", 2), order("d3", 9)], file="monday")
    warehouse.load("delivery_events", [event("d1", "picked_up", "2026-01-05 12:00Z")], file="noon")
    report(warehouse, JANUARY, "2026-01-10", {("2026-01-05", None): "1.25", ("2026-01-06", "search"): "2.5"})
    report(warehouse, FEBRUARY, "2026-02-10", {("2026-02-05", None): "7.0000000001"})
    warehouse.load("cost_teams", [{"account_id": "1", "app": None, "team": "platform"}])
    warehouse.load("team_budgets", [{"team": "platform", "daily_budget": 2, "currency": "USD"}])
    warehouse.load("focus_costs", [charge(1, "0.5"), charge(2, "0.25")], file="a")


def second_loads(warehouse: TryOut) -> None:
    warehouse.load(
        "card_transactions",
        [
            payment(6, customer=1, amount=50.0, at="2026-01-05 10:00"),  # late: before payment 2 of the same customer
            payment(3, customer=2, amount=501.0, at="2026-01-05 09:00"),  # again, in another file
        ],
        file="tuesday",
    )
    warehouse.load("transaction_statuses", [status(1, "settled", "2026-01-06 08:00Z")], file="tuesday")
    warehouse.load("transaction_statuses", [status(1, "declined", "2026-01-05 20:00Z")], file="monday")  # comes late
    warehouse.load("customers", [customer(1, "Ada", "retail"), customer(2, "Bo", "premium")])  # Cy left
    happened = [event("d1", "delivered", "2026-01-05 18:00Z"), event("d2", "cancelled", "2026-01-05 19:00Z")]
    warehouse.load("delivery_events", happened, file="evening")
    warehouse.load("delivery_orders", [order("d4", 1)], file="tuesday")
    report(warehouse, JANUARY, "2026-01-20", {("2026-01-05", None): "1.125", ("2026-01-07", "search"): "4"})
    warehouse.load("focus_costs", [charge(2, "0.75")], file="b")


def corrections(warehouse: TryOut) -> None:
    """Files that come again: without payment 6, without the settlement, without what d1 and d2 had done."""
    again = [payment(3, customer=2, amount=502.0, at="2026-01-05 09:00")]
    warehouse.load("card_transactions", again, file="tuesday")
    warehouse.load("transaction_statuses", [], file="tuesday")
    warehouse.load("delivery_events", [event("d2", "picked_up", "2026-01-05 19:00Z")], file="evening")
    warehouse.load("delivery_orders", [order("d1", 1), order("d2", 2)], file="monday")


def payment(number: int, *, customer: int, amount: float | None, at: str, label: int = 0) -> dict[str, Any]:
    return {
        "transaction_id": number, "tx_datetime": at, "customer_id": customer, "terminal_id": 1 if customer < 4 else 2,
        "tx_amount": amount, "tx_fraud": label, "tx_fraud_scenario": label,
    }  # fmt: skip


def customer(number: int, name: str, segment: str | None) -> dict[str, Any]:
    return {"customer_id": number, "name": name, "segment": segment}


def status(number: int, name: str, at: str) -> dict[str, Any]:
    return {"event_id": f"s{number}-{name}", "transaction_id": number, "status": name, "changed_at": at}


def order(name: str, customer: int) -> dict[str, Any]:
    return {
        "delivery_id": name, "customer_id": customer, "region": "north", "carrier": "Swift Parcel",
        "ordered_at": "2026-01-05 08:00Z", "promised_at": "2026-01-05 18:00Z",
    }  # fmt: skip


def event(delivery: str, name: str, at: str) -> dict[str, Any]:
    return {"event_id": f"{delivery}-{name}", "delivery_id": delivery, "event": name, "happened_at": at}


def report(warehouse: TryOut, period: str, delivery: str, costs: dict[tuple[str, str | None], str]) -> None:
    first, end = (f"{day[:4]}-{day[4:6]}-{day[6:]}Z" for day in period.split("-"))
    rows = [
        {
            "identity_line_item_id": f"{delivery}-{number}", "bill_billing_period_start_date": first,
            "bill_billing_period_end_date": end, "line_item_usage_account_id": "1",
            "line_item_usage_start_date": f"{day} 05:00Z", "line_item_unblended_cost": Decimal(cost),
            "line_item_currency_code": "USD", "resource_tags_user_app": app,
        }
        for number, ((day, app), cost) in enumerate(costs.items())
    ]  # fmt: skip
    warehouse.load("cost_and_usage", rows, period=period, delivery=delivery)


def charge(number: int, cost: str) -> dict[str, Any]:
    return {
        "id": number, "provider_name": "AWS", "billing_account_id": "1", "service_category": "Compute",
        "charge_period_start": "2026-01-05 08:00", "billed_cost": Decimal(cost), "effective_cost": Decimal(cost),
        "billing_currency": "USD",
    }  # fmt: skip


def test_nothing_loaded_builds_empty_marts(story: Story) -> None:
    assert story.empty == {mart: [] for mart in MARTS}


def test_building_load_by_load_ends_where_building_from_the_beginning_does(story: Story) -> None:
    assert story.corrected == story.rebuilt
    assert story.first != story.second != story.corrected


def test_payments_without_customer_list_and_statuses_are_there_and_pending(story: Story) -> None:
    unlisted = story.transaction("5")
    assert (unlisted["customer_name"], unlisted["segment"], unlisted["status"]) == ("Customer 4", None, "pending")
    assert unlisted["merchant"] == "Terminal 2"


def test_a_late_payment_changes_what_was_usual_for_the_later_one_only(story: Story) -> None:
    assert story.transaction("1")["usual_amount"] is None
    assert (story.transaction("6")["usual_amount"], story.transaction("6")["earlier_payments"]) == (10, 1)
    assert (story.transaction("2")["usual_amount"], story.transaction("2")["earlier_payments"]) == (30, 2)


def test_what_a_corrected_file_leaves_out_is_gone_from_the_marts(story: Story) -> None:
    found = {row[0]: row for row in story.corrected["transactions"]}
    assert found.keys() == {"1", "2", "3", "4", "5"}
    assert found["1"][5] == "declined"  # the later status was taken back
    assert (found["2"][7], found["2"][8]) == (10, 1)  # as before payment 6
    assert found["3"][4] == 502
    assert {row[0]: row[3] for row in story.corrected["deliveries"]} == {
        "d1": "on_the_way", "d2": "on_the_way", "d4": "ordered",
    }  # fmt: skip


def test_a_correction_lets_every_transaction_be_read_again(story: Story) -> None:
    # Payment 1 fell back to an older status: by the loads of its own parts it would look older than the watermark.
    assert story.stale_after_correction == 0


def test_a_payment_sent_again_counts_once(story: Story) -> None:
    assert story.transaction("3")["amount"] == 501
    assert len(story.second["transactions"]) == 6


def test_a_missing_amount_stays_missing(story: Story) -> None:
    assert story.transaction("4")["amount"] is None


def test_the_latest_status_is_the_one_that_happened_last(story: Story) -> None:
    assert story.transaction("1")["status"] == "settled"


def test_a_customer_who_left_the_list_keeps_the_name(story: Story) -> None:
    assert story.transaction("4")["customer_name"] == "Cy"


def test_only_transactions_with_news_are_written_again(story: Story) -> None:
    # 1: status; 2: usual amount; 3: corrected, and its customer's segment changed; 6: new. Not 4 and 5.
    assert story.written_at_second == {"1", "2", "3", "6"}


def test_a_delivery_follows_its_reports(story: Story) -> None:
    assert {row[0]: row[3] for row in story.second["deliveries"]} == {
        "d1": "delivered", "d2": "cancelled", "d3": "ordered", "d4": "ordered",
    }  # fmt: skip


def test_a_restated_period_replaces_itself_and_leaves_the_others_alone(story: Story) -> None:
    costs = {(str(row[1]), row[2], row[7]) for row in story.second["team_daily_cost"]}
    assert costs == {
        ("2026-01-05", Decimal("1.125"), "2026-01-20"),
        ("2026-01-07", Decimal("4"), "2026-01-20"),
        ("2026-02-05", Decimal("7.0000000001"), "2026-02-10"),
    }


def test_a_charge_sent_again_counts_once(story: Story) -> None:
    assert [row[2:] for row in story.second["provider_daily_cost"]] == [(Decimal("1.25"), 2)]


@pytest.mark.parametrize("schema", ["raw", "staging", "intermediate", "ledger"])
def test_the_role_of_alert_sql_reads_marts_and_nothing_before_them(story: Story, schema: str) -> None:
    tables = story.warehouse.rows(f"select tablename from pg_tables where schemaname = '{schema}'")
    tables += story.warehouse.rows(f"select viewname from pg_views where schemaname = '{schema}'")
    assert tables
    for (table,) in tables:
        relation = f"{schema}.{table}"
        allowed = story.warehouse.rows(f"select has_table_privilege('alert_reader', '{relation}', 'select')")
        assert allowed == [(False,)], relation
    for mart in MARTS:
        granted = f"select has_table_privilege('alert_reader', 'marts.{mart}', 'select')"
        assert story.warehouse.rows(granted) == [(True,)]
