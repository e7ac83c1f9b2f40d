"""How many deliveries a second the outbox leases and records, and how many the worker hands over.

    python -m benchmarks --only outbox

Commits are durable. Every message belongs to an incident of its own, so that the order within an incident is looked
after as in production. The sink is the local inbox: it renders each message and writes a file.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import Engine

from alerting_pipeline.adapters.channels.file import FileChannel
from alerting_pipeline.domain.ports import Receipt
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.outbox import PostgresOutbox, enqueue
from alerting_pipeline.store.roles import APP
from alerting_pipeline.usecases.deliver import DeliveryWorker
from benchmarks.report import Figure, Section, at_least, postgres_version
from benchmarks.server import bench_server

MESSAGES, DESTINATIONS, SENT, TURNS = 10_000, 20, 4_000, 3
MESSAGE = Message(
    alert="late_delivery", transition="opened", title="Late delivery", summary="Order D-7 for Marta is late",
    severity="high", emoji="🚚", system="logistics", description="A delivery after its promised time.",
    deviance="3 h 20 min late", owner="logistics", respond_within="4 h", link="https://example.com/orders/D-7",
    runbook="https://example.com/runbooks/late", incident_url="http://localhost:8080/incidents/7",
)  # fmt: skip


def main() -> None:
    print(f"outbox: {MESSAGES:,} messages to {DESTINATIONS} destinations", flush=True)
    with (
        bench_server() as server,
        psycopg.connect(server.url("postgres"), autocommit=True) as connection,
        tempfile.TemporaryDirectory() as inbox,
    ):
        engine = engine_for(server.url(APP))
        outbox = PostgresOutbox(engine, worker="benchmark")
        one, many = (
            statistics.median(
                _rate(connection, engine, MESSAGES, lambda each=each: _claim(outbox, each)) for _ in turns
            )
            for each, turns in ((1, range(TURNS)), (50, range(TURNS)))
        )
        sends = statistics.median(
            _rate(connection, engine, SENT, lambda: _drain(outbox, Path(inbox))) for _ in range(TURNS)
        )
        version = postgres_version(connection)
        outbox.close()
        engine.dispose()
    asked = [
        f"{MESSAGES:,} waiting messages to {DESTINATIONS} destinations, each of an incident of its own; commits are "
        "durable. They are leased and their receipts recorded by the code of the worker. Then the worker itself hands "
        f"{SENT:,} of them to the local inbox, which renders each and writes a file."
    ]
    figures = [
        Figure(f"leased and recorded, {DESTINATIONS} at a time", f"{one:,.0f} /s"),
        at_least(f"leased and recorded, {DESTINATIONS * 50:,} at a time", many, 20_000, " /s"),
        at_least("handed over by the worker", sends, 2_000, " /s"),
    ]
    Section("outbox", "Outbox (goal G9)", asked, version).write(figures)


def _rate(connection: psycopg.Connection, engine: Engine, count: int, action: Callable[[], int]) -> float:
    """How many a second, of so many that wait."""
    connection.execute("truncate ledger.incidents cascade")
    numbers = connection.execute(
        "insert into ledger.incidents (alert, fingerprint, entity, kind, status, severity, summary, owner, "
        "definition_version, opened_at, last_seen_at) "
        "select 'late_delivery', md5(g::text)::uuid, '{}', 'business', 'open', 'high', 's', 'logistics', 'v', "
        "now(), now() "
        f"from generate_series(1, {count}) as g returning incident_id".encode()
    ).fetchall()
    with engine.begin() as transaction:
        enqueue(
            transaction,
            (
                Notification(
                    uuid4(), f"to_{number % DESTINATIONS}", "file", replace(MESSAGE, incident_id=number), number,
                    "late_delivery", "opened",
                )
                for (number,) in numbers
            ),
        )  # fmt: skip
    connection.execute("vacuum analyze ledger.outbox")
    begun = time.perf_counter()
    done = action()
    seconds = time.perf_counter() - begun
    if done != count:
        raise SystemExit(f"{done} of {count} were done")
    return count / seconds


def _claim(outbox: PostgresOutbox, each: int) -> int:
    done = 0
    while claims := outbox.claim(each, {}):
        done += outbox.record_sent([(claim, Receipt({"via": "benchmark"})) for claim in claims])
    return done


def _drain(outbox: PostgresOutbox, inbox: Path) -> int:
    return DeliveryWorker(outbox, lambda delivery: FileChannel(inbox)).drain().sent


if __name__ == "__main__":
    main()
