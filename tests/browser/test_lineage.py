"""The lineage, as people see it in a real browser: from a source file to a Slack channel."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.dagster_ui import CHROMIUM, PATH_TO_SLACK, browser_page, open_lineage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is absent; apt-get install chromium"),
]


@pytest.fixture
def page() -> Iterator[Page]:
    with browser_page() as opened:
        yield opened


def test_one_path_leads_from_the_source_file_to_the_slack_channel(dagster_address: str, page: Page):
    open_lineage(page, dagster_address, PATH_TO_SLACK)
    shown = page.locator("body").inner_text().splitlines()
    path = [
        "card_transactions.parquet", "card_transactions", "stg_card_transactions", "int_card_payments", "transactions",
        "large_transaction", "#risk",
    ]  # fmt: skip
    assert [name for name in path if name not in shown] == []


def test_every_node_of_the_path_was_materialized_by_the_pass(dagster_address: str, page: Page):
    open_lineage(page, dagster_address, PATH_TO_SLACK)
    # The page's policy forbids evaluating text as script, which wait_for_function would need: count from outside.
    done, deadline = page.get_by_text("Materialized", exact=True), time.monotonic() + 30
    while done.count() < 7 and time.monotonic() < deadline:
        page.wait_for_timeout(250)
    assert done.count() >= 7


def test_the_check_of_an_alert_shows_sample_rows_and_the_trend(dagster_address: str, page: Page):
    page.goto(f"{dagster_address}/assets/alerts/large_transaction?view=checks&checkDetail=violations", timeout=60_000)
    page.get_by_text("trend").first.wait_for(timeout=60_000)
    shown = page.locator("body").inner_text()
    assert "firing" in shown
    assert "sample" in shown
