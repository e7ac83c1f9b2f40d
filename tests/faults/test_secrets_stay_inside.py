"""A canary in every secret, and every way to fail: it is in no log, no row, no file, no error and no description."""

from __future__ import annotations

import base64
import io
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from alerting_pipeline.adapters.channels.http_fence import Hosts
from alerting_pipeline.adapters.channels.registry import Channels, Surroundings
from alerting_pipeline.adapters.channels.slack import client_for
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.pacing import Retry
from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.settings import read_settings
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.outbox import PostgresOutbox, enqueue
from alerting_pipeline.store.tickets import PostgresTicketBook
from alerting_pipeline.usecases.deliver import DeliveryWorker, Terms
from tests.conftest import Database
from tests.rendering.cases import OPENED
from tests.sinks.http_sink import Fault, HttpSink, Reply, Request
from tests.sinks.mail import MailServer
from tests.soak.promise import Measured, Promise, shows

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
CANARY = "canary7c1e55"
FORMS = [CANARY, *(base64.b64encode(b"x" * shift + CANARY.encode()).decode()[4:-4] for shift in range(3))]
PROMISE = Promise(
    "secrets",
    "never in log, database, file, error or description",
    "a canary in the secret of every channel; refused, broken, redirected, hung up, dripping, garbage, unreachable, "
    "and answers that repeat the whole request",
)
FAILURES: dict[str, Fault | None] = {
    "refused": Fault(status=401, json={"message": "Bad credentials"}),
    "rejected": Fault(status=400, json={"errors": ["invalid"]}),
    "forbidden": Fault(status=403),
    "redirected": Fault(status=302, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
    "slowed": Fault(status=429, headers={"Retry-After": "1"}),
    "broken": Fault(status=500),
    "hung up": Fault(hang_up=True),
    "half closed": Fault(half_close=True),
    "dripping": Fault(drip=1.5),
    "repeated": None,
    "unreachable": None,
}


class Echo(HttpSink):
    """Fails every request in one way, or repeats the whole of it in its answer, as a proxy may."""

    def __init__(self, failure: str) -> None:
        super().__init__()
        self._failure = failure

    def fault_of(self, request: Request) -> Fault | None:
        return FAILURES[self._failure]

    def answer(self, request: Request) -> Reply:
        told = f"{request.method} {request.path} {request.headers} {request.body!r}"
        return Reply(400, {"message": told, "errors": [told], "error": told})


def _destinations(url: str) -> list[Destination]:
    ticket = {"system": "github", "repository": "a/b", "url": url, "token_env": "TICKET_TOKEN"}
    signed = {"secret_env": "SIGNING_KEY_1"}
    jira = {"system": "jira", "project": "OPS", "url": url, "user": "a@b.example", "token_env": "TICKET_TOKEN"}
    return [
        Destination(name="#risk", channel="slack"),
        Destination(name="mail", channel="email", settings={"to": "ada@example.com"}),
        Destination(name="signed", channel="webhook", settings={"url": f"{url}/x", **signed, "token_env": "A_TOKEN"}),
        Destination(name="hidden", channel="webhook", settings={"url_env": "HIDDEN_URL", **signed}),
        Destination(name="pager", channel="pagerduty", settings={"routing_key_env": "ROUTING_KEY", "url": url}),
        Destination(name="github", channel="ticket", settings=ticket),
        Destination(name="jira", channel="ticket", settings=jira),
    ]  # fmt: skip


def _deliver(database: Database, home: Path, url: str, mail: str) -> int:
    """One message to each destination, tried twice; returns how many attempts failed."""
    engine, host = engine_for(database.app_url), url.removeprefix("http://")
    secrets = {"HIDDEN_URL": f"{url}/{CANARY}?key={CANARY}", "SIGNING_KEY_1": f"{CANARY}-signing"}
    surroundings = Surroundings(
        inbox=home / "inbox",
        sheets=home / "sheets",
        engine=lambda: engine,
        slack_client=lambda: client_for(f"xoxb-{CANARY}", f"{url}/api/", 1),
        mail_server=SecretStr(mail.replace("//", f"//user:{CANARY}@")),
        secret=lambda name: SecretStr(secrets.get(name, f"{CANARY}-{name}")),
        hosts=Hosts(private=frozenset({host})),
        tickets=lambda: PostgresTicketBook(engine),
    )
    destinations = {item.name: item for item in _destinations(url)}
    with engine.begin() as connection:
        items = [
            Notification(uuid4(), d.name, d.channel, OPENED, None, "late", "opened") for d in destinations.values()
        ]
        enqueue(connection, items)
    terms = Terms(retry=Retry(attempts=2, first_delay=0.01, longest_delay=0.01), deadline=3)
    worker = DeliveryWorker(PostgresOutbox(engine, worker="one"), Channels(destinations.get, surroundings), terms)
    tally = worker.drain()
    engine.dispose()
    return tally.failed + tally.dead


@contextmanager
def _all_logs() -> Iterator[io.StringIO]:
    """What every logger says at its most talkative."""
    told = io.StringIO()
    handler, root = logging.StreamHandler(told), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield told
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _everything_stored(database: Database) -> str:
    with psycopg.connect(database.superuser_url) as connection:
        tables = connection.execute(
            "select relnamespace::regnamespace::text, relname from pg_class where relkind = 'r' "
            "and relnamespace::regnamespace::text in ('ledger', 'operations', 'alerting', 'marts')"
        ).fetchall()
        found = [
            connection.execute(sql.SQL("select t::text from {} as t").format(sql.Identifier(*table))).fetchall()
            for table in tables
        ]
    return str(found)


def _hits(texts: dict[str, str]) -> list[str]:
    return [f"{form} in {place}" for place, text in texts.items() for form in FORMS if form in text]


@shows(PROMISE)
def test_no_secret_leaves_its_channel_however_it_fails(
    database: Database, home: Path, measured: Measured, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = 0
    with _all_logs() as logs, MailServer() as mail:  # which lets nobody log in
        for failure in FAILURES:
            with Echo(failure) as sink:
                url = sink.url if failure != "unreachable" else _nobody()
                attempts = _deliver(database, home, url, mail.url)
                assert attempts >= len(_destinations(url)), failure
                failed += attempts
    printed = capfd.readouterr()
    files = {str(path): path.read_text(errors="replace") for path in home.rglob("*") if path.is_file()}
    stored = _everything_stored(database)
    assert "mail server" in stored and "Slack" in stored, "the errors are not in the database: nothing was shown"
    assert _hits({"logs": logs.getvalue(), "printed": printed.out + printed.err, "database": stored, **files}) == []
    measured.says(f"{len(_destinations(''))} channels × {len(FAILURES)} failures, {failed} failed attempts: 0 hits")


def test_no_description_of_the_settings_shows_a_secret(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", f"xoxb-{CANARY}")
    monkeypatch.setenv("ALERTING_SMTP_URL", f"smtp://user:{CANARY}@localhost:25")
    monkeypatch.setenv("ALERTING_DATABASE_URL", f"postgresql://user:{CANARY}@localhost/x")
    monkeypatch.setenv("ALERTING_SIGNING_KEY", f"{CANARY}-{CANARY}-{CANARY}-{CANARY}")
    settings = read_settings()
    shown = {"repr": repr(settings), "text": str(settings), "json": settings.model_dump_json()}
    assert _hits(shown) == []
    assert settings.slack_bot_token is not None and CANARY in settings.slack_bot_token.get_secret_value()


def _nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
