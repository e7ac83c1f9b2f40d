"""The lineage of the sample project: one path from files to people, every edge derived, no database needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.defs.alerts import alert_definitions
from alerting_pipeline.defs.blueprint import Blueprint, read_blueprint
from alerting_pipeline.defs.data import data_definitions
from alerting_pipeline.defs.dbt import DbtCommand, dbt_definitions
from alerting_pipeline.defs.delivery import delivery_definitions
from alerting_pipeline.defs.ingest import ingest_definitions
from alerting_pipeline.defs.reports import report_definitions, sent_event
from alerting_pipeline.defs.schedules import schedule_definitions
from alerting_pipeline.defs.sensors import sensor_definitions
from alerting_pipeline.demo.calendar import AS_OF
from alerting_pipeline.domain.letter import SendResult, WindowStatus
from alerting_pipeline.settings import read_settings

PROJECT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a home")


@pytest.fixture(scope="module")
def blueprint(home: Path) -> Blueprint:
    # An address where nothing listens: whatever would ask a database fails.
    environment = {"ALERTING_HOME": str(home), "ALERTING_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/alerting"}
    with App(read_settings(environment, start=PROJECT)) as app:
        return read_blueprint(app)


@pytest.fixture(scope="module")
def definitions(blueprint: Blueprint) -> dg.Definitions:
    parts = (
        ingest_definitions, dbt_definitions, data_definitions, alert_definitions, delivery_definitions,
        sensor_definitions, schedule_definitions, report_definitions,
    )  # fmt: skip
    return dg.Definitions.merge(*(part(blueprint) for part in parts))


@pytest.fixture(scope="module")
def nodes(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def _upstream(nodes: dict[str, dg.AssetSpec], key: str) -> set[str]:
    found: set[str] = set()
    waiting = [key]
    while waiting:
        for dep in nodes[waiting.pop()].deps:
            name = dep.asset_key.to_user_string()
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _check_specs(definitions: dg.Definitions) -> list[dg.AssetCheckSpec]:
    graph = definitions.resolve_asset_graph()
    return [graph.get_check_spec(key) for key in graph.asset_check_keys]


def test_everything_loads_without_a_database(definitions: dg.Definitions):
    dg.Definitions.validate_loadable(definitions)


def test_a_slack_channel_leads_back_to_the_raw_file(nodes: dict[str, dg.AssetSpec]):
    assert _upstream(nodes, "destinations/#risk") >= {
        "alerts/large_transaction",
        "marts/transactions",
        "staging/stg_card_transactions",
        "raw/card_transactions",
        "files/card_transactions.parquet",
    }


def test_a_sheet_and_a_table_that_alerts_write_to_are_nodes(nodes: dict[str, dg.AssetSpec]):
    assert {"destinations/fraud_review", "destinations/late_delivery_queue"} <= nodes.keys()
    assert nodes["destinations/fraud_review"].kinds == {"excel"}


def test_a_report_leads_from_its_mart_to_the_mail_that_all_reports_share(nodes: dict[str, dg.AssetSpec]):
    reminder = nodes["reports/payment_reminder"]
    assert [each.asset_key.to_user_string() for each in reminder.deps] == ["marts/invoice_reminders"]
    assert (reminder.group_name, list(reminder.owners)) == ("reports", ["team:receivables"])
    mail = {each.asset_key.to_user_string() for each in nodes["destinations/report mail"].deps}
    assert mail == {"reports/payment_reminder", "reports/weekly_account_summary"}


def test_what_was_sent_is_told_on_the_reports_node(nodes: dict[str, dg.AssetSpec]):
    result = SendResult("payment_reminder", AS_OF, AS_OF, WindowStatus.WAITING, "2 wait", due=5, sent=3, waiting=2)
    event = sent_event(result)
    assert event.asset_key.to_user_string() in nodes
    told = {name: value.value for name, value in event.metadata.items()}
    assert (told["sent"], told["waiting"], told["status"]) == (3, 2, "waiting")


def test_each_schedule_of_a_report_starts_what_is_due(definitions: dg.Definitions):
    schedules = {(each.cron_schedule, each.execution_timezone) for each in definitions.schedules or ()
                 if isinstance(each, dg.ScheduleDefinition)}  # fmt: skip
    assert {("0 * * * *", "UTC"), ("0 7 * * 1", "Europe/Berlin")} <= schedules


def test_every_edge_leads_to_a_node_that_was_described(nodes: dict[str, dg.AssetSpec]):
    edges = {dep.asset_key.to_user_string() for spec in nodes.values() for dep in spec.deps}
    assert edges <= nodes.keys()


def test_the_last_part_of_every_key_is_unique(nodes: dict[str, dg.AssetSpec]):
    shown = [spec.key.path[-1] for spec in nodes.values()]
    assert sorted(shown) == sorted(set(shown))


def test_every_node_has_a_group_kinds_and_a_description(nodes: dict[str, dg.AssetSpec]):
    groups = {"files", "raw", "staging", "intermediate", "marts", "alerts", "reports", "destinations"}
    assert {spec.group_name for spec in nodes.values()} == groups
    assert all(spec.kinds and spec.description for spec in nodes.values())


def test_everything_but_destinations_has_a_team_that_answers_for_it(nodes: dict[str, dg.AssetSpec]):
    ownerless = {name for name, spec in nodes.items() if not spec.owners}
    assert all(name.startswith("destinations/") for name in ownerless)
    assert nodes["alerts/large_transaction"].owners == ["team:risk-ops"]


def test_no_dbt_test_blocks_what_stands_on_its_model(definitions: dg.Definitions):
    specs = _check_specs(definitions)
    assert len(specs) > 20
    assert not [spec.name for spec in specs if spec.blocking]


def test_a_test_that_compares_a_mart_with_its_sources_is_a_check_of_the_mart(definitions: dg.Definitions):
    (spec,) = [spec for spec in _check_specs(definitions) if spec.name == "team_daily_cost_equals_report"]
    assert spec.asset_key.to_user_string() == "marts/team_daily_cost"


def test_every_alert_has_one_check_on_its_own_node(definitions: dg.Definitions, blueprint: Blueprint):
    checked = [spec.asset_key.to_user_string() for spec in _check_specs(definitions) if spec.name == "violations"]
    assert sorted(checked) == [f"alerts/{name}" for name in blueprint.alerts]


def test_the_pipeline_loads_builds_and_leaves_the_on_demand_checks_out(definitions: dg.Definitions):
    steps = definitions.resolve_job_def("pipeline").graph.node_dict
    assert "dbt_build" in steps
    assert "raw__card_transactions" in steps
    assert not {"evaluate_alerts", "check_data"} & steps.keys()


def test_there_are_four_sensors_however_many_alerts_and_all_run_by_themselves(definitions: dg.Definitions):
    sensors = list(definitions.sensors or ())
    assert sorted(sensor.name for sensor in sensors) == [
        "file_arrival", "materialized_elsewhere", "outbox", "run_failures",
    ]  # fmt: skip
    for each in (*sensors, *(definitions.schedules or ())):
        assert each.default_status.value == "RUNNING"


def test_dbt_is_not_asked_for_its_version(blueprint: Blueprint):
    command = dbt_definitions(blueprint).resources
    assert command is not None
    assert isinstance(command["dbt"], DbtCommand)
    assert command["dbt"]._cli_version.major == 1


def test_definitions_are_a_table_of_contents():
    assert len((PROJECT / "alerting_pipeline/definitions.py").read_text().splitlines()) < 40


def test_a_bad_definition_file_takes_away_its_own_node_alone(tmp_path: Path, home: Path, definitions: dg.Definitions):
    import shutil

    folder = tmp_path / "alert_definitions"
    shutil.copytree(PROJECT / "alert_definitions", folder)
    (folder / "fraud/large_transaction.yaml").write_text("version: 1\nalert: [broken\n")
    environment = {"ALERTING_HOME": str(home), "ALERTING_DEFINITIONS": str(folder)}
    with App(read_settings(environment, start=PROJECT)) as app:
        bad = alert_definitions(read_blueprint(app))
    names = {spec.key.path[-1] for spec in bad.resolve_all_asset_specs() if spec.key.path[0] == "alerts"}
    assert "large_transaction" not in names
    assert "unusual_transaction" in names


def test_dagster_itself_finds_the_definitions_valid(tmp_path: Path, home: Path):
    import os

    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", str(PROJECT / "workspace.yaml")],
        env={**os.environ, "ALERTING_HOME": str(home), "DAGSTER_HOME": str(tmp_path)}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
