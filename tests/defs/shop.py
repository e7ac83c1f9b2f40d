"""A shop of two marts and one alert, small enough to be built in a few seconds: what the Dagster tests run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import dagster as dg
import psycopg

from alerting_pipeline.app import App
from alerting_pipeline.defs.alerts import alert_definitions
from alerting_pipeline.defs.blueprint import read_blueprint
from alerting_pipeline.defs.data import data_definitions
from alerting_pipeline.defs.dbt import dbt_definitions
from alerting_pipeline.defs.delivery import delivery_definitions
from alerting_pipeline.defs.ingest import ingest_definitions
from alerting_pipeline.defs.schedules import schedule_definitions
from alerting_pipeline.defs.sensors import sensor_definitions

PROFILES = (Path(__file__).parent.parent.parent / "dbt_project/profiles.yml").read_text()
SCHEMA_MACRO = (Path(__file__).parent.parent.parent / "dbt_project/macros/generate_schema_name.sql").read_text()
FILES = {
    "dbt_project/dbt_project.yml": (
        "name: company\nversion: '1.0'\nprofile: company\nflags: {send_anonymous_usage_stats: false}\n"
        "models: {company: {staging: {+schema: staging}, marts: {+schema: marts, +materialized: table, "
        "+grants: {select: [alert_reader, analyst]}}}}\n"
    ),
    "dbt_project/profiles.yml": PROFILES,
    "dbt_project/macros/generate_schema_name.sql": SCHEMA_MACRO,
    "dbt_project/models/staging/sources.yml": (
        "sources:\n  - name: raw\n    schema: raw\n    tables:\n      - name: order_lines\n"
        "        description: Orders as the shop writes them.\n"
        "        config: {meta: {owner: shop-team, ingest: {kind: files, pattern: '{day}.csv', format: csv, "
        "mode: append, trigger: arrival}}}\n"
        "        columns: [{name: order_id, data_type: text}, {name: amount, data_type: numeric}]\n"
    ),
    "dbt_project/models/staging/stg_orders.sql": "select order_id, amount from {{ source('raw', 'order_lines') }}",
    "dbt_project/models/marts/orders.sql": "select order_id, amount from {{ ref('stg_orders') }}",
    # Built beside the other mart, and slow: an alert that waited for the whole build would be late.
    "dbt_project/models/marts/slow.sql": "select pg_sleep(6)::text as x, count(*) as id from {{ ref('stg_orders') }}",
    "dbt_project/models/marts/models.yml": (
        "models:\n  - name: orders\n    description: One row per order.\n    config: {meta: {owner: shop-team}}\n"
        "    columns:\n      - {name: order_id, data_type: text, data_tests: [unique, not_null]}\n"
        "      - {name: amount, data_type: numeric, data_tests: [not_null]}\n"
    ),
    "alert_definitions/people.yaml": (
        "version: 1\npeople: {ada: {name: Ada, email: ada@example.com}}\nteams: {shop-team: {members: [ada]}}\n"
    ),
    "alert_definitions/routing.yaml": "version: 1\nfallback: ['#ops']\nroutes:\n"
    "  - {name: broken, match: {kind: [data, system]}, destinations: ['#ops']}\n"
    "  - {name: all, destinations: ['#risk']}\n",
    "alert_definitions/destinations.yaml": (
        "version: 1\ndestinations: {'#risk': {channel: slack}, '#ops': {channel: slack, audience: engineering}}\n"
    ),
    "alert_definitions/large_order.yaml": (
        "version: 1\nalert: large_order\nmodel: orders\nentity: order_id\nowner: shop-team\n"
        "runbook: https://example.com/runbook\nlink: https://example.com/orders\nsystem: shop\n"
        "condition: amount > :limit\nparameters: {limit: {default: 100, minimum: 1, maximum: 1000}}\n"
        "severity: [{level: high, respond_within: 1h}]\nsummary: '{{ order_id }} is over {{ limit }}'\n"
    ),
}
PARTS = (
    ingest_definitions, dbt_definitions, data_definitions, alert_definitions, delivery_definitions, sensor_definitions,
    schedule_definitions,
)  # fmt: skip


@dataclass
class Shop:
    """The shop's project on disk, its definitions in Dagster, and an instance that remembers."""

    project: Path
    home: Path
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    @classmethod
    def open(cls, project: Path, instance: dg.DagsterInstance, app: App) -> Shop:
        """Draw the definitions from files that `lay_out` wrote."""
        blueprint = read_blueprint(app)
        merged = dg.Definitions.merge(*(part(blueprint) for part in PARTS))
        return cls(project, app.settings.home, instance, merged)

    def deliver_file(self, day: str, rows: dict[str, str]) -> None:
        """The shop's file of a day arrives; an empty amount is NULL."""
        folder = self.home / "landing" / "order_lines"
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["order_id,amount", *(f"{order},{amount}" for order, amount in rows.items())]
        (folder / f"{day}.csv").write_text("\n".join(lines) + "\n")

    def run(self, job: str = "pipeline") -> dg.ExecuteInProcessResult:
        """One run of a job; a failing one is a result too."""
        return self.definitions.resolve_job_def(job).execute_in_process(instance=self.instance, raise_on_error=False)

    def tick(self, sensor: str, cursor: str | None = None, **resources: Any) -> Any:
        """One tick of a sensor, as the daemon evaluates it."""
        found = next(each for each in self.definitions.sensors or () if each.name == sensor)
        assert isinstance(found, dg.SensorDefinition)
        context = dg.build_sensor_context(instance=self.instance, cursor=cursor, resources=resources or None)
        return found.evaluate_tick(context)

    def checks_of(self, alert: str) -> list[Any]:
        """Results of the check on an alert's node."""
        key = dg.AssetCheckKey(dg.AssetKey(["alerts", alert]), "violations")
        history = self.instance.event_log_storage.get_asset_check_execution_history(key, limit=50)
        events = [record.event.dagster_event for record in history if record.event]
        return [event.asset_check_evaluation_data for event in events if event]

    def events(self, key: list[str], kind: dg.DagsterEventType) -> list[Any]:
        """Events of a kind on a node, oldest first."""
        records = self.instance.get_event_records(dg.EventRecordsFilter(event_type=kind, asset_key=dg.AssetKey(key)))
        return [record.event_log_entry for record in reversed(list(records))]


def lay_out(project: Path) -> None:
    for name, content in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)


def rows(app: App, sql: LiteralString) -> list[tuple[Any, ...]]:
    """What the database says, as its owner sees it."""
    with psycopg.connect(app.owner_url) as connection:
        return connection.execute(sql).fetchall()


@contextmanager
def worker(app: App) -> Iterator[None]:
    """A delivery worker at its work, as `alerting deliver` is."""
    at_work = app.delivery_worker()
    thread = threading.Thread(target=at_work.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        at_work.stop()
        thread.join(10)
