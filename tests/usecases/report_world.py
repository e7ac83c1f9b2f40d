"""A small world for reports: one mart of invoices, a report over it, and a sender wired to the real engine."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from alerting_pipeline.adapters.report_rows import SandboxedReportRows, from_marts
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.evaluation import Health
from alerting_pipeline.domain.letter import SendResult
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.unsubscription import token_for
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.report_ledger import PostgresReportLedger
from alerting_pipeline.store.unsubscriptions import Unsubscriptions
from alerting_pipeline.usecases.send_reports import ReportSender

MONDAY = datetime(2026, 1, 19, 9, 30, tzinfo=UTC)
KEY = b"a key of the tests, which is long enough"
COLUMNS = {
    "id": "text", "email": "text", "zone": "text", "due_at": "timestamp with time zone", "amount": "numeric",
    "link": "text",
}  # fmt: skip
TREE = RoutingTree.model_validate({"fallback": ["#data"]})
DESTINATIONS = {"#data": Destination(name="#data", channel="slack", audience="engineering")}


def report(**changes: Any) -> ReportDefinition:
    """A report over the mart; what a test is about stands in its call."""
    values: dict[str, Any] = {
        "report": "reminder",
        "model": "invoices",
        "owner": "receivables",
        "description": "You have an open invoice.",
        "entity": "id",
        "trigger": {"cron": "0 * * * *"},
        "condition": "amount > :least",
        "parameters": {"least": {"default": 0}},
        "to_column": "email",
        "subject": "Invoice {{ id }}: {{ amount | money }}",
        "template": "reminder.html",
        "template_text": "<p>{{ id }} is {{ amount | money }}</p>",
        **changes,
    }
    return ReportDefinition.model_validate({key: value for key, value in values.items() if value is not None})


@dataclass
class MartHealth:
    """What the last build said, as a test says it."""

    failures: tuple[str, ...] = ()

    def of(self, models: Any) -> Health:
        return Health(self.failures)


@dataclass
class ReportWorld:
    """`put` says what the mart holds; `send` sends the current window."""

    database: Any
    definition: ReportDefinition = field(default_factory=report)
    health: MartHealth = field(default_factory=MartHealth)
    now: datetime = MONDAY

    def __post_init__(self) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        self.sql(f"create table marts.invoices ({columns}); grant select on marts.invoices to alert_reader")
        self.sql(
            "insert into ledger.parameter_values (alert, parameter, type, scope, scope_value, value, changed_by) "
            "values ('reminder', 'least', 'number', 'default', '', '0', 'test')"
        )
        self.engine = engine_for(self.database.app_url)
        self.unsubscriptions = Unsubscriptions(self.engine)

    def close(self) -> None:
        self.engine.dispose()

    def sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        with (
            psycopg.connect(self.database.superuser_url, autocommit=True) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            cursor.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def put(self, *rows: dict[str, Any]) -> None:
        """The whole mart anew."""
        written = [{"amount": 10, "due_at": "2026-01-20T00:00:00Z", **row} for row in rows]
        self.sql("truncate marts.invoices")
        self.sql(
            "insert into marts.invoices select * from jsonb_populate_recordset(null::marts.invoices, %s::jsonb)",
            json.dumps(written),
        )

    def sender(self) -> ReportSender:
        model = Model("invoices", "model.x.invoices", "marts.invoices", COLUMNS, (frozenset({"id"}),))
        directory = Directory(TREE, DESTINATIONS, "http://localhost:8080")
        return ReportSender(
            {self.definition.report: self.definition},
            PostgresReportLedger(self.engine, Announcer(directory)),
            SandboxedReportRows(Warehouse(self.database.reader_url), from_marts(Catalog({"invoices": model}))),
            self.health,
            "http://localhost:8080",
            lambda name, address: f"http://localhost:8080/unsubscribe/{token_for(name, address, KEY)}",
        )

    def send(self, *, is_dry_run: bool = False) -> SendResult:
        result = self.sender().send(self.definition.report, self.now, is_dry_run=is_dry_run)
        assert result is not None
        return result

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def sent_to(self) -> list[str]:
        rows = self.sql("select message from ledger.outbox where transition = 'report' order by sequence")
        return [row["message"]["letter"]["to"] for row in rows]

    def messages(self) -> list[dict[str, Any]]:
        return self.sql("select * from alerting.report_messages order by created_at, entity")

    def incidents(self) -> list[tuple[str, str, str]]:
        rows = self.sql("select alert, status, summary from ledger.incidents order by incident_id")
        return [(row["alert"], row["status"], row["summary"]) for row in rows]
