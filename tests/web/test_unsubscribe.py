"""The link in a mail: asking is no answer, one click is, and nobody ends another's messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from alerting_pipeline.app import App
from alerting_pipeline.settings import read_settings
from alerting_pipeline.web.server import create_app
from tests.conftest import Database

ADA = "ada@example.com"


@pytest.fixture
def app(home: Path, database: Database) -> Iterator[App]:
    made = App(read_settings({"ALERTING_HOME": str(home), "ALERTING_SIGNING_KEY": "k" * 40}))
    made.__dict__["owner_url"] = database.owner_url  # the test's server, already migrated
    yield made
    made.close()


@pytest.fixture
def browser(app: App) -> Iterator[TestClient]:
    with TestClient(create_app(app), base_url="http://localhost:8080") as client:
        yield client


def path(app: App, report: str = "reminder", address: str = ADA) -> str:
    return app.unsubscribe_url(report, address).removeprefix("http://localhost:8080")


def gone(app: App) -> list[tuple[Any, ...]]:
    with app.engine.connect() as connection:
        rows = connection.exec_driver_sql("select report, address, unsubscribed_by from ledger.report_unsubscriptions")
        return [tuple(row) for row in rows]


def test_opening_the_link_asks_and_changes_nothing(app: App, browser: TestClient) -> None:
    page = browser.get(path(app))
    assert page.status_code == 200 and ADA in page.text and '<form method="post">' in page.text
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert browser.head(path(app)).status_code in (200, 405)
    assert gone(app) == []


def test_the_button_ends_it_once_however_often_it_is_pressed(app: App, browser: TestClient) -> None:
    for _ in range(3):
        page = browser.post(path(app))
        assert page.status_code == 200 and "gets no more" in page.text
    assert gone(app) == [("reminder", ADA, "recipient")]
    with app.engine.connect() as connection:
        audited = connection.exec_driver_sql("select action, object from alerting.audit_log").all()
    assert [tuple(row) for row in audited] == [("unsubscribe", f"report reminder: {ADA}")]


def test_one_click_of_a_mail_program_ends_it(app: App, browser: TestClient) -> None:
    content = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = browser.post(path(app), content="List-Unsubscribe=One-Click", headers=content)
    assert answer.status_code == 200
    assert gone(app) == [("reminder", ADA, "recipient")]


def test_a_forged_or_changed_link_ends_nothing(app: App, browser: TestClient) -> None:
    good = path(app)
    ben = path(app, address="ben@example.com").rpartition("/")[2].partition(".")[0]
    forged = f"/unsubscribe/{ben}.{good.rpartition('.')[2]}"
    for bad in (forged, good[:-2], good + "AA", "/unsubscribe/x", "/unsubscribe/" + "a" * 3_000):
        for answer in (browser.get(bad), browser.post(bad)):
            assert answer.status_code == 403, bad
            assert "example.com" not in answer.text
    assert gone(app) == []


def test_the_answer_does_not_tell_whether_an_address_is_known(app: App, browser: TestClient) -> None:
    app.unsubscriptions.add("reminder", ADA, "recipient")
    known, unknown = browser.get(path(app)), browser.get(path(app, address="xyz@example.com"))
    assert known.text.replace(ADA, "?") == unknown.text.replace("xyz@example.com", "?")


def test_a_name_in_a_link_is_text(app: App, browser: TestClient) -> None:
    page = browser.get(path(app, report="<script>x</script>"))
    assert "<script" not in page.text.lower()


def test_the_key_is_made_once_and_for_its_owner_alone(home: Path) -> None:
    first = App(read_settings({"ALERTING_HOME": str(home)}))
    second = App(read_settings({"ALERTING_HOME": str(home)}))
    assert first.signing_key == second.signing_key and len(first.signing_key) >= 32
    assert (home / "signing.key").stat().st_mode & 0o777 == 0o600
    assert first.signing_key.hex() not in first.unsubscribe_url("reminder", ADA)
