"""Sinks that refuse, fail, hang, drip and close half of the connection: nothing is lost, and nobody else waits."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from alerting_pipeline.adapters.channels.http_client import HttpClient
from alerting_pipeline.adapters.channels.http_fence import Hosts
from alerting_pipeline.adapters.channels.webhook import WebhookChannel, WebhookSettings
from alerting_pipeline.domain.pacing import Retry
from alerting_pipeline.domain.ports import Channel, Delivery
from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.outbox import PostgresOutbox, enqueue
from alerting_pipeline.usecases.deliver import DeliveryWorker, Terms
from tests.conftest import Database
from tests.rendering.cases import OPENED
from tests.sinks.http_sink import Fault, Reply, Request
from tests.sinks.webhook_receiver import SECRET, WebhookReceiver
from tests.soak.promise import Measured, Promise, shows

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
FAULTY, HEALTHY, CHANCE = 8, 2, 0.25
WITHIN = 0.3
"""Seconds for a request; a sink that hangs or drips takes longer."""
KINDS = {
    "429": Fault(status=429, headers={"Retry-After": "1"}),
    "500": Fault(status=500, takes_it=True),
    "time-out": Fault(delay=2 * WITHIN, takes_it=True),
    "slow-loris": Fault(drip=2 * WITHIN, takes_it=True),
    "half-close": Fault(half_close=True, takes_it=True),
}
PROMISE = Promise(
    "sink faults",
    "one bad sink stalls no other; 429 Retry-After is obeyed",
    f"{{count}} messages to ten webhooks; in every other phase eight of them meet a quarter of theirs with "
    f"{', '.join(KINDS)} in turn; the other two are to be as quick as in the calm phases, within 10 %",
    400,
    10_000,
)


PAUSE = 0.07
"""Seconds between two rounds: some 140 messages a second, which leaves the machine idle most of the time."""
_LEFT = "select destination, status, count(*), max(error) from ledger.outbox where status <> 'sent' group by 1, 2"


@dataclass(eq=False)
class FaultySink(WebhookReceiver):
    """Fails the first attempt of some messages, in each way in turn."""

    chance: float = 0.0
    seen: set[str] = field(default_factory=set)
    failed: Counter[str] = field(default_factory=Counter)
    too_soon: int = 0
    closed_until: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._dice = random.Random(7)

    def fault_of(self, request: Request) -> Fault | None:
        with self.lock:
            now, path = time.monotonic(), request.path
            self.too_soon += now < self.closed_until.get(path, 0)
            identity = request.headers["webhook-id"]
            if identity in self.seen or self._dice.random() >= self.chance:
                return None
            kind = list(KINDS)[self.failed.total() % len(KINDS)]
            self.failed[kind] += 1
            if kind == "429":
                self.closed_until[path] = now + 0.99
            self.seen.add(identity)
            return KINDS[kind]

    def answer(self, request: Request) -> Reply:
        return super().answer(replace(request, path="/incidents"))


def _work(database: str, bad: str, good: str) -> None:
    """A delivery worker as a process: destinations bad0… and good0…."""
    engine = engine_for(database)
    client = HttpClient(Hosts(private=frozenset({bad, good})), within=WITHIN)
    channels: dict[str, WebhookChannel] = {}

    def channel_for(delivery: Delivery) -> Channel:
        name = delivery.destination
        if name not in channels:
            url = f"http://{bad if name.startswith('bad') else good}/{name}"
            settings = WebhookSettings(url=url, secret_env=("SECRET_OF_SINK",), per_second=1_000)
            channels[name] = WebhookChannel(settings, lambda _: SecretStr(SECRET), client)
        return channels[name]

    terms = Terms(retry=Retry(attempts=100, first_delay=0.05, longest_delay=0.5), deadline=5, poll=0.1)
    worker = DeliveryWorker(PostgresOutbox(engine, worker="one", lease=30), channel_for, terms)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


@contextmanager
def _working(database: Database, bad: FaultySink, good: FaultySink) -> Iterator[None]:
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=_work, args=(database.app_url, bad.host, good.host), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(15)


def _send(database: Database, rounds: int, within: float) -> float:
    """A message to every sink, again and again; returns the healthy ones' 95th percentile in milliseconds."""
    engine = engine_for(database.app_url)
    names = [*(f"bad{number}" for number in range(FAULTY)), *(f"good{number}" for number in range(HEALTHY))]
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        row = connection.execute("select coalesce(max(sequence), 0) from ledger.outbox").fetchone()
        assert row is not None
        for _ in range(rounds):
            with engine.begin() as transaction:
                enqueue(
                    transaction, [Notification(uuid4(), n, "webhook", OPENED, None, "late", "opened") for n in names]
                )
            time.sleep(PAUSE)
        end = time.monotonic() + within
        while connection.execute("select 1 from ledger.outbox where status <> 'sent' limit 1").fetchone():
            assert time.monotonic() < end, connection.execute(_LEFT).fetchall()
            time.sleep(0.2)
        found = connection.execute(
            "select percentile_cont(0.95) within group (order by extract(epoch from sent_at - created_at)) "
            "from ledger.outbox where destination like 'good%%' and sequence > %s",
            [row[0]],
        ).fetchone()
    engine.dispose()
    assert found is not None
    return float(found[0]) * 1_000


def _message(destination: str) -> Notification:
    return Notification(uuid4(), destination, "webhook", OPENED, None, "late", "opened")


def _phases(count: int) -> list[bool]:
    """Calm and faulty in turns, as ABBA: what drifts on the machine meanwhile falls on both alike."""
    return [number % 4 in (1, 2) for number in range(4 if count < PROMISE.full else 20)]


@shows(PROMISE)
def test_faults_of_sinks_lose_nothing_and_stall_nobody(database: Database, home: Path, measured: Measured) -> None:
    phases = _phases(measured.count)
    rounds = measured.count // (FAULTY + HEALTHY) // len(phases)
    times: dict[bool, list[float]] = {False: [], True: []}
    with FaultySink() as bad, FaultySink() as good, _working(database, bad, good):
        _send(database, 10, 30)  # connections are made
        for is_faulty in phases:
            bad.chance = CHANCE if is_faulty else 0.0
            times[is_faulty].append(_send(database, rounds, 120))
        wanted = (10 + rounds * len(phases)) * (FAULTY + HEALTHY)
        assert len(bad.effects) + len(good.effects) == wanted
        assert bad.too_soon == 0
        assert set(bad.failed) == set(KINDS)
    calm, faulty = median(times[False]), median(times[True])
    # A short run has too few messages for a tenth; whoever waits for one sink that hangs waits for WITHIN.
    most = 1.1 * calm if measured.count == PROMISE.full else calm + WITHIN * 1_000 / 2
    assert faulty <= most, f"somebody waited for a bad sink: {faulty:.1f} ms instead of {calm:.1f} ms; {times}"
    measured.says(
        f"{wanted:,} messages, {bad.failed.total():,} faults: 0 lost, 0 acted on twice ({bad.repeated} repeated by "
        f"key), 0 too soon after a 429; the healthy sinks' 95th percentile, the median of {len(phases) // 2} phases "
        f"each in turns: {faulty:.1f} ms beside faults, {calm:.1f} ms without ({faulty / calm - 1:+.0%})"
    )
