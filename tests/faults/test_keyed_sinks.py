"""Sinks that know our key, through the real worker and the real outbox: whatever fails, each effect happens once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr

from alerting_pipeline.adapters.channels.registry import Channels, Surroundings
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.pacing import Retry
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.outbox import PostgresOutbox, enqueue
from alerting_pipeline.store.tickets import PostgresTicketBook
from alerting_pipeline.usecases.deliver import DeliveryWorker, Terms
from tests.conftest import Database
from tests.rendering.cases import OPENED
from tests.sinks import github_issues
from tests.sinks.github_issues import GithubIssues
from tests.sinks.http_sink import Fault, HttpSink
from tests.sinks.pagerduty_events import ROUTING_KEY, PagerdutyEvents
from tests.sinks.webhook_receiver import SECRET, WebhookReceiver

pytestmark = pytest.mark.faults
COUNT = 40
SECRETS = {"HOOK_SECRET": SECRET, "PAGER_KEY": ROUTING_KEY, "TICKET_TOKEN": github_issues.TOKEN}


def trouble() -> list[Fault]:
    """One request in five fails, each in another way; half of them after the sink has done its work."""
    ways: list[Callable[[bool], Fault]] = [
        lambda takes_it: Fault(500, takes_it=takes_it),
        lambda takes_it: Fault(hang_up=True, takes_it=takes_it),
        lambda takes_it: Fault(503, takes_it=takes_it),
        lambda takes_it: Fault(429, {"Retry-After": "1"}),
    ]
    return [ways[number % len(ways)](number % 8 < 4) for number in range(COUNT // 5)]


def through(database: Database, sink: HttpSink, destination: Destination) -> list[Message]:
    """Send COUNT messages there with a worker that is patient with nobody; returns them."""
    engine = engine_for(database.app_url)
    surroundings = Surroundings(
        inbox=None,  # type: ignore[arg-type]  # nothing may go there
        sheets=None,  # type: ignore[arg-type]
        engine=lambda: engine,
        secret=lambda name: SecretStr(SECRETS[name]),
        tickets=lambda: PostgresTicketBook(engine),
    )
    surroundings = replace(surroundings, hosts=replace(surroundings.hosts, private=frozenset({sink.host})))
    messages = [replace(OPENED, incident_id=None, thread=f"thread {number}") for number in range(COUNT)]
    notes = [
        Notification(uuid4(), destination.name, destination.channel, message, None, "large", "opened")
        for message in messages
    ]
    with engine.begin() as connection:
        enqueue(connection, notes)
    sink.inject(*trouble())
    outbox = PostgresOutbox(engine, worker="w")
    terms = Terms(retry=Retry(attempts=20, first_delay=0.01, longest_delay=0.02))
    left = COUNT
    for _ in range(200):
        worker = DeliveryWorker(outbox, Channels({destination.name: destination}.get, surroundings), terms)
        worker.drain()
        with engine.connect() as connection:
            left = connection.exec_driver_sql("select count(*) from ledger.outbox where status <> 'sent'").scalar_one()
        if not left:
            break
    engine.dispose()
    assert left == 0, "nothing is lost, and nothing is dead"
    return messages


def test_each_webhook_is_acted_on_once(database: Database) -> None:
    with WebhookReceiver() as service:
        settings = {"url": f"{service.url}/incidents", "secret_env": "HOOK_SECRET", "per_second": 1000}
        through(database, service, Destination(name="hook", channel="webhook", settings=settings))
        assert len(service.effects) == COUNT
        assert service.repeated > 0, "some came twice, and were known by their id"


def test_each_page_is_one_alert(database: Database) -> None:
    with PagerdutyEvents() as pager:
        settings = {"routing_key_env": "PAGER_KEY", "url": pager.url, "per_second": 1000}
        messages = through(database, pager, Destination(name="pager", channel="pagerduty", settings=settings))
        assert set(pager.alerts) == {message.thread for message in messages}


def test_each_incident_is_one_ticket(database: Database) -> None:
    with GithubIssues() as github:
        settings = {
            "system": "github", "repository": github_issues.REPOSITORY, "url": github.url, "token_env": "TICKET_TOKEN",
            "per_second": 1000,
        }  # fmt: skip
        through(database, github, Destination(name="tickets", channel="ticket", settings=settings))
        markers = Counter(issue.body.rsplit("<!--", 1)[1] for issue in github.issues.values())
        assert len(github.issues) == COUNT and set(markers.values()) == {1}
