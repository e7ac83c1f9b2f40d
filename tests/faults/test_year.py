"""A company's year on a virtual clock: rota, holidays, changes of the clocks, outages, storms; what must hold in it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.conftest import Database
from tests.soak.promise import Measured, Promise, shows
from tests.year.company import ENTITIES, MARTS
from tests.year.invariants import broken
from tests.year.plan import Plan
from tests.year.simulation import Simulation

pytestmark = [pytest.mark.faults, pytest.mark.scenario, pytest.mark.timeout(1_700)]
PROMISE = Promise(
    "year",
    "no incident is notified twice for one transition, none is unowned, none is past its SLA without an escalation, "
    "no business message is told during its upstream's outage, nobody is over budget except for critical",
    "{count} days on a virtual clock: 5 teams in 4 time zones with rota, absences and holidays, 50 definitions over "
    "10,000 entities, outages, storms",
    14,
    365,
)
SEED = 2026
OCCURS = {
    "opened", "reopened", "updated", "held", "released", "calmed", "snoozed", "woken", "assigned", "acknowledged",
    "resolved", "cleared", "reminded", "sla_warned", "sla_breached", "escalated", "expired",
}  # fmt: skip


@pytest.fixture
def run(database: Database, measured: Measured) -> Iterator[Simulation]:
    chance = random.Random(SEED)
    made = Simulation(database, Plan.of(measured.count, chance), chance)
    yield made
    made.close()


@shows(PROMISE)
def test_what_must_hold_in_every_hour_holds_for_all_the_days(run: Simulation, measured: Measured) -> None:
    begun = time.monotonic()

    def look(at: datetime) -> None:
        if at.weekday() == 0:
            assert _said(run) == {}, f"by {at}"

    run.run(look)
    assert _said(run) == {}
    events = _counted(run, "select event as name, count(*) as n from ledger.incident_events group by 1")
    assert OCCURS - events.keys() == set()
    fates = _counted(
        run, "select coalesce(fate, 'waits') as name, count(*) as n from ledger.held_notifications group by 1"
    )
    assert fates["told"] > 0
    told = run.rows("select count(*) as n from simulation.told")[0]["n"]
    assert min(run.counts[name] for name in ("digests", "outages", "storms", "evaluations")) > 0
    incidents = run.rows("select count(*) as n, count(distinct alert) as alerts from ledger.incidents")[0]
    assert incidents["alerts"] == len(run.company.definitions) == 50
    assert len(MARTS) * ENTITIES == 10_000
    measured.says(
        f"{measured.count} days in {time.monotonic() - begun:.0f} s: {incidents['n']:,} incidents, "
        f"{sum(events.values()):,} transitions, {told:,} messages, {run.counts['digests']:,} of them digests; "
        f"{events['escalated']:,} escalations, {events['sla_breached']:,} breaches, {events['reminded']:,} reminders, "
        f"{events['held']:,} held by {run.counts['outages']} outages, {run.counts['storms']} storms: nothing broken"
    )


def _said(run: Simulation) -> dict[str, tuple[int, list[dict[str, object]]]]:
    """What is broken: how often, and three examples of it."""
    return {name: (len(rows), rows[:3]) for name, rows in broken(run).items() if rows}


def _counted(run: Simulation, statement: str) -> dict[str, int]:
    return {row["name"]: row["n"] for row in run.rows(statement)}
