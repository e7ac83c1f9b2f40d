"""A part that is killed is told of, whoever is left to notice it; one that is stopped in an orderly way is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.app.watching import PAGES, beating
from alerting_pipeline.settings import read_settings
from tests.conftest import PROJECT, Database
from tests.faults.test_up import _processes_of, up

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
__all__ = ["up"]

# The loop of `alerting deliver`, heard of every 50 ms, so that its silence shows after 150 ms.
_WORKER = """
import signal, sys
from alerting_pipeline.app import App
from alerting_pipeline.app.watching import WORKER
from alerting_pipeline.store.pulse import Heart
from alerting_pipeline.usecases.deliver import Terms
App.app_url = property(lambda self: sys.argv[1])
with App.from_environment() as app:
    worker = app.delivery_worker(terms=Terms(beat=Heart(app.pulse.beat, WORKER, 0.05), poll=0.01))
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()
    app.pulse.rest([WORKER])
"""


class Story:
    """One database, the worker as a process of its own, and the pages that go on beside it."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database, self.home = database, home
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, self.database.app_url], cwd=PROJECT, stdin=subprocess.DEVNULL,
            env={**os.environ, "ALERTING_HOME": str(self.home), "PYTHONPATH": str(PROJECT)},
        )  # fmt: skip
        self.processes.append(process)
        return process

    def rows(self, query: str) -> list[Any]:
        with psycopg.connect(self.database.owner_url) as connection:
            return connection.execute(query.encode()).fetchall()

    @property
    def beats(self) -> int:
        return len(self.rows("select from alerting.heartbeats where part = 'delivery worker' and not is_overdue"))

    @property
    def incidents(self) -> list[tuple[str, str]]:
        return self.rows("select entity ->> 'part', status from ledger.incidents order by incident_id")

    def within(self, seconds: float, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.incidents
            time.sleep(0.02)


@pytest.fixture
def story(database: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setattr(App, "app_url", property(lambda self: database.app_url))
    told = Story(database, home)
    with App(read_settings({"ALERTING_HOME": str(home)})) as app, beating(app, PAGES, 0.2, lambda _: None):
        yield told
        for process in told.processes:
            process.kill()
            process.wait()


def test_killed_or_hanging_worker_is_an_incident_until_it_is_heard_of_again(story: Story) -> None:
    worker = story.start()
    story.within(30, lambda: story.beats == 1)
    assert story.incidents == []
    worker.kill()
    story.within(3, lambda: story.incidents == [("delivery worker", "open")])

    worker = story.start()
    story.within(30, lambda: story.incidents == [("delivery worker", "resolved")])

    worker.send_signal(signal.SIGSTOP)
    story.within(3, lambda: story.incidents[1:] == [("delivery worker", "open")])
    worker.send_signal(signal.SIGCONT)
    story.within(3, lambda: story.incidents[1:] == [("delivery worker", "resolved")])


def test_worker_that_is_told_to_stop_is_not_missed(story: Story) -> None:
    worker = story.start()
    story.within(30, lambda: story.beats == 1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    time.sleep(1)  # six times as long as its silence takes to show
    assert story.rows("select is_resting from alerting.heartbeats where part = 'delivery worker'") == [(True,)]
    assert story.incidents == []


def _worker_of(home: Path, *gone: int) -> int:
    """The delivery worker of `alerting up`, once it runs; `gone` are those before it."""
    deadline = time.monotonic() + 60
    while True:
        running = _processes_of(home).items()
        found = [pid for pid, said in running if said.rstrip().endswith("alerting_pipeline.cli deliver")]
        if found and found[0] not in gone:
            return found[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_up_starts_a_killed_worker_again_and_tells_of_it_when_it_falls_twice(
    up: tuple[subprocess.Popen[bytes], Path, Path],
) -> None:
    process, home, log = up
    query = "select alert, entity ->> 'part', status, owner from ledger.incidents"
    with App(read_settings({"ALERTING_HOME": str(home)})) as app, psycopg.connect(app.owner_url) as connection:
        connection.autocommit = True

        def incidents() -> list[Any]:
            return connection.execute(query.encode()).fetchall()

        first = _worker_of(home)
        os.kill(first, signal.SIGKILL)
        second = _worker_of(home, first)
        assert process.poll() is None and "deliver ended by itself and is started again" in log.read_text()
        assert incidents() == []  # a start and its first minute open no other one either
        os.kill(second, signal.SIGKILL)
        _worker_of(home, first, second)
        assert process.poll() is None
        assert incidents() == [("part_stopped", "delivery worker", "open", "data-team")]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert connection.execute("select part from alerting.heartbeats where not is_resting").fetchall() == []
