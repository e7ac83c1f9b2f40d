"""What the marts say right after a file that came late, came twice or was corrected: a source of each category.

Real files through the real loader, and a build of the affected part after each of three arrivals; in the end all of it
is built again from the beginning, which must come to the same.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.adapters.source_declarations import read_sources
from tests.conftest import PROJECT
from tests.dbt.warehouse import TryOut
from tests.landing import Landing

pytestmark = pytest.mark.scenario  # whole builds by dbt

MARTS = {
    # sensor
    "cold_rooms": "select room_id, temperature_c::text, reported_at::text, coldest_of_hour::text, readings_of_hour "
    "from marts.cold_rooms",
    # events of the product, and exports of SaaS tools
    "location_health": "select location_id, owner_name, visits_last_7_days, last_visit_on::text "
    "from marts.location_health",
    "company_facts": "select day::text, visits, visits_7_days, paid::text from marts.company_facts order by day",
    "account_summary": "select account_id, owner_email from marts.account_summary",
    "reported_content": "select item_id, reporters, open_reports, all_reports, status from marts.reported_content",
    # a third party's files
    "weather_risk": "select region, day::text, highest_wind_kmh::text from marts.weather_risk order by day",
    # production databases
    "invoice_reminders": "select invoice_id, status, amount_open::text from marts.invoice_reminders",
    "stock_cover": "select product_id, on_hand, daily_demand::text from marts.stock_cover",
}
SELECTED = [f"+{mart}" for mart in MARTS]
Seen = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Story:
    """What each mart said after each arrival."""

    first: Seen
    late: Seen
    corrected: Seen
    rebuilt: Seen


@pytest.fixture(scope="module")
def story(
    postgres: EmbeddedPostgres,
    template_database: str,
    sources: dict[str, dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    name = f"test_late_{uuid.uuid4().hex[:8]}"
    database, template = sql.Identifier(name), sql.Identifier(template_database)
    with psycopg.connect(postgres.url(database="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template {}").format(database, template))
    folder = tmp_path_factory.mktemp("late")
    url = postgres.url(database=name)
    yield tell(Landing(folder / "home", url), TryOut(url, sources, folder / "target"))
    with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(database))


def tell(landing: Landing, warehouse: TryOut) -> Story:
    seen = []
    for arrive in (first_files, late_files, corrected_files):
        arrive(landing)
        for source in read_sources(PROJECT / "dbt_project").sources.values():
            assert landing.load(source).problems == []
        warehouse.dbt(
            "build", "--select", *SELECTED, "--exclude-resource-type", "unit_test", "--indirect-selection", "cautious"
        )
        seen.append(look(landing))
    warehouse.dbt("run", "--full-refresh", "--select", *SELECTED)
    first, late, corrected = seen
    return Story(first, late, corrected, look(landing))


def look(landing: Landing) -> Seen:
    return {mart: landing.rows(query) for mart, query in MARTS.items()}


def first_files(landing: Landing) -> None:
    lines(landing, "storage_readings/2026-01-06.jsonl", reading("r1", "2026-01-06T08:00:00Z", 4.0))
    lines(landing, "visits/2026-01-05.jsonl", visit("v1", "2026-01-05T09:00:00Z"))
    lines(landing, "visits/2026-01-07.jsonl", visit("v2", "2026-01-07T09:00:00Z"), visit("v3", "2026-01-07T10:00:00Z"))
    lines(landing, "content_reports/2026-01-06.jsonl", reported("p1", "ana", "2026-01-06T09:00:00Z"))
    table(landing, "weather_forecasts/2026-01-05.csv", forecast("f1", "2026-01-05T06:00:00Z", 40))
    table(landing, "invoices/2026-01-05.csv", INVOICE)
    lines(landing, "invoice_payments/2026-01-06.jsonl", paid("p1", 30, "2026-01-06T09:00:00Z"))
    table(landing, "stock_levels/2026-01-07/stock_levels.csv", stock(50, "2026-01-07"))
    table(landing, "sales_orders/2026-01-06.csv.gz", sale("o1", 6, "2026-01-06T09:00:00Z"))
    for taken, owner in (("2026-01-07", "Jana"),):
        lists(landing, taken, owner)
    table(landing, "subscription_payments/2026-01-06.csv", SUBSCRIPTION_PAYMENT)


def late_files(landing: Landing) -> None:
    """A day that was missing, rows that were sent before, and newer lists."""
    again = reading("r1", "2026-01-06T08:00:00Z", 5.0)
    lines(landing, "storage_readings/2026-01-05.jsonl", reading("r0", "2026-01-05T08:00:00Z", 9.0), again)
    lines(landing, "storage_readings/2026-01-07.jsonl", reading("r2", "2026-01-06T08:30:00Z", 7.0))
    lines(landing, "visits/2026-01-06.jsonl", visit("v4", "2026-01-06T09:00:00Z"), visit("v1", "2026-01-07T09:00:00Z"))
    twice = reported("p1", "ana", "2026-01-06T09:00:00Z")
    lines(landing, "content_reports/2026-01-07.jsonl", twice, reported("p2", "ben", "2026-01-07T09:00:00Z"))
    table(landing, "weather_forecasts/2026-01-06.csv", forecast("f2", "2026-01-06T06:00:00Z", 80))
    lines(landing, "invoice_payments/2026-01-05.jsonl", paid("p0", 20, "2026-01-05T09:00:00Z"))
    lines(landing, "invoice_payments/2026-01-07.jsonl", paid("p1", 30, "2026-01-06T09:00:00Z"))
    table(landing, "sales_orders/2026-01-05.csv.gz", sale("o0", 4, "2026-01-05T09:00:00Z"))
    table(landing, "stock_levels/2026-01-08/stock_levels.csv", stock(40, "2026-01-08"))
    lists(landing, "2026-01-08", "Karim")
    table(landing, "subscription_payments/2026-01-07.csv", SUBSCRIPTION_PAYMENT)


def corrected_files(landing: Landing) -> None:
    """Files that come again under their name with other content, and lists that are older than what holds."""
    lines(landing, "storage_readings/2026-01-07.jsonl", reading("r2", "2026-01-06T08:30:00Z", 6.5))
    lines(landing, "visits/2026-01-07.jsonl", visit("v3", "2026-01-07T10:00:00Z"))
    lines(landing, "content_reports/2026-01-07.jsonl", reported("p1", "ana", "2026-01-06T09:00:00Z"))
    table(landing, "weather_forecasts/2026-01-04.csv", forecast("f0", "2026-01-04T06:00:00Z", 120))
    table(landing, "weather_forecasts/2026-01-06.csv", forecast("f2", "2026-01-06T06:00:00Z", 90))
    lines(landing, "invoice_payments/2026-01-05.jsonl", paid("p0", 70, "2026-01-05T09:00:00Z"))
    table(landing, "sales_orders/2026-01-06.csv.gz", sale("o1", 10, "2026-01-06T09:00:00Z"))
    table(landing, "stock_levels/2026-01-06/stock_levels.csv", stock(99, "2026-01-06"))
    lists(landing, "2026-01-06", "Nobody")


def test_built_from_the_beginning_it_comes_to_the_same(story: Story) -> None:
    assert story.rebuilt == story.corrected


def test_a_late_reading_changes_no_warmth_and_one_sent_again_holds_its_last_value(story: Story) -> None:
    rooms = [each["cold_rooms"] for each in (story.first, story.late, story.corrected)]
    assert rooms == [
        [("a", "4.0", "2026-01-06 08:00:00+00", "4.0", 1)],
        [("a", "7.0", "2026-01-06 08:30:00+00", "5.0", 2)],
        [("a", "6.5", "2026-01-06 08:30:00+00", "5.0", 2)],
    ]


def test_a_late_day_of_visits_counts_on_its_day_and_a_sign_in_sent_again_counts_once(story: Story) -> None:
    days = [[row[:3] for row in each["company_facts"]] for each in (story.first, story.late, story.corrected)]
    assert days == [
        [("2026-01-05", 1, 1), ("2026-01-06", 0, 1), ("2026-01-07", 2, 3)],
        [("2026-01-05", 1, 1), ("2026-01-06", 1, 2), ("2026-01-07", 2, 4)],
        [("2026-01-05", 1, 1), ("2026-01-06", 1, 2), ("2026-01-07", 1, 3)],
    ]


def test_the_newest_list_holds_and_an_older_one_that_comes_late_changes_nothing(story: Story) -> None:
    found = [each["location_health"] for each in (story.first, story.late, story.corrected)]
    assert found == [
        [("l1", "Jana", 3, "2026-01-07")],
        [("l1", "Karim", 4, "2026-01-07")],
        [("l1", "Karim", 3, "2026-01-07")],
    ]
    owners = [each["account_summary"] for each in (story.first, story.late, story.corrected)]
    assert owners == [[("a", "jana@example.com")], [("a", "karim@example.com")], [("a", "karim@example.com")]]


def test_a_payment_sent_again_by_the_billing_tool_is_paid_once(story: Story) -> None:
    paid = [[row[3] for row in each["company_facts"]] for each in (story.first, story.late, story.corrected)]
    assert paid == [["0", "25.00", "0"]] * 3


def test_a_report_sent_again_counts_once_and_one_that_was_taken_back_is_gone(story: Story) -> None:
    found = [each["reported_content"] for each in (story.first, story.late, story.corrected)]
    assert found == [
        [("i1", 1, 1, 1, "live")],
        [("i1", 2, 2, 2, "live")],
        [("i1", 1, 1, 1, "live")],
    ]


def test_the_forecast_issued_last_holds_however_late_an_older_one_comes(story: Story) -> None:
    winds = [[row[2] for row in each["weather_risk"]] for each in (story.first, story.late, story.corrected)]
    assert winds == [["40"], ["80"], ["90"]]


def test_a_late_payment_counts_and_a_corrected_one_settles_the_invoice(story: Story) -> None:
    found = [each["invoice_reminders"] for each in (story.first, story.late, story.corrected)]
    assert found == [
        [("i1", "partially_paid", "70.00")],
        [("i1", "partially_paid", "50.00")],
        [("i1", "paid", "0.00")],
    ]


def test_late_and_corrected_sales_change_the_demand_and_an_older_count_does_not_come_back(story: Story) -> None:
    found = [each["stock_cover"] for each in (story.first, story.late, story.corrected)]
    assert [row[:2] for [row] in found] == [("w", 50), ("w", 40), ("w", 40)]
    demands = [float(row[2]) for [row] in found]
    assert demands[0] > demands[1] and demands[2] > demands[1], demands


# --- files ------------------------------------------------------------------------------------------------------------

INVOICE = {
    "invoice_id": "i1", "customer_id": "1", "billing_email": "ada@example.com", "timezone": "Europe/Vienna",
    "issued_at": "2026-01-05T08:00:00Z", "due_at": "2026-01-19T08:00:00Z", "amount": "100.00", "currency": "EUR",
}  # fmt: skip
SUBSCRIPTION_PAYMENT = {
    "payment_id": "s1-1", "subscription_id": "s1", "paid_on": "2026-01-06", "amount": "25.00", "currency": "USD",
    "status": "paid",
}  # fmt: skip


def reading(name: str, at: str, temperature: float) -> Mapping[str, Any]:
    return {
        "reading_id": name, "room_id": "a", "room": "Room A", "kind": "vaccine", "measured_at": at,
        "temperature_c": temperature,
    }  # fmt: skip


def visit(name: str, at: str) -> Mapping[str, Any]:
    return {"visit_id": name, "location_id": "l1", "signed_in_at": at, "is_host_notified": True, "device": "kiosk"}


def reported(name: str, reporter: str, at: str) -> Mapping[str, Any]:
    return {"report_id": name, "item_id": "i1", "reporter_id": reporter, "reason": "spam", "reported_at": at}


def forecast(name: str, issued: str, wind: int) -> Mapping[str, Any]:
    return {
        "forecast_id": name, "region": "north", "issued_at": issued, "valid_from": "2026-01-08T06:00:00Z",
        "valid_until": "2026-01-08T12:00:00Z", "wind_kmh": wind, "precipitation_mm": 1,
    }  # fmt: skip


def paid(name: str, amount: int, at: str) -> Mapping[str, Any]:
    return {"payment_id": name, "invoice_id": "i1", "amount": amount, "paid_at": at}


def sale(name: str, quantity: int, at: str) -> Mapping[str, Any]:
    return {"order_id": name, "product_id": "w", "warehouse": "north", "quantity": quantity, "ordered_at": at}


def stock(on_hand: int, counted_on: str) -> Mapping[str, Any]:
    return {
        "product_id": "w", "product": "Widget", "product_class": "standard", "warehouse": "north", "status": "active",
        "lead_days": 5, "on_hand": on_hand, "counted_on": counted_on,
    }  # fmt: skip


def lists(landing: Landing, taken: str, owner: str) -> None:
    account = {
        "account_id": "a", "name": "Ada Ltd", "plan": "pro", "status": "active", "owner_name": owner,
        "owner_email": f"{owner.lower()}@example.com", "started_on": "2025-01-01", "renews_on": "2026-06-01",
        "closed_on": "",
    }  # fmt: skip
    table(landing, f"accounts/{taken}/accounts.csv", account)
    location = {
        "location_id": "l1", "account_id": "a", "name": "Graz", "city": "Graz", "opened_on": "2025-01-01",
        "closed_on": "", "closure_from": "", "closure_until": "", "closure_reason": "",
    }  # fmt: skip
    table(landing, f"locations/{taken}/locations.csv", location)
    subscription = {
        "subscription_id": "s1", "account_id": "a", "plan": "pro", "monthly_price": "25.00", "currency": "USD",
        "started_on": "2025-01-01", "ended_on": "",
    }  # fmt: skip
    table(landing, f"subscriptions/{taken}/subscriptions.csv", subscription)


def lines(landing: Landing, name: str, *rows: Mapping[str, Any]) -> None:
    landing.put(name, "".join(f"{json.dumps(row)}\n" for row in rows))


def table(landing: Landing, name: str, *rows: Mapping[str, Any]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    landing.put(name, gzip.compress(content, mtime=0) if Path(name).suffix == ".gz" else content)
