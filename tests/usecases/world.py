"""A small world for evaluation tests: one mart, definitions in force, an evaluator wired to the real engine."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from alerting_pipeline.adapters.marts import Marts
from alerting_pipeline.adapters.scanner import Scanner
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.evaluation import HEALTHY, EvaluationResult, Health, Order
from alerting_pipeline.domain.holding import Flushed
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.due_incidents import DueIncidents
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.evaluations import EvaluationLedger
from alerting_pipeline.store.held_ledger import HeldLedger
from alerting_pipeline.store.incident_desk import IncidentDesk
from alerting_pipeline.usecases.evaluate import Evaluator
from alerting_pipeline.usecases.flush import flush
from alerting_pipeline.usecases.remind import Reminded, remind

START = datetime(2026, 1, 5, 5, tzinfo=UTC)
COLUMNS = {
    "id": "text", "amount": "numeric", "score": "double precision", "count": "integer", "segment": "text",
    "status": "text", "created_at": "timestamp with time zone", "day": "date", "loaded_at": "timestamp with time zone",
}  # fmt: skip
TREE = RoutingTree.model_validate(
    {
        "fallback": ["#data"],
        "routes": [
            {"name": "system", "match": {"kind": ["system", "data"]}, "destinations": ["#data"]},
            {"name": "severe", "match": {"severity": ["critical"]}, "destinations": ["#risk", "risk-mail"]},
            {"name": "all", "destinations": ["#risk"]},
        ],
    }
)
DESTINATIONS = {
    "#data": Destination(name="#data", channel="slack", audience="engineering"),
    "#risk": Destination(name="#risk", channel="slack"),
    "risk-mail": Destination(name="risk-mail", channel="email"),
    "review": Destination(name="review", channel="sheet"),
}


def definition(**changes: Any) -> AlertDefinition:
    """A definition over the mart; what a test is about stands in its call."""
    values: dict[str, Any] = {
        "alert": "large",
        "model": "payments",
        "entity": "id",
        "condition": "amount > :limit and status = 'pending'",
        "parameters": {"limit": {"default": 100}},
        "severity": [{"level": "critical", "when": "deviance >= 10"}, {"level": "medium", "respond_within": "1d"}],
        "summary": "{{ id }} is {{ amount }}",
        "link": "https://example.com/{{ id }}",
        "runbook": "docs/x.md",
        "owner": "risk",
    }
    values.update(changes)
    return AlertDefinition.model_validate({key: value for key, value in values.items() if value is not None})


@dataclass
class World:
    """`set` says what the mart holds; `evaluate` evaluates a new materialization of it."""

    database: Any
    model: Model = field(
        default_factory=lambda: Model(
            name="payments", unique_id="model.x.payments", relation="marts.payments", columns=COLUMNS,
            unique_keys=(frozenset({"id"}),),
        )
    )  # fmt: skip
    others: dict[str, Model] = field(default_factory=dict)
    definitions: dict[str, AlertDefinition] = field(default_factory=dict)
    people: People = field(default_factory=People)
    now: datetime = START
    tree: RoutingTree = TREE
    numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        self.sql(f"create table marts.payments ({columns}); grant select on marts.payments to alert_reader")
        self.engine = engine_for(self.database.app_url)

    def close(self) -> None:
        self.engine.dispose()

    def sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        with (
            psycopg.connect(self.database.superuser_url, autocommit=True) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            cursor.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def put(self, *rows: Mapping[str, Any]) -> None:
        """The whole mart anew."""
        self.sql("truncate marts.payments")
        self.add(*rows)

    def add(self, *rows: Mapping[str, Any]) -> None:
        self.sql(
            "insert into marts.payments select * from jsonb_populate_recordset(null::marts.payments, %s::jsonb)",
            json.dumps([{"status": "pending", **row} for row in rows]),
        )

    def publish(self, *definitions: AlertDefinition) -> None:
        for item in definitions:
            self.definitions[item.alert] = item
            self.sql(
                "insert into ledger.definition_versions (alert, version, kind, path, body, source) "
                "values (%s, %s, 'business', '', %s::jsonb, '') on conflict do nothing",
                item.alert, item.version_id, json.dumps(item.model_dump(mode="json", by_alias=True)),
            )  # fmt: skip
            self.sql(
                "insert into ledger.definitions (alert, version, kind, path) values (%s, %s, 'business', '') "
                "on conflict (alert) do update set version = excluded.version, removed_at = null",
                item.alert, item.version_id,
            )  # fmt: skip
            for name, parameter in item.parameters.items():
                self.set(item.alert, name, parameter.write(parameter.default), kind=parameter.type)
                for segment, value in parameter.values.items():
                    self.set(
                        item.alert, name, parameter.write(value), scope="segment", key=segment, kind=parameter.type
                    )

    def set(
        self, alert: str, name: str, value: str, scope: str = "default", key: str = "", kind: str = "number"
    ) -> None:
        """A parameter value in force."""
        self.sql(
            "update ledger.parameter_values set valid_to = valid_from, superseded_at = clock_timestamp() "
            "where alert = %s and parameter = %s and scope = %s and scope_value = %s and valid_to is null",
            alert, name, scope, key,
        )  # fmt: skip
        self.sql(
            "insert into ledger.parameter_values (alert, parameter, type, scope, scope_value, value, changed_by) "
            "values (%s, %s, %s, %s, %s, %s, 'test')",
            alert, name, kind, scope, key, value,
        )  # fmt: skip

    def remove(self, alert: str) -> None:
        del self.definitions[alert]
        self.sql("update ledger.definitions set removed_at = clock_timestamp() where alert = %s", alert)

    def evaluator(self) -> Evaluator:
        directory = self.directory
        scanner = Scanner(Warehouse(self.database.reader_url), Marts(Catalog({"payments": self.model, **self.others})))
        return Evaluator(dict(self.definitions), EvaluationLedger(self.engine, directory), scanner)

    def evaluate(
        self, *alerts: str, health: Health = HEALTHY, materialization: str | None = None, is_dry_run: bool = False
    ) -> dict[str, EvaluationResult]:
        order = Order(materialization or f"m{next(self.numbers)}", self.now, health)
        results = self.evaluator().evaluate(alerts or tuple(self.definitions), order, is_dry_run=is_dry_run)
        return {result.alert: result for result in results}

    def flush(self) -> Flushed:
        """Tell what is held back and due now."""
        return flush(HeldLedger(self.engine, lambda: Announcer(self.directory, dict(self.definitions))), self.now)

    @property
    def directory(self) -> Directory:
        return Directory(self.tree, DESTINATIONS, "http://localhost:8080", self.people)

    @property
    def held(self) -> InForce:
        """What is in force."""
        return InForce(
            definitions=dict(self.definitions), routing=self.tree, destinations=DESTINATIONS, people=self.people
        )

    @property
    def due(self) -> DueIncidents:
        held = self.held
        return DueIncidents(self.engine, lambda: held, "http://localhost:8080")

    def remind(self) -> Reminded:
        """What the clock made due."""
        return remind(self.due, self.now)

    @property
    def desk(self) -> IncidentDesk:
        directory = self.directory
        return IncidentDesk(self.engine, Announcer(directory, self.definitions))

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def incidents(self, condition: str = "true") -> list[dict[str, Any]]:
        return self.sql(f"select * from ledger.incidents where {condition} order by incident_id")

    def events(self) -> list[str]:
        return [row["event"] for row in self.sql("select event from ledger.incident_events order by event_id")]

    def messages(self) -> list[tuple[str, str]]:
        rows = self.sql("select transition, destination from ledger.outbox order by sequence")
        return [(row["transition"], row["destination"]) for row in rows]

    def rows(self) -> dict[str, set[tuple[str, str]]]:
        """Every row version of the ledger, by table: a row that was written has another place or transaction."""
        tables = self.sql("select relname from pg_class where relnamespace = 'ledger'::regnamespace and relkind = 'r'")
        found = {}
        for name in (table["relname"] for table in tables):
            versions = self.sql(f"select ctid::text as place, xmin::text as written from ledger.{name}")
            found[name] = {(row["place"], row["written"]) for row in versions}
        return found


def written(before: dict[str, set[tuple[str, str]]], after: dict[str, set[tuple[str, str]]]) -> dict[str, int]:
    """How many rows were inserted or updated in each table between two calls of `World.rows`."""
    return {table: len(after[table] - before[table]) for table in after if after[table] != before[table]}
