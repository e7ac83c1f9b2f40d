"""One outbox, a sink of every kind on loopback, and workers that come and go; what must hold at the end is counted."""

from __future__ import annotations

import csv
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from openpyxl import load_workbook
from sqlalchemy import Engine, text

from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.outbox import counts, enqueue
from tests.conftest import Database
from tests.faults.delivery_worker import Death, Sinks, destinations, start
from tests.rendering.cases import OPENED
from tests.sinks.mail import MailServer
from tests.sinks.slack_api import SlackServer
from tests.sinks.webhook_receiver import WebhookReceiver

_INCIDENT = text("""
insert into ledger.incidents (alert, fingerprint, entity, kind, status, severity, summary, owner,
    definition_version, opened_at, last_seen_at)
values ('late', cast(:id as uuid), '{}', 'business', 'open', 'high', 's', 'ops', 'v', now(), now())
returning incident_id
""")
_NOTED = "select distinct delivery_id::text from ledger.delivery_attempts where result in ('sent again', 'uncertain')"


@dataclass(frozen=True)
class Reckoning:
    """What came of a world whose work is done. `unnoted`: duplicates that the ledger does not know of."""

    lost: int
    doubled_where_keyed: int
    doubled: dict[str, int]
    unnoted: int

    def __add__(self, other: Reckoning) -> Reckoning:
        doubled = Counter(self.doubled) + Counter(other.doubled)
        kept = {name: doubled[name] for name in self.doubled | other.doubled}
        keyed = self.doubled_where_keyed + other.doubled_where_keyed
        return Reckoning(self.lost + other.lost, keyed, kept, self.unnoted + other.unnoted)


NOTHING = Reckoning(0, 0, {"Slack": 0, "e-mail": 0}, 0)


@dataclass
class World:
    """`put` commits work, `worker` starts a process, `finish` waits until nothing waits, `reckon` counts."""

    engine: Engine
    database: Database
    home: Path
    slack: SlackServer
    mail: MailServer
    webhook: WebhookReceiver
    only: str = ""
    incidents: int = 0
    wanted: int = 0

    @property
    def sinks(self) -> Sinks:
        return Sinks(self.database.app_url, self.home, self.slack.url, self.mail.url, self.webhook.url)

    def put(self, each: int) -> None:
        """So many incidents, each told to every destination, or to the one that the world is about."""
        with self.engine.begin() as connection:
            for _ in range(each):
                number = connection.execute(_INCIDENT, {"id": str(uuid4())}).scalar_one()
                message = replace(OPENED, incident_id=number, record={"transaction_id": f"t{number}"})
                items = [
                    Notification(uuid4(), item.name, item.channel, message, number, "late", "opened")
                    for item in destinations(self.webhook.url).values()
                    if self.only in ("", item.name)
                ]
                self.wanted += enqueue(connection, items)
                self.incidents += 1

    @contextmanager
    def worker(self, death: Death | None = None) -> Iterator[ForkServerProcess]:
        """A process that works; it is told to stop at the end, if it lives."""
        process = start(self.sinks, death)
        try:
            yield process
        finally:
            if process.is_alive():
                process.terminate()
                process.join(10)

    def finish(self, within: float = 60) -> None:
        """A last worker, until nothing waits any more."""
        with self.worker():
            end = time.monotonic() + within
            while time.monotonic() < end:
                numbers = self.counts()
                if not numbers.get("waiting") and not numbers.get("leased"):
                    return
                time.sleep(0.1)
        raise AssertionError(f"not finished: {self.counts()}")

    def counts(self) -> dict[str, int]:
        with self.engine.connect() as connection:
            return counts(connection)

    def dead(self) -> list[tuple[str, str]]:
        """Destination and error of what was given up."""
        with psycopg.connect(self.database.owner_url) as connection:
            return connection.execute("select destination, error from ledger.outbox where status = 'dead'").fetchall()

    def reckon(self) -> Reckoning:
        """Every sink held against what was committed."""
        numbers = self.counts()
        keyed = self._effects_at_keyed_sinks()
        posted = Counter(_delivery_of(item.metadata) for item in self.slack.posted("risk"))
        mails = Counter(str(mail["Message-ID"])[1:37] for mail in self.mail.mails)
        arrived = {**keyed, "Slack": posted, "e-mail": mails}
        absent = {name: self.incidents - len(each) for name, each in arrived.items() if len(each) < self.incidents}
        twice = {identity for each in (posted, mails) for identity, times in each.items() if times > 1}
        with psycopg.connect(self.database.owner_url) as connection:
            noted = {row[0] for row in connection.execute(_NOTED)}
        return Reckoning(
            lost=max(sum(absent.values()), self.wanted - numbers.get("sent", 0)),
            doubled_where_keyed=sum(_surplus(each) for each in keyed.values()),
            doubled={"Slack": _surplus(posted), "e-mail": _surplus(mails)},
            unnoted=len(twice - noted),
        )

    def _effects_at_keyed_sinks(self) -> dict[str, Counter[Any]]:
        with psycopg.connect(self.database.owner_url) as connection:
            table = [row[0] for row in connection.execute("select incident_id from operations.queue")]
        sheet = load_workbook(self.home / "sheets" / "review.xlsx")["Incidents"]
        with (self.home / "sheets" / "list.csv").open(newline="", encoding="utf-8") as file:
            listed = [row["incident_id"] for row in csv.DictReader(file)]
        return {
            "table": Counter(table),
            "sheet": Counter(sheet.cell(number, 1).value for number in range(2, sheet.max_row + 1)),
            "csv": Counter(listed),
            "file": Counter(path.name for path in (self.home / "inbox").glob("*.json")),
            "webhook": Counter(self.webhook.effects.keys()),
        }


@contextmanager
def make_world(database: Database, home: Path, only: str = "") -> Iterator[World]:
    home.mkdir(exist_ok=True)
    with ExitStack() as stack:
        slack, mail = stack.enter_context(SlackServer()), stack.enter_context(MailServer())
        webhook = stack.enter_context(WebhookReceiver())
        engine = engine_for(database.app_url)
        stack.callback(engine.dispose)
        yield World(engine, database, home, slack, mail, webhook, only)


def died_by_kill(process: ForkServerProcess) -> bool:
    return process.exitcode == -signal.SIGKILL


def _delivery_of(metadata: dict[str, Any] | None) -> str:
    return str(UUID((metadata or {})["event_payload"]["delivery_id"]))


def _surplus(effects: Counter[Any]) -> int:
    return sum(effects.values()) - len(effects)
