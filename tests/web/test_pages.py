"""The pages show what was sent, and nothing in it comes alive."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient

from alerting_pipeline.adapters.channels.file import FileChannel
from alerting_pipeline.app import App
from alerting_pipeline.domain.ports import Delivery
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.settings import read_settings
from alerting_pipeline.web.server import create_app
from tests.conftest import Database
from tests.rendering.cases import CASES, HOSTILE, OPENED, hostile


@pytest.fixture
def browser(home: Path) -> Iterator[TestClient]:
    app = App(read_settings({"ALERTING_HOME": str(home)}))
    with TestClient(create_app(app), base_url="http://localhost:8080") as client:
        yield client


def put(home: Path, message: Message = OPENED, channel: str = "slack", to: str = "#risk") -> str:
    delivery = Delivery(uuid4(), message.incident_id, to, channel, message.to_json())
    FileChannel(home / "inbox", details={"to": to}).deliver(delivery)
    return str(delivery.id)


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]


def test_empty_inbox_says_what_to_do(browser: TestClient) -> None:
    page = browser.get("/")
    assert page.status_code == 200
    assert "alerting run" in page.text


def test_newest_message_comes_first(home: Path, browser: TestClient) -> None:
    put(home, replace(OPENED, summary="the first"))
    put(home, replace(OPENED, summary="the second"))
    page = browser.get("/").text
    assert page.index("the second") < page.index("the first")


def test_slack_message_looks_as_it_would_in_slack(home: Path, browser: TestClient) -> None:
    page = browser.get(f"/messages/{put(home)}").text
    for part in (
        "💳 payments · Large transaction",
        "Fred Enriquez",
        "<b>Deviance</b>",
        "Open to resolve",
        "Computer &amp; Sons",
    ):
        assert part in page
    assert "&amp;amp;" not in page
    assert "5 January 2026, 09:00 UTC" in page


def test_resolved_message_is_struck_through(home: Path, browser: TestClient) -> None:
    assert "<s>Fred Enriquez" in browser.get(f"/messages/{put(home, CASES['cleared'])}").text


def test_mail_is_framed_without_rights(home: Path, browser: TestClient) -> None:
    key = put(home, channel="email", to="ada@example.com")
    page = browser.get(f"/messages/{key}").text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    mail = browser.get(f"/messages/{key}/mail")
    assert "Fred Enriquez" in mail.text
    policy = mail.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "allow-scripts" not in policy


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_string_stays_text_on_every_page(home: Path, browser: TestClient, name: str) -> None:
    text = HOSTILE[name].encode("utf-8", "replace").decode()
    slack = put(home, hostile(text))
    mail = put(home, hostile(text), channel="email", to=text)
    for address in ("/", f"/messages/{slack}", f"/messages/{mail}", f"/messages/{mail}/mail"):
        page = browser.get(address)
        assert page.status_code == 200
        seen = Elements(page.text)
        assert not seen.names & {"script", "img", "svg", "object", "embed", "form", "input"}
        assert not {attribute for attribute in seen.attributes if attribute.startswith("on")}
        for link in seen.addresses:
            assert re.match(r"/|data:,$|http://localhost:8080/|https://example\.com/", link), link


def test_every_page_has_a_strict_policy_and_no_external_asset(home: Path, browser: TestClient) -> None:
    for address in ("/", f"/messages/{put(home)}", "/nothing"):
        page = browser.get(address)
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in page.text
        assert " style=" not in page.text


def test_list_can_be_narrowed_and_paged(home: Path, browser: TestClient) -> None:
    for number in range(60):
        put(home, replace(OPENED, summary=f"number {number:02}"))
    put(home, replace(OPENED, alert="other", summary="of another alert"), channel="email")
    first = browser.get("/?alert=large_transaction").text
    assert "of another alert" not in first
    assert "of another alert" in browser.get("/?channel=email").text
    older = re.search(r'href="(/\?[^"]*before=[^"]*)"', first)
    assert older
    second = browser.get(older.group(1).replace("&amp;", "&")).text
    shown = re.findall(r"number \d\d", first + second)
    assert len(shown) == len(set(shown)) == 60


def test_broken_file_hides_no_other_message(home: Path, browser: TestClient) -> None:
    put(home)
    (home / "inbox" / "broken.json").write_text("{")
    (home / "inbox" / "list.json").write_text("[]")
    (home / "inbox" / f"{uuid4()}.json").write_text('{"delivery_id": "x"}')
    assert "Fred Enriquez" in browser.get("/").text


def test_message_that_is_not_there_is_said_to_be(browser: TestClient) -> None:
    assert browser.get(f"/messages/{uuid4()}").status_code == 404
    assert browser.get("/messages/..%2f..%2fetc%2fpasswd").status_code in (404, 422)
    assert browser.get("/messages/x").status_code == 422


def test_other_host_names_are_refused(browser: TestClient) -> None:
    assert browser.get("/", headers={"Host": "evil.example"}).status_code == 400


@pytest.fixture
def watched(home: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setattr(App, "app_url", property(lambda self: database.app_url))
    return App(read_settings({"ALERTING_HOME": str(home)}))


def test_health_says_what_is_overdue(watched: App, database: Database) -> None:
    with TestClient(create_app(watched), base_url="http://localhost:8080") as client:
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        watched.pulse.beat("delivery worker", 1)
        with psycopg.connect(database.owner_url) as connection:
            connection.execute("update ledger.heartbeats set at = at - interval '1 minute'")
        answer = client.get("/healthz")
        reasons = ["delivery worker is not heard of"]
        assert (answer.status_code, answer.json()) == (503, {"status": "failing", "reasons": reasons})


def test_health_answers_without_a_database_and_says_nothing_of_its_address(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as silent:  # takes connections, and never says a word
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://canary:canary@127.0.0.1:{silent.getsockname()[1]}/canary"
        monkeypatch.setattr(App, "app_url", property(lambda self: url))
        app = App(read_settings({"ALERTING_HOME": str(home)}))
        with TestClient(create_app(app), base_url="http://localhost:8080") as client:
            began = time.monotonic()
            answer = client.get("/healthz")
            assert time.monotonic() - began < 5
    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "reasons": ["the database does not answer within 3 s"]}


def test_health_names_the_kind_of_a_refusal_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://canary:canary@127.0.0.1:1/canary"
    monkeypatch.setattr(App, "app_url", property(lambda self: url))
    app = App(read_settings({"ALERTING_HOME": str(home)}))
    with TestClient(create_app(app), base_url="http://localhost:8080") as client:
        answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["the database can't be asked (OperationalError)"]


def test_pages_beat_while_they_serve_and_rest_afterwards(watched: App, database: Database) -> None:
    def beats() -> list[tuple[str, bool]]:
        with psycopg.connect(database.analyst_url) as connection:
            return connection.execute("select part, is_resting from alerting.heartbeats").fetchall()

    with TestClient(create_app(watched, beat_every=0.05), base_url="http://localhost:8080"):
        deadline = time.monotonic() + 5
        while beats() != [("pages", False)]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert beats() == [("pages", True)]


def test_silence_of_another_part_is_noticed_by_the_pages(watched: App, database: Database) -> None:
    def incidents() -> list[tuple[str, str, str]]:
        with psycopg.connect(database.owner_url) as connection:
            return connection.execute("select alert, entity ->> 'part', status from ledger.incidents").fetchall()

    watched.pulse.beat("delivery worker", 0.01)
    with TestClient(create_app(watched, beat_every=0.05), base_url="http://localhost:8080"):
        deadline = time.monotonic() + 5
        while incidents() != [("part_stopped", "delivery worker", "open")]:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_incident_page_tells_its_history(home: Path, database: Database) -> None:
    with psycopg.connect(database.owner_url) as connection:
        row = connection.execute(
            """
            insert into ledger.incidents (alert, fingerprint, entity, kind, status, severity, summary, owner, fields,
                definition_version, opened_at, last_seen_at, link)
            values ('late', gen_random_uuid(), '{"order": "<b>7</b>"}', 'business', 'open', 'high', 'late <i>order</i>',
                'ops', '{"promised_at": "2026-01-05T04:22:00+00:00"}', 'v', now(), now(), 'javascript:alert(1)')
            returning incident_id
            """
        ).fetchone()
        assert row is not None
        connection.execute(
            "insert into ledger.incident_events (incident_id, at, event, actor, detail) "
            "values (%s, now(), 'opened', 'alerting', '{\"reason\": \"first violation\"}')",
            row,
        )
    put(home, replace(OPENED, incident_id=row[0], summary="in the inbox"))
    app = App(read_settings({"ALERTING_HOME": str(home), "ALERTING_DATABASE_URL": database.superuser_url}))
    app.__dict__["engine"] = app._engine(database.app_url)
    with TestClient(create_app(app), base_url="http://localhost:8080") as client:
        page = client.get(f"/incidents/{row[0]}").text
        assert client.get("/incidents/999999").status_code == 404
        assert client.get("/incidents/99999999999999999999").status_code == 404
    assert "late &lt;i&gt;order&lt;/i&gt;" in page
    assert "reason: first violation" in page
    assert "5 January 2026, 04:22 UTC" in page
    assert "in the inbox" in page
    assert "javascript:" not in page
