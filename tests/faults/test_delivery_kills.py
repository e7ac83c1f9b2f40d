"""Workers die at the worst moments: nothing is lost, and nothing happens twice where the destination keeps our key."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine, text

from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.outbox import counts, enqueue
from tests.conftest import PROJECT, Database
from tests.faults.delivery_worker import DESTINATIONS
from tests.rendering.cases import OPENED
from tests.sinks.mail import MailServer
from tests.sinks.slack_api import TOKEN, Fault, SlackServer

pytestmark = pytest.mark.faults
STEPS = ("after_claim", "before_send", "after_send", "after_record")


@dataclass
class World:
    """One outbox, five sinks, and workers that come and go."""

    engine: Engine
    database: Database
    home: Path
    slack: SlackServer
    mail: MailServer
    incidents: int = 0
    wanted: int = 0

    def put(self, each: int) -> None:
        """So many incidents, each told to every destination."""
        with self.engine.begin() as connection:
            for _ in range(each):
                number = connection.execute(_INCIDENT, {"id": str(uuid4())}).scalar_one()
                message = replace(OPENED, incident_id=number, record={"transaction_id": f"t{number}"})
                items = [
                    Notification(uuid4(), item.name, item.channel, message, number, "late", "opened")
                    for item in DESTINATIONS.values()
                ]
                self.wanted += enqueue(connection, items)
                self.incidents += 1

    @contextmanager
    def worker(self, step: str = "", nth: int = 1) -> Iterator[subprocess.Popen[str]]:
        given = {
            "database": self.database.app_url, "home": str(self.home), "slack": self.slack.url, "slack_token": TOKEN,
            "mail": self.mail.url, "step": step, "nth": nth,
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.faults.delivery_worker", json.dumps(given)]
        process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(10)
            process.stdout.close()

    def finish(self, within: float = 30) -> None:
        """A last worker, until nothing waits any more."""
        numbers: dict[str, int] = {}
        with self.worker():
            end = time.monotonic() + within
            while time.monotonic() < end:
                with self.engine.connect() as connection:
                    numbers = counts(connection)
                if not numbers.get("waiting") and not numbers.get("leased"):
                    return
                time.sleep(0.1)
        raise AssertionError(f"not finished: {numbers}")

    def check(self) -> int:
        """Nothing lost, nothing double at a sink that keys; returns the duplicates among the mails."""
        with self.engine.connect() as connection:
            numbers = counts(connection)
        assert numbers["sent"] == self.wanted
        assert numbers.get("dead", 0) == 0
        with psycopg.connect(self.database.owner_url) as connection:
            rows = connection.execute("select count(*), count(distinct incident_id) from operations.queue").fetchone()
        assert rows == (self.incidents, self.incidents)
        sheet = load_workbook(self.home / "sheets" / "review.xlsx")["Incidents"]
        keys = [sheet.cell(number, 1).value for number in range(2, sheet.max_row + 1)]
        assert len(keys) == len(set(keys)) == self.incidents
        assert len(list((self.home / "inbox").glob("*.json"))) == self.incidents
        posted = Counter(
            str((item.metadata or {})["event_payload"]["incident_id"]) for item in self.slack.posted("risk")
        )
        assert len(posted) == self.incidents
        assert set(posted.values()) == {1}
        mails = Counter(mail["Message-ID"] for mail in self.mail.mails)
        assert len(mails) == self.incidents
        doubled = sum(mails.values()) - self.incidents
        assert doubled <= numbers["resent"]
        return doubled


_INCIDENT = text("""
insert into ledger.incidents (alert, fingerprint, entity, kind, status, severity, summary, owner,
    definition_version, opened_at, last_seen_at)
values ('late', cast(:id as uuid), '{}', 'business', 'open', 'high', 's', 'ops', 'v', now(), now())
returning incident_id
""")


@pytest.fixture
def world(database: Database, home: Path) -> Iterator[World]:
    engine = engine_for(database.app_url)
    with SlackServer() as slack, MailServer() as mail:
        yield World(engine, database, home, slack, mail)
    engine.dispose()


@pytest.mark.parametrize("step", STEPS)
def test_worker_killed_at_a_step_loses_and_doubles_nothing(world: World, step: str) -> None:
    for nth in (1, 2, 4):
        world.put(4)
        with world.worker(step, nth) as process:
            # Work keeps arriving until it dies: a quick worker claims all that waits in fewer than nth turns.
            end = time.monotonic() + 20
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.2)
                world.put(1)
            assert process.poll() == -signal.SIGKILL
    world.finish()
    doubled = world.check()
    assert doubled <= 3  # at most the one mail under way at each kill


def test_workers_killed_at_random_moments_lose_and_double_nothing(world: World) -> None:
    dice = random.Random(20261122)
    for _ in range(6):
        world.put(6)
        with world.worker() as one, world.worker() as two:
            time.sleep(dice.uniform(0.02, 0.4))
            for process in (one, two):
                process.kill()
                process.wait(10)
    world.finish()
    world.check()


def test_worker_told_to_stop_gives_its_leases_back(world: World) -> None:
    world.put(200)
    with world.worker() as process:
        time.sleep(0.3)
        process.terminate()
        started = time.monotonic()
        assert process.wait(10) == 0
        assert time.monotonic() - started < 5
    with world.engine.connect() as connection:
        numbers = counts(connection)
    assert numbers.get("leased", 0) == 0
    assert numbers["waiting"] > 0


def test_faults_of_slack_lose_nothing_and_stall_nobody(world: World) -> None:
    world.slack.inject(
        Fault(status=429, retry_after=1), Fault(status=500), Fault(hang_up=True), Fault(hang_up=True, takes_it=True),
        Fault(error="fatal_error"), Fault(drip=1.0),
    )  # fmt: skip
    world.put(10)
    started = time.monotonic()
    with world.worker():
        while len(list((world.home / "inbox").glob("*.json"))) < 10:
            assert time.monotonic() - started < 5
            time.sleep(0.02)
    world.finish(60)
    world.check()
