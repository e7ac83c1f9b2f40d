"""`alerting outbox` and `alerting deliver`, from a dead letter to the incident about it and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner

from alerting_pipeline.app import App
from alerting_pipeline.cli.outbox import deliver, outbox
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store.outbox import enqueue
from tests.conftest import Database
from tests.rendering.cases import OPENED
from tests.sinks.slack_api import TOKEN, SlackServer


@pytest.fixture
def app(home: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """What the commands find: the test's database, and no channel configured."""
    monkeypatch.setenv("ALERTING_DATABASE_URL", database.owner_url)
    monkeypatch.setattr(App, "app_url", property(lambda self: database.app_url))
    with App.from_environment() as app:
        yield app


def put(app: App, to: str = "#risk", channel: str = "slack") -> str:
    item = Notification(uuid4(), to, channel, replace(OPENED, incident_id=None), None, "late", "opened")
    with app.engine.begin() as connection:
        enqueue(connection, [item])
    return str(item.delivery_id)


def run(command: Any, *arguments: str) -> Any:
    return CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False, standalone_mode=False)


def test_message_is_delivered_to_the_inbox_and_listed(app: App, home: Path) -> None:
    key = put(app)
    assert json.loads(run(deliver, "--once").stdout)["sent"] == 1
    assert (home / "inbox" / f"{key}.json").exists()
    listed = json.loads(run(outbox, "list").stdout)
    assert [(row["destination"], row["status"]) for row in listed["deliveries"]] == [("#risk", "sent")]
    assert json.loads(run(outbox).stdout) == listed


def test_json_before_a_subcommand_is_a_bad_call() -> None:
    with pytest.raises(BadCall, match="write --json at the end: alerting outbox list --json"):
        CliRunner().invoke(outbox, ["--json", "list"], catch_exceptions=False, standalone_mode=False)


def test_dead_letter_opens_an_incident_that_ends_when_the_destination_works(
    app: App, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SlackServer(channels={}) as slack:
        monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
        monkeypatch.setenv("SLACK_API_URL", slack.url)
        key = put(app)
        with pytest.raises(AlertingError, match="1 messages are dead"):
            run(deliver, "--once")
        assert incidents(database) == [("dead_letter", "open")]
        slack.channels["risk"] = "C0000RISK"
        assert [row["status"] for row in json.loads(run(outbox, "retry", key).stdout)] == ["waiting"]
        run(deliver, "--once")
        assert len(slack.posted("risk")) == 1
    assert incidents(database) == [("dead_letter", "resolved")]


def test_retry_of_what_is_not_dead_is_refused(app: App) -> None:
    with pytest.raises(AlertingError, match="There is no dead message"):
        run(outbox, "retry", put(app))
    with pytest.raises(BadCall, match="is not a delivery id"):
        run(outbox, "retry", "x")


def test_secrets_reach_neither_database_nor_output(
    app: App, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-canary")
    monkeypatch.setenv("ALERTING_SMTP_URL", "smtp://user:canary@127.0.0.1:9")
    with SlackServer() as slack:
        monkeypatch.setenv("SLACK_API_URL", slack.url)
        put(app)
        put(app, "ada@example.com", "email")
        with pytest.raises(AlertingError) as error:
            run(deliver, "--once")
    said = str(error.value) + run(outbox, "list").output
    with psycopg.connect(database.owner_url) as connection:
        for table in ("outbox", "delivery_attempts", "incidents", "incident_events"):
            query = f"select coalesce(string_agg(x::text, ' '), '') from ledger.{table} x".encode()
            row = connection.execute(query).fetchone()
            assert row is not None
            said += row[0]
    assert "canary" not in said


def incidents(database: Database) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner_url) as connection:
        return connection.execute("select alert, status from ledger.incidents order by incident_id").fetchall()
