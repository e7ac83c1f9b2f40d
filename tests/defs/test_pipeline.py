"""Runs of the pipeline in Dagster, on a real database, with a real Slack client: a story in the order of its tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.app.watching import DAEMON
from alerting_pipeline.defs.delivery import SlackApi
from alerting_pipeline.settings import read_settings
from tests.defs.shop import Shop, lay_out, rows, worker
from tests.sinks.slack_api import TOKEN, SlackServer

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]
MATERIALIZED = dg.DagsterEventType.ASSET_MATERIALIZATION
LAST_OUTCOME = "select outcome from ledger.evaluations order by evaluation_id desc limit 1"


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, slack: SlackServer) -> dict[str, str]:
    project = tmp_path_factory.mktemp("a shop")
    lay_out(project)
    return {
        "PROJECT": str(project),
        "ALERTING_HOME": str(project / "home"),
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_API_URL": slack.url,
    }


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
    """The shop, with the environment that Dagster's processes would have."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(environment["PROJECT"])
    return made


def test_a_file_that_arrives_starts_one_run_however_often_the_sensor_ticks(shop: Shop):
    assert shop.tick("file_arrival").skip_message == "nothing arrived"
    shop.deliver_file("2026-01-05", {"o1": "50", "o2": "150"})
    keys = {shop.tick("file_arrival").run_requests[0].run_key for _ in range(3)}
    assert len(keys) <= 2  # one per ten minutes


def test_slack_is_told_within_five_seconds_of_the_mart_while_the_build_goes_on(
    shop: Shop, app: App, slack: SlackServer
):
    with worker(app):
        result = shop.run()
    assert result.success
    (message,) = slack.posted("#risk")
    assert "o2 is over 100" in json.dumps(message.blocks)
    mart = shop.events(["marts", "orders"], MATERIALIZED)[-1].timestamp
    slow = shop.events(["marts", "slow"], MATERIALIZED)[-1].timestamp
    assert mart < float(message.ts) < mart + 5
    assert float(message.ts) < slow
    assert shop.tick("file_arrival").skip_message == "nothing arrived"


def test_the_alert_was_told_of_on_its_own_node_with_rows_and_trend(shop: Shop):
    assert len(shop.events(["alerts", "large_order"], MATERIALIZED)) == 1
    (check,) = shop.checks_of("large_order")
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert check.metadata["outcome"].value == "firing"
    assert check.metadata["sample"].records[0].data["order_id"] == "o2"
    assert check.metadata["trend"].value.endswith(" 1")


def test_a_second_run_of_the_same_data_tells_nobody_anything(shop: Shop, app: App, slack: SlackServer):
    before = len(slack.messages)
    with worker(app):
        assert shop.run().success
    assert len(slack.messages) == before
    assert rows(app, "select count(*) from ledger.incidents") == [(1,)]


def test_a_failing_test_holds_the_incidents_and_blocks_nothing(shop: Shop, app: App):
    shop.deliver_file("2026-01-06", {"o3": "", "o4": "900"})
    result = shop.run()
    assert result.success
    assert rows(app, "select outcome from ledger.evaluations order by evaluation_id desc limit 1") == [
        ("data_failure",)
    ]
    assert rows(app, "select count(*) from ledger.incidents where held_since is not null") == [(1,)]
    assert rows(app, "select count(*) from ledger.incidents where entity ->> 'order_id' = 'o4'") == [(0,)]
    found = rows(app, "select kind, status, entity ->> 'test' from ledger.incidents where alert = 'data_test'")
    assert found == [("data", "open", "not_null_orders_amount")]
    assert shop.events(["marts", "slow"], MATERIALIZED)[-1].run_id == result.run_id


def test_the_check_on_demand_does_not_judge_an_unhealthy_mart(shop: Shop, app: App):
    checks = next(each for each in shop.definitions.asset_checks or ())
    result = dg.materialize([checks], instance=shop.instance, selection=dg.AssetSelection.all_asset_checks())
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.metadata["outcome"].value == "data_failure"


def test_data_that_were_put_right_release_what_was_held(shop: Shop, app: App):
    shop.deliver_file("2026-01-06", {"o3": "10", "o4": "900"})
    assert shop.run().success
    assert rows(app, "select count(*) from ledger.incidents where held_since is not null") == [(0,)]
    assert rows(app, "select count(*) from ledger.incidents where entity ->> 'order_id' = 'o4'") == [(1,)]
    assert rows(app, "select status from ledger.incidents where alert = 'data_test'") == [("resolved",)]


def test_a_materialization_from_elsewhere_is_evaluated_once_however_often_the_sensor_ticks(shop: Shop, app: App):
    cursor = shop.tick("materialized_elsewhere").cursor
    shop.instance.report_runless_asset_event(dg.AssetMaterialization(["marts", "orders"]))
    requested = []
    for _ in range(10):
        tick = shop.tick("materialized_elsewhere", cursor)
        requested += [request.run_key for request in tick.run_requests or ()]
        cursor = tick.cursor
    assert len(requested) == 10  # until somebody does it; the run key makes one run of them (per ten minutes)
    assert len(set(requested)) <= 2
    for _ in range(2):
        assert shop.run("due_evaluations").success
    found = rows(app, "select count(*) from ledger.evaluations where materialization_id like 'dagster:%'")
    assert found == [(1,)]


def test_a_model_that_can_not_be_built_is_one_system_incident_and_its_run_none(shop: Shop, app: App):
    model = shop.project / "dbt_project/models/marts/slow.sql"
    good = model.read_text()
    model.write_text("select 1 / (id - 1) as id from {{ ref('stg_orders') }}, (select 1 as id) as one")
    result = shop.run()
    model.write_text(good.replace("6", "0"))
    assert not result.success
    assert "dbt could not build slow" in str(result.get_run_failure_event().event_specific_data)
    shop.tick("run_failures")
    found = "select alert, entity ->> 'model', status from ledger.incidents where kind = 'system'"
    assert rows(app, found) == [("model_failure", "slow", "open")]
    [(summary,)] = rows(app, "select summary from ledger.incidents where kind = 'system'")
    assert summary.startswith("model slow could not be built: Database Error in model slow")
    assert "division by zero" in summary
    assert shop.run().success
    assert rows(app, found) == [("model_failure", "slow", "resolved")]


def test_a_failed_run_opens_one_system_incident_and_the_next_good_one_ends_it(
    shop: Shop, app: App, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched:
        patched.setattr("alerting_pipeline.defs.dbt.BUILD", ["build", "--no-such-option"])
        assert not shop.run().success
    cursor = None
    for _ in range(10):
        cursor = shop.tick("run_failures", cursor).cursor
    found = "select status from ledger.incidents where alert = 'run_failure'"
    [(summary,)] = rows(app, "select summary from ledger.incidents where alert = 'run_failure'")
    assert summary.startswith("A run of pipeline failed at dbt_build: dbt broke off")
    assert rows(app, found) == [("open",)]
    assert shop.run().success
    shop.tick("run_failures", cursor)
    assert rows(app, found) == [("resolved",)]


def test_what_no_worker_took_the_outbox_sensor_hands_over_and_shows_on_the_destination(
    shop: Shop, app: App, slack: SlackServer
):
    waiting = rows(app, "select count(*) from ledger.outbox where status = 'waiting'")[0][0]
    assert waiting > 0
    with app.engine.begin() as connection:
        connection.exec_driver_sql("update ledger.outbox set next_attempt_at = next_attempt_at - interval '1 minute'")
    before = len(slack.messages)
    tick = shop.tick("outbox", slack=SlackApi(base_url=f"{slack.url}/"))
    assert len(slack.messages) > before
    told = {event.asset_key.path[-1] for event in tick.asset_events}
    assert told == {"#risk", "#ops"}
    again = shop.tick("outbox", tick.cursor, slack=SlackApi(base_url=f"{slack.url}/"))
    assert list(again.asset_events) == []


def test_the_clock_and_each_sensor_were_heard_of(shop: Shop, app: App):
    shop.tick("materialized_elsewhere")
    assert {beat.part: beat.every.total_seconds() for beat in app.pulse.beats()} == DAEMON


def test_a_bad_definition_file_leaves_the_last_good_version_in_force_in_a_run(shop: Shop, app: App):
    file = shop.project / "alert_definitions/large_order.yaml"
    good = file.read_text()
    file.write_text(good.replace("amount > :limit", "amout > :limit"))
    try:
        assert shop.run().success
    finally:
        file.write_text(good)
    assert rows(app, LAST_OUTCOME) == [("firing",)]
    found = rows(app, "select count(*) from ledger.incidents where alert = 'definition_file' and status = 'open'")
    assert found == [(1,)]


def test_another_value_starts_one_evaluation_whatever_no_build_comes(shop: Shop, app: App):
    file = shop.project / "alert_definitions/large_order.yaml"
    good = file.read_text()
    opened = rows(app, "select count(*) from ledger.incidents where alert = 'large_order' and status <> 'resolved'")
    assert opened != [(0,)]
    file.write_text(good.replace("default: 100", "default: 1000"))
    app.publish_definitions()
    ticks = [shop.tick("materialized_elsewhere") for _ in range(3)]
    assert all(tick.run_requests for tick in ticks)
    assert shop.run("due_evaluations").success
    left = "select count(*) from ledger.incidents where alert = 'large_order' and status <> 'resolved'"
    assert rows(app, left) == [(0,)]
    assert not shop.tick("materialized_elsewhere").run_requests
    file.write_text(good)
