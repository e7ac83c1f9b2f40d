"""`alerting doctor` says which part fell silent, and how the outside watcher was last called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.cli import main
from alerting_pipeline.settings import read_settings
from tests.conftest import Database
from tests.definition_folder import CATALOG, MINIMAL, DefinitionFolder


@pytest.fixture
def app(home: Path, tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> App:
    files = DefinitionFolder.make(tmp_path / "my project", MINIMAL)
    monkeypatch.setenv("ALERTING_DEFINITIONS", str(files.folder))
    monkeypatch.setenv("ALERTING_DATABASE_URL", database.owner_url)
    monkeypatch.setattr(App, "app_url", property(lambda self: database.app_url))
    monkeypatch.setattr(App, "catalog", property(lambda app: CATALOG))
    return App(read_settings())


def look(capsys: pytest.CaptureFixture[str], part: str) -> tuple[str, str]:
    with pytest.raises(SystemExit):
        main(["doctor", "--json"])
    findings: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["findings"]
    return next((each["health"], each["says"]) for each in findings if each["part"] == part)


def test_doctor_says_which_parts_are_heard_of(app: App, database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert look(capsys, "parts") == ("note", "none runs")
    app.pulse.beat("pages", 30)
    app.pulse.beat("delivery worker", 15)
    assert look(capsys, "parts") == ("fine", "heard of: delivery worker, pages")
    app.pulse.rest(["delivery worker"])
    assert look(capsys, "parts") == ("fine", "heard of: pages")
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("update ledger.heartbeats set at = '2026-01-05 09:00Z'")
    said = "pages was last heard of at 2026-01-05 09:00:00 UTC, and means to be every 30 s"
    assert look(capsys, "parts") == ("failure", said)
    app.close()


def test_a_part_that_is_gone_for_good_is_let_rest(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    app.pulse.beat("delivery worker east", 0.001)
    with pytest.raises(SystemExit):
        main(["doctor", "--rest", "delivery worker west"])
    assert (
        'no part "delivery worker west" was ever heard of; there are: delivery worker east' in capsys.readouterr().err
    )
    with pytest.raises(SystemExit):
        main(["doctor", "--rest", "delivery worker east"])
    capsys.readouterr()
    assert look(capsys, "parts") == ("note", "none runs")
    app.close()


def test_doctor_says_how_the_outside_watcher_was_called(
    app: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = "not configured: nobody outside notices when all stops"
    assert look(capsys, "outside watcher") == ("note", missing)
    monkeypatch.setenv("ALERTING_DEADMAN_URL", "https://example.com/canary")
    assert look(capsys, "outside watcher") == ("note", "was never called")
    app.pulse.note_ping("it answered 500")
    health, says = look(capsys, "outside watcher")
    assert health == "failure" and says.endswith("UTC: it answered 500")
    app.pulse.note_ping(None)
    health, says = look(capsys, "outside watcher")
    assert health == "fine" and says.startswith("was last called at ")
    app.close()
