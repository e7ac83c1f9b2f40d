"""The year goes by: the real use cases against a real Postgres, each with the virtual instant, never the wall clock.

Every message is stamped with the virtual instant at which it was written, so that what must hold can be asked in SQL.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from alerting_pipeline.adapters.marts import Marts
from alerting_pipeline.adapters.scanner import Scanner
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.evaluation import HEALTHY, Health, Order
from alerting_pipeline.domain.event import Assign, Resolve, Snooze, Terms
from alerting_pipeline.domain.incident import Disposition
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.due_incidents import DueIncidents
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.evaluations import EvaluationLedger
from alerting_pipeline.store.held_ledger import HeldLedger
from alerting_pipeline.store.incident_desk import IncidentDesk
from alerting_pipeline.usecases.act import acknowledge, assign, resolve, snooze
from alerting_pipeline.usecases.evaluate import Evaluator
from alerting_pipeline.usecases.flush import flush
from alerting_pipeline.usecases.remind import Due, remind
from tests.conftest import Database
from tests.year.company import ENTITIES, MARTS, METRICS, Company
from tests.year.plan import Entry, Plan, What

_TABLES = """
create schema simulation;
create table simulation.told (delivery_id uuid primary key, at timestamptz not null, by_person boolean not null);
create table simulation.outages (mart text not null, begins timestamptz not null, ends timestamptz not null);
create index on simulation.told (at);
"""
_STAMP = """
with told as (
    update ledger.outbox set status = 'sent', sent_at = clock_timestamp() where status = 'waiting'
    returning delivery_id
)
insert into simulation.told select delivery_id, %s, %s from told
"""
_NEXT = """
select least(
    (select min(next_at) from ledger.incidents where status <> 'resolved' and next_at > %s),
    (select min(due_at) from ledger.held_notifications where settled_at is null and due_at > %s)
) as at
"""
_GOOD, _BAD = 40, (110, 240, 390, 900)


@dataclass(frozen=True, slots=True)
class _Watched:
    """The ledger's incidents; the terms of the definitions, which nobody changes in this year, are read once."""

    due: DueIncidents
    terms: Mapping[str, Terms]

    def begin(self) -> AbstractContextManager[Due]:
        return self.due.begin()


@dataclass
class Simulation:
    """One run of a plan. `rows` talks to the database as its superuser."""

    database: Database
    plan: Plan
    chance: random.Random
    company: Company = field(default_factory=Company)
    counts: Counter[str] = field(default_factory=Counter)
    numbers: Any = field(default_factory=itertools.count)
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.plan.begin
        self.engine = engine_for(self.database.app_url)
        self.connection = psycopg.connect(self.database.superuser_url, autocommit=True)
        due = DueIncidents(self.engine, lambda: self._in_force, "http://localhost:8080")
        self.watched = _Watched(due, due.terms)
        self._found()

    def close(self) -> None:
        self.connection.close()
        self.engine.dispose()

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return self.named(statement, values or None)

    def named(self, statement: str, values: Any) -> list[dict[str, Any]]:
        """The same, with values by name."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def run(self, look: Callable[[datetime], None]) -> None:
        """To the end of the plan. `look` is called after every virtual day."""
        day = self.now.date()
        for entry in self.plan:
            self._catch_up(entry.at)
            self.now = entry.at
            self._do(entry)
            if self.now.date() != day:
                look(self.now)
                day = self.now.date()
        look(self.now)

    # What happens

    def _catch_up(self, until: datetime) -> None:
        """Whatever comes due before the next entry is done at its own instant."""
        while (at := self.rows(_NEXT, self.now, self.now)[0]["at"]) is not None and at < until:
            self.now = at
            self._tick()

    def _do(self, entry: Entry) -> None:
        match entry.what:
            case What.STORM:
                self._storm(entry)
            case What.LULL:
                share = "substr(id, 2)::integer %% 3 = 0"
                self.rows(f"update marts.{entry.mart} set {entry.metric} = %s where {share}", _GOOD)
            case What.OUTAGE_BEGINS | What.OUTAGE_ENDS:
                self.counts["outages"] += entry.what is What.OUTAGE_BEGINS
                self._evaluate(entry.mart)
            case What.EVALUATION:
                self._change(entry.mart)
                self._evaluate(entry.mart)
            case What.ACTS:
                self._act()
            case What.TICK:
                pass
        self._tick()

    def _storm(self, entry: Entry) -> None:
        """A third of the mart goes bad at once."""
        self.counts["storms"] += 1
        value = self.chance.choice(_BAD[1:])
        share = "substr(id, 2)::integer %% 3 = 0"
        self.rows(f"update marts.{entry.mart} set {entry.metric} = %s where {share}", value)
        self._evaluate(entry.mart)

    def _change(self, mart: str) -> None:
        """A few rows go bad or get worse; a quarter of what is bad recovers."""
        metric = self.chance.choice(METRICS)
        often = f"e{self.chance.randrange(6)}"  # there are always some that come back
        chosen = [often, *(f"e{self.chance.randrange(ENTITIES)}" for _ in range(self.chance.randrange(3)))]
        self.rows(f"update marts.{mart} set {metric} = %s where id = any(%s)", self.chance.choice(_BAD), chosen)
        for column in METRICS:
            bad = self.rows(f"select id from marts.{mart} where {column} > 100 order by id limit 40")
            better = [row["id"] for row in bad if self.chance.random() < 0.25]
            worse = [row["id"] for row in bad if self.chance.random() < 0.05]
            if worse:
                self.rows(f"update marts.{mart} set {column} = %s where id = any(%s)", self.chance.choice(_BAD), worse)
            if better:
                self.rows(f"update marts.{mart} set {column} = %s where id = any(%s)", _GOOD, better)

    def _evaluate(self, mart: str) -> None:
        is_out = self.plan.outage_at(mart, self.now) is not None
        health = Health((f"the test not_null of {mart} failed",)) if is_out else HEALTHY
        order = Order(f"m{next(self.numbers)}", self.now, health)
        self._evaluator().evaluate(self.company.alerts_of(mart), order)
        self.counts["evaluations"] += 1
        self._stamp()

    def _tick(self) -> None:
        """What the clock's job does."""
        if remind(self.watched, self.now).messages:
            self._stamp()
        flushed = flush(HeldLedger(self.engine, self._announcer), self.now)
        assert flushed.failed == ()
        if flushed.messages:
            self._stamp()
        self.counts["digests"] += flushed.messages
        self.counts["ticks"] += 1

    def _act(self) -> None:
        """People look at what is open, those of the team that answers for it."""
        found = self.rows(
            "select incident_id, owner, status from ledger.incidents where status <> 'resolved' "
            "order by md5(incident_id::text || %s) limit 8",
            self.now.isoformat(),
        )
        for row in found:
            self._act_on(row["incident_id"], row["owner"], row["status"])
        self._stamp(by_person=True)

    def _act_on(self, incident: int, team: str, status: str) -> None:
        on = self.now.date()
        here = [
            name
            for name in self.company.people.teams[team].everybody
            if not (who := self.company.people.people[name]).has_left(on) and who.absence(on) is None
        ]
        person, other = self.chance.sample(here, 2)
        desk, kind = self._desk(), self.chance.choice(("acknowledge", "resolve", "snooze", "assign"))
        if kind == "acknowledge" and status == "open":
            acknowledge(desk, incident, person, self.now)
        elif kind == "resolve":
            resolve(desk, incident, Resolve(person, self.chance.choice(list(Disposition))), self.now)
        elif kind == "snooze":
            until = self.now + timedelta(hours=self.chance.randrange(4, 72))
            snooze(desk, incident, Snooze(person, until, reason="it is known"), self.now)
        elif kind == "assign" and status == "open":
            taken = self.rows("select assignee from ledger.incidents where incident_id = %s", incident)[0]["assignee"]
            assign(desk, incident, Assign(person, person if taken == other else other), self.now, self.watched.terms)
        else:
            return
        self.counts[f"people {kind}"] += 1

    def _stamp(self, *, by_person: bool = False) -> None:
        """The messages that were just written leave at this instant."""
        self.rows(_STAMP, self.now, by_person)

    # What it is made of

    @property
    def _in_force(self) -> InForce:
        made = self.company
        return InForce(made.definitions, made.people, made.routing, made.destinations)

    def _announcer(self) -> Announcer:
        held = self._in_force
        return Announcer(held.directory("http://localhost:8080"), held.of_incidents)

    def _desk(self) -> IncidentDesk:
        return IncidentDesk(self.engine, self._announcer())

    def _evaluator(self) -> Evaluator:
        directory = self._in_force.directory("http://localhost:8080")
        scanner = Scanner(Warehouse(self.database.reader_url), Marts(self.company.catalog))
        return Evaluator(dict(self.company.definitions), EvaluationLedger(self.engine, directory), scanner)

    def _found(self) -> None:
        """The marts as they are before the first day, and the definitions in force."""
        self.rows(_TABLES)
        for mart in MARTS:
            columns = ", ".join(f"{metric} numeric not null" for metric in METRICS)
            self.rows(f"create table marts.{mart} (id text primary key, region text, {columns})")
            self.rows(f"grant select on marts.{mart} to alert_reader")
            self.rows(
                f"insert into marts.{mart} select 'e' || n, 'region ' || n %% 7, {_GOOD}, {_GOOD}, {_GOOD} "
                "from generate_series(0, %s) n",
                ENTITIES - 1,
            )
        for outage in self.plan.outages:
            self.rows("insert into simulation.outages values (%s, %s, %s)", outage.mart, outage.begin, outage.end)
        for name, item in self.company.definitions.items():
            body = json.dumps(item.model_dump(mode="json", by_alias=True))
            self.rows(
                "insert into ledger.definition_versions (alert, version, kind, path, body, source) "
                "values (%s, %s, 'business', '', %s::jsonb, '')",
                name, item.version_id, body,
            )  # fmt: skip
            self.rows(
                "insert into ledger.definitions (alert, version, kind, path) values (%s, %s, 'business', '')",
                name, item.version_id,
            )  # fmt: skip
            for parameter, value in item.parameters.items():
                self.rows(
                    "insert into ledger.parameter_values (alert, parameter, type, scope, scope_value, value, "
                    "changed_by) values (%s, %s, %s, 'default', '', %s, 'test')",
                    name, parameter, value.type, value.write(value.default),
                )  # fmt: skip
