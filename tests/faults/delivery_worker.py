"""A delivery worker as a process of its own, for tests that kill it.

Workers are forked from a process that has imported everything already (`fork server`), so that a thousand of them cost
minutes, not an hour; each opens its own connections.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from pydantic import SecretStr

from alerting_pipeline.adapters.channels.http_fence import Hosts
from alerting_pipeline.adapters.channels.registry import Channels, Surroundings
from alerting_pipeline.adapters.channels.slack import client_for
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.pacing import Retry
from alerting_pipeline.domain.waypoint import Waypoint
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.outbox import PostgresOutbox
from alerting_pipeline.usecases.deliver import DeliveryWorker, Terms
from tests.sinks.slack_api import TOKEN
from tests.sinks.webhook_receiver import SECRET

LEASE = 1.5
_QUICK = {"per_second": 1000}
_PRELOADED = [
    __name__, "openpyxl", "slack_sdk", "smtplib", "httpcore", "psycopg", "sqlalchemy.dialects.postgresql.psycopg",
    "alerting_pipeline.adapters.channels.table", "alerting_pipeline.adapters.channels.sheet",
    "alerting_pipeline.adapters.channels.email", "alerting_pipeline.adapters.channels.webhook",
    "alerting_pipeline.adapters.channels.csv_file", "alerting_pipeline.adapters.channels.file",
]  # fmt: skip


@dataclass(frozen=True)
class Sinks:
    """Where a worker finds everything; `mail` and the rest are addresses on loopback."""

    database: str
    home: Path
    slack: str
    mail: str
    webhook: str


@dataclass(frozen=True)
class Death:
    """The worker kills itself when it passes this waypoint the nth time."""

    waypoint: Waypoint
    nth: int = 1


def destinations(webhook: str) -> dict[str, Destination]:
    """One destination of each kind."""
    signed = {"url": f"{webhook}/incidents", "secret_env": "SOAK_SECRET", **_QUICK}
    columns = {"columns": ["status", "severity"]}
    made = [
        Destination(name="#risk", channel="slack", settings=_QUICK),
        Destination(name="team", channel="email", settings={"to": "ada@example.com", **_QUICK}),
        Destination(name="review", channel="sheet"),
        Destination(name="queue", channel="table"),
        Destination(name="list", channel="csv", settings=columns),
        Destination(name="local", channel="file"),
        Destination(name="service", channel="webhook", settings=signed),
    ]
    return {item.name: item for item in made}


def start(sinks: Sinks, death: Death | None = None, each: int = 5) -> ForkServerProcess:
    """A worker that works until it dies or is told to stop."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    process = context.Process(target=work, args=(sinks, death, each), daemon=True)
    process.start()
    return process


def work(sinks: Sinks, death: Death | None, each: int) -> None:
    """What the process does."""
    engine = engine_for(sinks.database)
    host = sinks.webhook.removeprefix("http://")
    surroundings = Surroundings(
        inbox=sinks.home / "inbox",
        sheets=sinks.home / "sheets",
        engine=lambda: engine,
        slack_client=lambda: client_for(TOKEN, sinks.slack, 2),
        mail_server=SecretStr(sinks.mail),
        mail_from="alerts@example.com",
        secret=lambda name: SecretStr(SECRET) if name == "SOAK_SECRET" else None,
        hosts=Hosts(private=frozenset({host})),
    )
    terms = Terms(
        retry=Retry(attempts=1_000, first_delay=0.05, longest_delay=0.2),
        deadline=LEASE / 3,
        each=each,
        poll=0.1,
        passing=_dying(death),
    )
    outbox = PostgresOutbox(engine, worker=str(os.getpid()), lease=LEASE)
    worker = DeliveryWorker(outbox, Channels(destinations(sinks.webhook).get, surroundings), terms)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


def _dying(death: Death | None) -> Callable[[Waypoint], None]:
    seen = 0
    lock = threading.Lock()

    def passing(here: Waypoint) -> None:
        nonlocal seen
        if death is None or here is not death.waypoint:
            return
        with lock:
            seen += 1
            if seen == death.nth:
                os.kill(os.getpid(), signal.SIGKILL)

    return passing
