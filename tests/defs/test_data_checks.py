"""Data definitions in Dagster: a failing one holds the alerts downstream, shows on its model, and lets go again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.settings import read_settings
from tests.defs.shop import Shop, lay_out, rows

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]
DEFINITION = """\
version: 1
alert: orders_complete
kind: data
owner: shop-team
model: stg_orders
runbook: https://example.com/runbook
expectations:
  - expect_column_values_to_be_between: {column: amount, max_value: 5000}
  - expect_table_row_count_to_be_between: {min_value: 1}
"""
LAST = "select outcome from ledger.evaluations where alert = 'large_order' order by evaluation_id desc limit 1"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    project = tmp_path_factory.mktemp("a shop with data checks")
    lay_out(project)
    (project / "alert_definitions/orders_complete.yaml").write_text(DEFINITION)
    slow = project / "dbt_project/models/marts/slow.sql"
    slow.write_text(slow.read_text().replace("6", "0"))
    return {"PROJECT": str(project), "ALERTING_HOME": str(project / "home")}


@pytest.fixture(scope="module")
def app(environment: dict[str, str]) -> Iterator[App]:
    with App(read_settings(environment, start=Path(environment["PROJECT"]))) as opened:
        yield opened


@pytest.fixture(scope="module")
def made(environment: dict[str, str], app: App) -> Iterator[Shop]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Shop.open(Path(environment["PROJECT"]), instance, app)


@pytest.fixture
def shop(made: Shop, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(environment["PROJECT"])
    return made


def checks(shop: Shop) -> list[Any]:
    """Results of the check on the model's node, the newest first."""
    key = dg.AssetCheckKey(dg.AssetKey(["staging", "stg_orders"]), "orders_complete")
    history = shop.instance.event_log_storage.get_asset_check_execution_history(key, limit=50)
    events = [record.event.dagster_event for record in history if record.event]
    return [event.asset_check_evaluation_data for event in events if event]


def test_good_data_are_told_on_their_model_and_hold_nothing(shop: Shop, app: App):
    shop.deliver_file("2026-01-05", {"o1": "50", "o2": "150"})
    assert shop.run().success
    (check,) = checks(shop)
    assert check.passed and not check.blocking
    assert {row.data["state"] for row in check.metadata["checks"].records} == {"passed"}
    assert rows(app, LAST) == [("firing",)]


def test_data_that_can_not_be_believed_hold_the_alerts_on_them_and_block_no_model(shop: Shop, app: App):
    shop.deliver_file("2026-01-06", {"o3": "900", "o4": "99999"})
    assert shop.run().success
    check = checks(shop)[0]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.ERROR
    failing = check.metadata["checks"].records[0].data
    assert failing["check"] == "expect_column_values_to_be_between(amount)"
    assert (failing["says"], failing["sample"]) == ("1 of 4 rows are not so", "99999")
    assert rows(app, LAST) == [("data_failure",)]
    assert rows(app, "select count(*) from ledger.incidents where entity ->> 'order_id' in ('o3', 'o4')") == [(0,)]
    assert shop.events(["marts", "orders"], dg.DagsterEventType.ASSET_MATERIALIZATION)


def test_it_is_told_to_engineers_alone_with_the_alerts_that_are_held(shop: Shop, app: App):
    found = rows(app, "select kind, summary, entity ->> 'model' from ledger.incidents where alert = 'orders_complete'")
    (told,) = found
    assert told[0] == "data" and told[2] == "stg_orders"
    assert told[1].endswith("1 of 4 rows are not so. Held until it passes: large_order.")
    [(changed,)] = rows(app, "select fields ->> 'changed_upstream' from ledger.incidents where kind = 'data'")
    assert changed.endswith("UTC loaded order_lines: 2026-01-06.csv (2 rows)") and ";" not in changed
    sent = rows(app, "select distinct destination from ledger.outbox where alert = 'orders_complete'")
    assert sent == [("#ops",)]


def test_on_demand_the_alert_stays_unjudged_and_the_check_can_be_run_by_itself(shop: Shop, app: App):
    by_name = {each.node_def.name: each for each in shop.definitions.asset_checks or ()}
    everything = dg.AssetSelection.all_asset_checks()
    result = dg.materialize([by_name["evaluate_alerts"]], instance=shop.instance, selection=everything)
    (alert,) = result.get_asset_check_evaluations()
    assert alert.metadata["outcome"].value == "data_failure"
    result = dg.materialize([by_name["check_data"]], instance=shop.instance, selection=everything)
    (data,) = result.get_asset_check_evaluations()
    assert (data.check_name, data.passed) == ("orders_complete", False)


def test_data_that_were_put_right_clear_it_and_let_the_alerts_go_on(shop: Shop, app: App):
    shop.deliver_file("2026-01-06", {"o3": "900", "o4": "9"})
    assert shop.run().success
    assert checks(shop)[0].passed
    assert rows(app, "select status from ledger.incidents where alert = 'orders_complete'") == [("resolved",)]
    assert rows(app, LAST) == [("firing",)]
    assert rows(app, "select count(*) from ledger.incidents where entity ->> 'order_id' = 'o3'") == [(1,)]
