"""`alerting reports` on the sample company's payment reminder: a look, a sending, its repetition, and its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from alerting_pipeline.adapters.dbt_manifest import load_catalog
from alerting_pipeline.app import App
from alerting_pipeline.cli.outbox import deliver
from alerting_pipeline.cli.reports import reports
from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.errors import AlertingError, BadCall
from tests.conftest import Database

NOW = "2026-01-19T06:00:00+00:00"
ROWS = [
    {"invoice_id": "i1", "billing_email": "ada@example.com", "timezone": "Asia/Tokyo"},
    {"invoice_id": "i2", "billing_email": "ben@example.com", "timezone": "America/New_York"},
    {"invoice_id": "i3", "billing_email": None, "timezone": "Asia/Tokyo"},
]
SAME = {
    "customer_name": "Ada", "due_at": "2026-01-19T20:00:00Z", "amount": 90, "amount_open": 60, "currency": "EUR",
    "payment_link": "https://pay.example.com/i",
}  # fmt: skip


@pytest.fixture
def app(home: Path, database: Database, dbt_manifest: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """What the commands find: the project's definitions, its marts' columns, and three open invoices."""
    monkeypatch.setenv("ALERTING_DATABASE_URL", database.owner_url)
    monkeypatch.setenv("ALERTING_AS_OF", NOW)
    catalog = load_catalog(dbt_manifest)
    found: Any = cached_property(lambda self: catalog)
    found.__set_name__(App, "catalog")
    monkeypatch.setattr(App, "catalog", found)
    monkeypatch.setattr(App, "app_url", property(lambda self: database.app_url))
    monkeypatch.setattr(App, "reader_url", property(lambda self: database.reader_url))
    _fill(database, catalog)
    with App.from_environment() as app:
        yield app


def _fill(database: Database, catalog: Catalog) -> None:
    for name in ("invoice_reminders", "account_summary"):
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))  # pyright: ignore[reportArgumentType]  # dbt's
            for column, kind in catalog.models[name].columns.items()
        )
        with psycopg.connect(database.owner_url, autocommit=True) as connection:
            table = sql.Identifier("marts", name)
            connection.execute(sql.SQL("create table {} ({})").format(table, columns))
            connection.execute(sql.SQL("grant select on {} to alert_reader").format(table))
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute(
            "insert into marts.invoice_reminders "
            "select * from jsonb_populate_recordset(null::marts.invoice_reminders, %s::jsonb)",
            [json.dumps([{**row, **SAME} for row in ROWS])],
        )


def run(command: Any, *arguments: str) -> Any:
    result = CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False, standalone_mode=False)
    return json.loads(result.stdout)


def count(app: App, table: str) -> int:
    with app.engine.connect() as connection:
        return connection.exec_driver_sql(f"select count(*) from {table}").scalar_one()


def test_a_preview_shows_who_would_get_what_and_writes_nothing(app: App) -> None:
    found = run(reports, "preview", "payment_reminder")
    assert (found["recipients"], found["waiting"], found["skipped"]) == (1, 1, 1)
    assert {row["entity"]["invoice_id"]: row["fate"] for row in found["rows"]} == {
        "i1": "queued", "i2": "waiting", "i3": "skipped",
    }  # fmt: skip
    assert found["message"]["subject"] == "Invoice i1: €60 due 20 January 2026, 05:00 (Asia/Tokyo)"
    assert "€60 of €90" in found["message"]["text"] and "/unsubscribe/" in found["message"]["html"]
    later = run(reports, "preview", "payment_reminder", "--as-of", "2026-01-19T14:00:00Z", "--entity", "i2")
    assert [row["fate"] for row in later["rows"]] == ["queued"]
    assert count(app, "ledger.outbox") == count(app, "ledger.report_messages") == 0


def test_sending_twice_sends_once_and_the_list_says_how_it_stands(app: App, home: Path) -> None:
    first = run(reports, "send", "payment_reminder")["reports"][0]
    again = run(reports, "send", "--all")["reports"]
    assert (first["sent"], first["waiting"], first["status"]) == (1, 1, "waiting")
    assert {each["report"]: each["sent"] for each in again} == {"payment_reminder": 0, "weekly_account_summary": 0}
    assert run(deliver, "--once")["sent"] == 2  # the reminder, and what the data team hears of the row without address
    listed = {row["report"]: row for row in run(reports, "list")["reports"]}
    shown = listed["payment_reminder"]
    assert (shown["sent"], shown["waiting"], shown["skipped"], shown["window"]) == (1, 1, 1, NOW)
    assert listed["weekly_account_summary"]["status"] == "done"
    mails = [json.loads(path.read_text()) for path in (home / "inbox").glob("*.json")]
    assert [each["message"]["letter"]["to"] for each in mails if each["message"]["letter"]] == ["ada@example.com"]


def test_a_dry_run_says_what_would_be_sent(app: App) -> None:
    found = run(reports, "send", "payment_reminder", "--dry-run")
    assert found["reports"][0]["sent"] == 1
    assert count(app, "ledger.report_messages") == count(app, "ledger.report_windows") == 0


def test_unsubscribing_by_hand_ends_it_and_resubscribing_takes_it_back(app: App) -> None:
    app.publish_definitions()
    gone = run(reports, "unsubscribe", "payment_reminder", "Ada@example.com", "--as", "ivo")
    assert gone == {
        "report": "payment_reminder", "address": "ada@example.com", "is_subscribed": False, "changed": True,
    }  # fmt: skip
    assert not run(reports, "unsubscribe", "payment_reminder", "ada@example.com", "--as", "ivo")["changed"]
    assert run(reports, "send", "payment_reminder")["reports"][0]["unsubscribed"] == 1
    assert run(reports, "resubscribe", "payment_reminder", "ada@example.com", "--as", "ivo")["changed"]
    assert run(reports, "send", "payment_reminder")["reports"][0]["sent"] == 1


def test_who_unsubscribes_while_the_message_waits_gets_nothing_and_the_ledger_says_so(app: App, home: Path) -> None:
    run(reports, "send", "payment_reminder")
    run(reports, "unsubscribe", "payment_reminder", "ada@example.com", "--as", "ivo")
    run(deliver, "--once")
    mails = [json.loads(path.read_text()) for path in (home / "inbox").glob("*.json")]
    assert [each for each in mails if each["message"]["letter"]] == []
    found = run(reports, "preview", "payment_reminder", "--entity", "i1")
    assert [(row["fate"], row["reason"]) for row in found["rows"]] == [
        ("unsubscribed", "the recipient has unsubscribed")
    ]
    assert count(app, "alerting.report_messages where status = 'unsubscribed'") == 1


def test_while_its_mart_is_unhealthy_a_report_is_held_and_the_list_says_why(app: App) -> None:
    from alerting_pipeline.domain.health import ReadyModel

    name, failed = "model.company.invoice_reminders", ("test unique_invoice_id failed",)
    app.mart_health.note(ReadyModel(name, False, failed, "b"))
    result = CliRunner().invoke(reports, ["send", "payment_reminder", "--json"])
    assert result.exit_code == 1
    (shown,) = [row for row in run(reports, "list")["reports"] if row["report"] == "payment_reminder"]
    assert shown["status"] == "held" and "unique_invoice_id" in shown["reason"]
    assert count(app, "ledger.outbox") == 0
    app.mart_health.note(ReadyModel(name, True, (), "c"))
    assert run(reports, "send", "payment_reminder")["reports"][0]["sent"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["send"], "name one report, or write --all"),
        (["send", "payment_remindr"], 'did you mean "payment_reminder"'),
        (["unsubscribe", "payment_reminder", "nobody", "--as", "ivo"], "is not a mail address"),
        (["preview", "payment_reminder", "--as-of", "yesterday"], "--as-of"),
    ],
)
def test_a_bad_call_says_what_to_write(app: App, arguments: list[str], said: str) -> None:
    with pytest.raises(BadCall, match=said):
        run(reports, *arguments)


def test_a_preview_of_an_entity_without_a_message_says_so(app: App) -> None:
    with pytest.raises(AlertingError, match='No row of invoice_reminders about "i9"'):
        run(reports, "preview", "payment_reminder", "--entity", "i9")
