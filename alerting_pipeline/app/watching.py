"""Watching the watcher: what is overdue, told by whoever looks; and an outside watcher, called while nothing is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from alerting_pipeline.domain.pulse import TOLERANCE
from alerting_pipeline.domain.system_definitions import OVERDUE_EVALUATION, PART_STOPPED, SystemFinding

if TYPE_CHECKING:
    from alerting_pipeline.app import App

PING_SECONDS = 60.0
HEALTH_SECONDS = 3.0
WAITING_SECONDS = 120.0
"""How long a message may be due without leaving, before that counts as overdue."""

WORKER, TIME, PAGES, CLOCK = "delivery worker", "passing time", "pages", "schedule clock"
WORKER_SECONDS, PAGES_SECONDS = 15.0, 30.0
PART_OF = {"deliver": WORKER, "web": PAGES, "dagster-daemon": CLOCK}
"""The part that a process of `alerting up` is known by."""
DAEMON = {
    CLOCK: 15 * 60.0,
    "sensor file_arrival": 60.0,
    "sensor materialized_elsewhere": 60.0,
    "sensor run_failures": 60.0,
    "sensor outbox": 60.0,
}
"""What Dagster's daemon keeps going, and how often (in seconds) each is to be heard of. Sensors are asked one after the
other, so a round may take longer than the interval of any of them."""
EVERY = {WORKER: WORKER_SECONDS, TIME: WORKER_SECONDS, PAGES: PAGES_SECONDS, **DAEMON}
"""All parts of `alerting up`, and how often (in seconds) each is to be heard of."""


def beat(app: App, part: str) -> None:
    """One of the daemon's parts was ticked."""
    app.pulse.beat(part, DAEMON[part])


def notice(app: App, now: datetime, witness: str | None = None) -> None:
    """Open an incident for each part that fell silent and each alert that is overdue; end those that are over.

    `witness` is the part that looks: it opens none for what it was not there to hear, as after a night in which all
    were stopped, or slept. Whoever is no part (a single pass, a person) takes the others at their word.
    """
    seen = app.pulse.witness(witness) if witness is not None else None
    beats, late = app.pulse.beats(), _late(app, now)
    missed = [beat.finding for beat in beats if beat.is_overdue and (seen is None or seen.misses(beat))]
    unsure = [beat.finding for beat in beats if beat.is_overdue or beat.is_back]
    app.system_incidents.settle(PART_STOPPED, missed, unsure)
    is_sure = seen is None or seen.has_watched(TOLERANCE)
    app.system_incidents.settle(OVERDUE_EVALUATION, late if is_sure else [], late)


def _late(app: App, now: datetime) -> list[SystemFinding]:
    return [each.finding for each in app.late_evaluations.of(app.definition_ledger.in_force(), now)]


def reasons(app: App) -> list[str]:
    """What is overdue, a phrase each, without values of data; empty while all is well."""
    from alerting_pipeline.store.overview import standing

    said = [f"{beat.part} is not heard of" for beat in app.pulse.overdue()]
    late = app.late_evaluations.of(app.definition_ledger.in_force(), app.clock.now())
    said += [f"{each.alert} is not evaluated" for each in late]
    waiting = standing(app.engine).oldest_due_seconds
    if waiting is not None and waiting > WAITING_SECONDS:
        said.append("messages wait that are due")
    return said


@contextmanager
def beating(app: App, part: str, every_seconds: float, tell: Callable[[Exception], None]) -> Iterator[None]:
    """A thread beats for the part, and notices the silence of others, until the block ends; then the part rests.

    A database that is away is no reason not to begin: `tell` hears of it, and the next beat tries again.
    """
    over = threading.Event()
    try:
        _ = app.pulse, app.system_incidents, app.late_evaluations  # made once, before threads ask for them
    except Exception as error:
        tell(error)

    def run() -> None:
        while True:
            try:
                app.pulse.beat(part, every_seconds)
                notice(app, app.clock.now(), part)
            except Exception as error:
                tell(error)
            if over.wait(every_seconds):
                return

    thread = threading.Thread(target=run, name=f"heart of {part}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=HEALTH_SECONDS)
        try:
            app.pulse.rest([part])
        except Exception as error:
            tell(error)


@dataclass(slots=True)
class OutsideWatch:
    """Calls the outside watcher once in `every` seconds, as long as nothing is overdue."""

    app: App
    tell: Callable[[str], None]
    every: float = PING_SECONDS
    _next: float = field(default=float("-inf"), init=False)

    def look(self) -> None:
        """Ping if it is time; call this as often as you like, outside of transactions."""
        url = self.app.settings.deadman_url
        if url is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self.every
        if said := reasons(self.app):
            self.tell(f"the outside watcher is not called: {'; '.join(said)}")
            return
        from alerting_pipeline.adapters.dead_man import DeadMan

        failure = DeadMan(url.get_secret_value()).ping()
        self.app.pulse.note_ping(failure)
        if failure is not None:
            self.tell(f"the outside watcher was not reached: {failure}")


class HealthCheck:
    """The reasons why not all is well, within seconds, whatever the database does.

    One thread asks: while an answer hangs, later questions wait for the same one, and no connection is added.
    """

    def __init__(self, ask: Callable[[], list[str]], *, within: float = HEALTH_SECONDS) -> None:
        self._ask = ask
        self._within = within
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._lock = threading.Lock()
        self._asked: Future[list[str]] | None = None

    def __call__(self) -> list[str]:
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._pool.submit(self._ask)
            asked = self._asked
        try:
            return asked.result(self._within)
        except TookTooLong:
            return [f"the database does not answer within {self._within:g} s"]
        except Exception as error:  # its text may hold an address
            return [f"the database can't be asked ({type(error).__name__})"]
