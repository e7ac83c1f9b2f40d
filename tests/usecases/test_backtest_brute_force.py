"""A backtest of small histories comes to what a few lines of Python reckon day by day, without any of its code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alerting_pipeline.domain.backtest import Span
from alerting_pipeline.domain.value_set import ValueSet
from alerting_pipeline.usecases.backtest import Variant, replay
from tests.conftest import Database
from tests.usecases.past_world import DAY, MONDAY, PastWorld, Quiet
from tests.usecases.world import definition

pytestmark = pytest.mark.scenario  # hundreds of evaluations

DAYS = 9
ABSENT, NULL, LOW, HIGH = "absent", "null", 50, 150
Seen = tuple[Any, ...]
Ended = tuple[str, datetime, datetime | None, str | None]


class Rule(NamedTuple):
    """In days; the limit is 100."""

    hold: int
    expire: float | None
    reopen: int

    def definition(self) -> Any:
        stated = {"for": f"{self.hold}d", "expire_after": f"{int(self.expire * 24)}h" if self.expire else None,
                  "reopen_within": f"{self.reopen}d"}  # fmt: skip
        levels = [{"level": "medium"}]  # without a time to respond within, nothing but evaluations looks at it
        return definition(
            condition="amount > :limit", severity=levels, **{name: value for name, value in stated.items() if value}
        )


class ByHand:
    """One entity, day after day."""

    def __init__(self, name: str, rule: Rule) -> None:
        self.name, self.rule = name, rule
        self.incidents: list[list[Any]] = []
        self.is_open, self.is_known = False, False
        self.since: datetime | None = None

    def see(self, what: Any, at: datetime) -> None:
        if what == HIGH:
            self.let_expire(at)
            self.since = self.since or at
            if not (self.is_open or self.is_known) and at - self.since >= DAY * self.rule.hold:
                self.open(at)
        elif what in (LOW, ABSENT):
            if self.is_open:
                self.incidents[-1][2:] = [at, "cleared" if what == LOW else "withdrawn"]
            self.is_open, self.is_known, self.since = False, False, None

    def open(self, at: datetime) -> None:
        self.is_open = True
        last = self.incidents[-1] if self.incidents else None
        if last and self.rule.reopen and last[3] != "expired" and at <= last[2] + DAY * self.rule.reopen:
            last[2:] = [None, None]
        else:
            self.incidents.append([self.name, at, None, None])

    def let_expire(self, now: datetime) -> None:
        """The first evaluation that finds its time over ends it."""
        if self.is_open and self.rule.expire is not None:
            ends = self.incidents[-1][1] + DAY * self.rule.expire
            if ends <= now:
                self.incidents[-1][2:] = [now, "expired"]
                self.is_open, self.is_known = False, True


def reckoned(name: str, seen: Seen, rule: Rule) -> list[Ended]:
    entity = ByHand(name, rule)
    for day, what in enumerate(seen):
        entity.see(what, MONDAY + DAY * day)
    return [(each[0], each[1], each[2], each[3]) for each in entity.incidents]


@pytest.fixture
def world(database: Database) -> Iterator[PastWorld]:
    made = PastWorld(database)
    yield made
    made.close()


def replayed(world: PastWorld, histories: dict[str, Seen], rule: Rule) -> list[Ended]:
    world.sql("delete from marts.payments_history")
    world.keep(
        {"id": "judged", "amount": 1, "since": -3, "until": None},
        *(
            {"id": name, "amount": None if what == NULL else what, "since": day, "until": day + 1}
            for name, seen in histories.items()
            for day, what in enumerate(seen)
            if what != ABSENT
        ),
    )
    item, span = rule.definition(), Span(MONDAY, MONDAY + DAY * (DAYS - 1), timedelta(days=1))
    variant = Variant(item, ValueSet.of_definition(item))
    found = replay(variant, span, lambda each: world.stage(each, span, world.catalog), Quiet(), "random")
    assert found.failures == ()
    rows = [(each.entity["id"], each.opened_at, each.resolved_at, each.resolution) for each in found.episodes]
    return [(str(name), at, ended, None if how is None else str(how)) for name, at, ended, how in rows]


def held_to(world: PastWorld, histories: list[Seen], rule: Rule) -> None:
    named = {f"e{number}": seen for number, seen in enumerate(histories)}
    expected = [each for name, seen in named.items() for each in reckoned(name, seen, rule)]
    assert sorted(replayed(world, named, rule), key=str) == sorted(expected, key=str)


def histories(*states: Any) -> Any:
    one = st.lists(st.sampled_from(states), min_size=DAYS, max_size=DAYS).map(tuple)
    return st.lists(one, min_size=8, max_size=8)


_SETTINGS = settings(
    phases=[Phase.generate],  # a history is short enough to be read as it is
    max_examples=4, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@_SETTINGS
@given(histories(ABSENT, LOW, HIGH, HIGH), st.sampled_from([0, 1, 2]), st.sampled_from([None, 2, 2.5]))
def test_for_and_expiry(world: PastWorld, seen: list[Seen], hold: int, expire: float | None) -> None:
    held_to(world, seen, Rule(hold, expire, 0))


@_SETTINGS
@given(histories(ABSENT, NULL, LOW, HIGH, HIGH), st.sampled_from([1, 2]))
def test_reopening_and_null(world: PastWorld, seen: list[Seen], reopen: int) -> None:
    held_to(world, seen, Rule(0, None, reopen))
