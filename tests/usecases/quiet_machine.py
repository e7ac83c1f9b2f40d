"""A machine that does what people, evaluations and the clock may do to messages, in any order, on the real engine; and
asks after every step what must hold: nothing told twice, nothing lost, nobody over their budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.event import Resolve, Snooze
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.silence import Silence, matcher_of
from alerting_pipeline.domain.snooze import StandingSnooze
from alerting_pipeline.store.silences import Silences
from alerting_pipeline.usecases import act
from alerting_pipeline.usecases.silence import silence
from tests.usecases.world import START, World, definition

ENTITIES = ("t1", "t2", "t3", "t4", "t5")
FINE, MEDIUM, WORSE, CRITICAL = 50, 150, 400, 5000
KEPT = ("definitions", "definition_versions", "parameter_values", "audit_log", "people", "alembic_version")
LEVELS = [{"level": "critical", "when": "deviance >= 10"}, {"level": "medium", "respond_within": "1d"}]
INHIBIT = [{"source": {"severity": ["critical"]}, "target": {"severity": ["medium"]}, "equal": ["segment"]}]
WINDOWS = {"day": timedelta(days=1), "week": timedelta(weeks=1)}
BRANCHES: tuple[Mapping[str, Any], ...] = (
    {},
    {"group_by": ["segment"]},
    {"group_by": [], "group_wait": "10m", "group_interval": "1h"},
    {"digest": "daily"},
)


@dataclass(frozen=True)
class Setting:
    """How the company wants it: the branch, the budget of whoever reads #risk, and whether critical inhibits medium."""

    branch: Mapping[str, Any]
    budget: tuple[int, str] | None
    inhibits: bool


SETTINGS = st.builds(
    Setting,
    branch=st.sampled_from(BRANCHES),
    budget=st.sampled_from([None, (1, "day"), (3, "week"), (0, "week")]),
    inhibits=st.booleans(),
)
ACTIONS = st.one_of(
    st.tuples(
        st.just("find"),
        st.dictionaries(st.sampled_from(ENTITIES), st.sampled_from([FINE, MEDIUM, WORSE, CRITICAL]), max_size=5),
    ),
    st.tuples(st.just("wait"), st.sampled_from([5, 60, 300, 1440, 8 * 1440])),
    st.tuples(st.just("silence"), st.sampled_from(["alert=large", "segment=a", "severity=medium"])),
    st.tuples(st.just("end_silence"), st.none()),
    st.tuples(st.just("snooze"), st.integers(0, 4)),
    st.tuples(st.just("snooze_all"), st.none()),
    st.tuples(st.just("acknowledge"), st.integers(0, 4)),
    st.tuples(st.just("resolve"), st.integers(0, 4)),
)
Action = tuple[str, Any]


@dataclass
class Machine:
    """One run: a world that was emptied, and the setting."""

    world: World
    setting: Setting
    silences: list[int] = field(default_factory=list)
    taken_snoozed: set[int] = field(default_factory=set)  # whoever took it while it was snoozed knows of it

    def __post_init__(self) -> None:
        world = self.world
        tables = world.sql("select relname from pg_class where relnamespace = 'ledger'::regnamespace and relkind = 'r'")
        names = [f"ledger.{table['relname']}" for table in tables if table["relname"] not in KEPT]
        world.sql(f"truncate {', '.join(names)} cascade")
        world.now = START
        branch = {"name": "all", "destinations": ["#risk"], **self.setting.branch}
        inhibit = INHIBIT if self.setting.inhibits else []
        world.tree = RoutingTree.model_validate({"fallback": ["#data"], "routes": [branch], "inhibit": inhibit})
        team: dict[str, Any] = {"slack": "#risk"}
        if self.setting.budget is not None:
            team["budget"] = "{} per {}".format(*self.setting.budget)
        world.people = People.model_validate({"people": {"ada": {}}, "teams": {"risk": team}})
        world.publish(definition(fields=["segment"], severity=LEVELS, update_when={"deviance_changes_by": 1}))
        world.put()

    def run(self, actions: Sequence[Action]) -> None:
        """Every action, and after it what the clock does; then the end of all of it."""
        for name, argument in actions:
            getattr(self, f"_{name}")(argument)
            self.world.remind()
            assert self.world.flush().failed == ()
            self.check()
        self._settle()

    def _find(self, amounts: Mapping[str, int]) -> None:
        rows = [{"id": key, "amount": amount, "segment": "ab"[int(key[1]) % 2]} for key, amount in amounts.items()]
        self.world.put(*rows)
        self.world.evaluate()

    def _wait(self, minutes: int) -> None:
        self.world.later(minutes=minutes)

    def _silence(self, matcher: str) -> None:
        ends_at = self.world.now + timedelta(hours=5)
        made = Silences(self.world.engine).add(Silence(matcher_of([matcher]), self.world.now, ends_at, "ada", "known"))
        self.silences.append(made.silence_id or 0)

    def _end_silence(self, _: None) -> None:
        if self.silences:
            Silences(self.world.engine).end(self.silences.pop(), "ada", self.world.now)

    def _snooze_all(self, _: None) -> None:
        standing = StandingSnooze(self.world.now + timedelta(hours=4), "ada", "inventory", alert="large")
        silence(self.world.desk, standing, self.world.held, self.world.now)

    def _snooze(self, place: int) -> None:
        self._do(place, lambda number: act.snooze(
            self.world.desk, number, Snooze("ada", self.world.now + timedelta(hours=3)), self.world.now
        ))  # fmt: skip

    def _acknowledge(self, place: int) -> None:
        found = self.world.incidents("status <> 'resolved'")[place : place + 1]
        self.taken_snoozed |= {row["incident_id"] for row in found if row["status"] == "snoozed"}
        self._do(place, lambda number: act.acknowledge(self.world.desk, number, "ada", self.world.now))

    def _resolve(self, place: int) -> None:
        self._do(place, lambda number: act.resolve(self.world.desk, number, Resolve("ada"), self.world.now))

    def _do(self, place: int, what: Any) -> None:
        found = self.world.incidents("status <> 'resolved'")
        if place < len(found):
            with suppress(AlertingError):  # such as acknowledging it twice: refused, and nothing happened
                what(found[place]["incident_id"])

    def _settle(self) -> None:
        """Everything is forgiven, time goes on: whatever was held back is told by then, or over."""
        self.world.put()
        self.world.later(days=1)
        self.world.evaluate()
        for _ in range(4):
            self.world.later(days=8)
            self.world.remind()
            self.world.flush()
        self.check()
        held = self.world.sql("select * from ledger.held_notifications where settled_at is null and due_at is not null")
        assert held == []

    def check(self) -> None:
        """What must hold at any moment."""
        self._nothing_is_told_twice()
        self._nothing_is_lost()
        self._nobody_is_over_budget(self.world.now)

    def _nothing_is_told_twice(self) -> None:
        twice = self.world.sql("""
            with told as (
                select incident_id, destination, transition from ledger.outbox where incident_id is not null
                union all
                select h.incident_id, h.destination, h.transition
                from ledger.held_notifications h join ledger.outbox o using (delivery_id)
                where h.fate = 'told' and o.incident_id is null
            ),
            happened as (select incident_id, event as transition, count(*) from ledger.incident_events group by 1, 2)
            select t.incident_id, t.destination, t.transition, count(*), h.count as happened
            from told t left join happened h using (incident_id, transition)
            group by 1, 2, 3, 5 having count(*) > coalesce(h.count, 0)
        """)
        assert twice == []
        both = self.world.sql("""
            select h.held_id from ledger.held_notifications h
            where (h.fate = 'told') <> (h.delivery_id is not null) or (h.settled_at is null) <> (h.fate is null)
                or h.reason = '' or h.settled_at < h.held_at
        """)
        assert both == []

    def _nothing_is_lost(self) -> None:
        unheard = self.world.sql("""
            select i.incident_id, i.status, i.severity from ledger.incidents i
            where i.status <> 'resolved' and i.status <> 'snoozed'
                and not i.incident_id = any(%s)
                and not exists (
                    select from ledger.outbox o where o.incident_id = i.incident_id and o.destination = '#risk'
                )
                and not exists (
                    select from ledger.held_notifications h
                    where h.incident_id = i.incident_id and h.destination = '#risk' and h.fate is distinct from 'ended'
                )
        """, list(self.taken_snoozed))  # fmt: skip
        assert unheard == [], "open, and neither told nor held back for a reason"
        open_ended = self.world.sql("""
            select i.incident_id from ledger.incidents i
            where i.status = 'resolved'
                and exists (
                    select from ledger.outbox o
                    where o.incident_id = i.incident_id and o.transition in ('opened', 'reopened', 'woken')
                )
                and not exists (
                    select from ledger.outbox o where o.incident_id = i.incident_id
                        and o.transition in ('cleared', 'withdrawn', 'resolved', 'expired')
                )
        """)
        assert open_ended == [], "told of its beginning, and never of its end"
        forgotten = self.world.sql(
            "select held_id from ledger.held_notifications where due_at <= %s and settled_at is null", self.world.now
        )
        assert forgotten == [], "was due, and is neither told nor over"

    def _nobody_is_over_budget(self, now: datetime) -> None:
        if self.setting.budget is None:
            return
        messages, per = self.setting.budget
        [row] = self.world.sql(
            "select count(*) as n from ledger.outbox where destination = '#risk' and told_at > %s and told_at <= %s "
            "and transition in ('opened', 'reopened', 'woken') and message ->> 'severity' <> 'critical'",
            now - WINDOWS[per], now,
        )  # fmt: skip
        assert row["n"] <= messages
