"""`alerting send-test`: the real channel, a message that says it is a test, and no state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.cli import main
from tests.conftest import Database
from tests.definition_folder import CATALOG, MINIMAL, DefinitionFolder
from tests.sinks.slack_api import TOKEN, SlackServer
from tests.sinks.webhook_receiver import SECRET, WebhookReceiver

DESTINATIONS = """version: 1
destinations:
  "#risk": {{channel: slack}}
  risk-service: {{channel: webhook, url: "{url}", secret_env: RISK_SECRET}}
  fraud_review: {{channel: sheet}}
  risk_list: {{channel: csv, columns: [status, severity]}}
  risk_queue: {{channel: table}}
"""


@pytest.fixture
def service() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture
def home_with_files(
    home: Path, tmp_path: Path, database: Database, service: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> Path:
    files = DefinitionFolder.make(tmp_path / "my project", MINIMAL)
    files.write("destinations.yaml", DESTINATIONS.format(url=f"{service.url}/incidents"))
    monkeypatch.setenv("ALERTING_DEFINITIONS", str(files.folder))
    monkeypatch.setenv("ALERTING_DATABASE_URL", database.owner_url)
    monkeypatch.setenv("ALERTING_PRIVATE_HOSTS", service.host)
    monkeypatch.setattr(App, "app_url", property(lambda self: database.app_url))
    monkeypatch.setattr(App, "catalog", property(lambda app: CATALOG))
    return home


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    with pytest.raises(SystemExit) as stop:
        main(["send-test", *arguments, "--json"])
    return int(stop.value.code or 0), json.loads(capsys.readouterr().out)


def test_a_service_gets_a_message_that_says_it_is_a_test_and_nothing_is_kept(
    home_with_files: Path,
    service: WebhookReceiver,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RISK_SECRET", SECRET)
    code, answer = run(capsys, "risk-service")
    assert (code, answer["says"]) == (0, "took it")
    (document,) = service.effects.values()
    assert (document["test"], document["data"]["incident_id"]) == (True, None)
    with psycopg.connect(database.owner_url) as connection:
        for table in ("incidents", "incident_events", "outbox", "delivery_attempts", "audit_log"):
            assert connection.execute(f"select count(*) from ledger.{table}".encode()).fetchone() == (0,)


def test_slack_shows_it_as_a_test(
    home_with_files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with SlackServer() as slack:
        monkeypatch.setenv("SLACK_API_URL", slack.url)
        monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
        assert run(capsys, "#risk")[0] == 0
        (message,) = slack.posted("#risk")
        assert "[test]" in message.blocks[0]["text"]["text"]


def test_a_refusal_is_exit_code_1_with_its_reason(
    home_with_files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RISK_SECRET", "another secret")
    code, answer = run(capsys, "risk-service")
    assert code == 1
    assert "risk-service (webhook) refused the test message: 127.0.0.1 answered 401" in answer["error"]


def test_without_its_secret_it_goes_to_the_inbox_and_says_so(
    home_with_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = run(capsys, "risk-service")
    assert code == 0 and answer["says"].endswith("because RISK_SECRET is not set")
    assert len(list((home_with_files / "inbox").glob("*.json"))) == 1


@pytest.mark.parametrize("name", ["fraud_review", "risk_list", "risk_queue"])
def test_what_takes_rows_shows_the_row_and_keeps_nothing(
    home_with_files: Path, database: Database, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = run(capsys, name)
    assert code == 0 and "nothing is written" in answer["says"]
    assert answer["receipt"]["would_write"]["severity"] == "info"
    assert not list((home_with_files / "sheets").glob("*.xlsx")) and not list(
        (home_with_files / "sheets").glob("*.csv")
    )
    with psycopg.connect(database.owner_url) as connection:
        assert connection.execute("select to_regclass('operations.risk_queue')").fetchone() == (None,)


def test_a_name_that_there_is_not_is_a_bad_call_with_the_nearest(
    home_with_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = run(capsys, "fraud_reviw")
    assert code == 2 and answer["error"].endswith('did you mean "fraud_review"?')


def test_doctor_names_secrets_that_are_not_set_and_runs_that_wait(
    home_with_files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def look(part: str) -> Any:
        with pytest.raises(SystemExit):
            main(["doctor", "--json"])
        findings = json.loads(capsys.readouterr().out)["findings"]
        return next((each["health"], each["says"]) for each in findings if each["part"] == part)

    missing = "not set: RISK_SECRET (risk-service); their messages go to the local inbox"
    assert look("secrets") == ("note", missing)
    monkeypatch.setenv("RISK_SECRET", SECRET)
    assert look("secrets") == ("fine", "all 1 that destinations name are set")
    assert look("write-back") == ("fine", "no run waits for approval")
