"""Backtests over small pasts, whose counts are worked out by hand in each test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerting_pipeline.domain.backtest import Verdict
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.incident import fingerprint
from alerting_pipeline.domain.people import People
from tests.conftest import Database
from tests.usecases.past_world import DAY, MONDAY, PastWorld
from tests.usecases.world import definition as stated
from tests.usecases.world import written


def definition(**changes: Any) -> AlertDefinition:
    """Without a time to respond within: whoever counts messages by hand counts openings and endings."""
    levels = [{"level": "critical", "when": "deviance >= 10"}, {"level": "medium"}]
    return stated(**{"severity": levels, **changes})


@pytest.fixture
def world(database: Database) -> Iterator[PastWorld]:
    made = PastWorld(database)
    yield made
    made.close()


def _weeks(report: Any, side: str) -> list[tuple[date, int, int]]:
    found = getattr(report, side).weeks
    return [(week.week, week.incidents, sum(week.messages.values())) for week in found]


def test_impact_of_a_lower_limit_is_what_a_person_counts(world: PastWorld) -> None:
    """Limit 100 against 50, two weeks from Monday the 5th, evaluated at each midnight.

    a: 40, from the 7th 120, from the 9th 30             over 100 once (7th), over 50 once (7th)
    b: 70 from the 6th, all the time                     never over 100, over 50 once (6th)
    c: 200 all the time                                  there at the start for both
    d: 60 on the 8th, 20 on the 10th, 150 from the 13th  over 100 once (13th), over 50 twice (8th, 13th)
    e: 60 all the time                                   never over 100, there at the start over 50
    """
    world.keep(
        {"id": "a", "amount": 40, "since": -9, "until": 2}, {"id": "a", "amount": 120, "since": 2, "until": 4},
        {"id": "a", "amount": 30, "since": 4, "until": None},
        {"id": "b", "amount": 70, "since": 1, "until": None},
        {"id": "c", "amount": 200, "since": -9, "until": None},
        {"id": "d", "amount": 60, "since": 3, "until": 5}, {"id": "d", "amount": 20, "since": 5, "until": 8},
        {"id": "d", "amount": 150, "since": 8, "until": None},
        {"id": "e", "amount": 60, "since": -9, "until": None},
    )  # fmt: skip
    report = world.backtest(definition(), 14, {"limit": 50})
    now, then = report.in_force, report.proposed
    assert then is not None and report.change is not None
    assert (now.incidents, now.standing, now.entities, now.incidents_per_week) == (2, 1, 3, 1.0)
    assert (then.incidents, then.standing, then.entities, then.incidents_per_week) == (4, 2, 5, 2.0)
    assert (report.change.gained, report.change.lost, report.change.common) == (2, 0, 3)
    assert [each.entity["id"] for each in report.change.examples_gained] == ["b", "e"]
    # Each incident is told as it opens; a and the first of d are told when they cleared as well.
    first, second = date(2026, 1, 5), date(2026, 1, 12)
    assert _weeks(report, "in_force") == [(first, 1, 2), (second, 1, 1)]
    assert _weeks(report, "proposed") == [(first, 3, 5), (second, 1, 1)]
    assert then.deviance is not None
    assert (then.deviance.minimum, then.deviance.maximum) == (Decimal("1.2"), 3)


def test_higher_limit_loses_what_only_the_lower_one_found(world: PastWorld) -> None:
    world.keep(
        {"id": "a", "amount": 120, "since": 1, "until": None}, {"id": "b", "amount": 400, "since": 1, "until": None}
    )
    report = world.backtest(definition(), 7, {"limit": 200})
    assert report.change is not None
    assert (report.change.gained, report.change.lost, report.change.common) == (0, 1, 1)
    assert [each.entity for each in report.change.examples_lost] == [{"id": "a"}]


def test_backtest_leaves_no_trace_and_sends_nothing(world: PastWorld) -> None:
    world.publish(definition())
    world.keep({"id": "a", "amount": 120, "since": 1, "until": 3})
    before = world.rows()
    report = world.backtest(definition(), 7)
    assert report.in_force.messages == 2
    assert written(before, world.rows()) == {}
    assert world.sql("select 1 from pg_class where relname = 'incidents' and relpersistence = 't'") == []


def test_incidents_that_are_open_in_production_are_no_part_of_it(world: PastWorld) -> None:
    world.publish(definition())
    world.put({"id": "a", "amount": 900})
    world.evaluate()
    world.keep({"id": "a", "amount": 120, "since": 1, "until": None})
    report = world.backtest(definition(), 3)
    assert (report.in_force.incidents, report.in_force.standing) == (1, 0)


def test_snapshot_is_read_as_it_was_never_as_it_became(world: PastWorld) -> None:
    """On the 6th nobody knew of the 900 that came on the 8th."""
    world.keep(
        {"id": "a", "amount": 150, "since": 1, "until": 3}, {"id": "a", "amount": 900, "since": 3, "until": None}
    )
    report = world.backtest(definition(), 2)
    assert report.in_force.severities == {"medium": 1}


def test_events_are_read_by_when_they_occurred(world: PastWorld) -> None:
    world.put(
        {"id": "before", "amount": 500, "created_at": "2026-01-04T23:00:00Z"},
        {"id": "first", "amount": 500, "created_at": "2026-01-05T10:00:00Z"},
        {"id": "later", "amount": 500, "created_at": "2026-01-20T10:00:00Z"},
    )
    item = definition(occurred_at="created_at")
    report = world.backtest(item, 7, catalog=world.without_snapshot())
    assert (report.in_force.incidents, report.source) == (1, "events")
    assert report.reads == "payments by created_at, its columns as they are now"


def test_column_that_changes_later_is_read_as_the_mart_says_it_was(world: PastWorld) -> None:
    world.put({"id": "a", "amount": 500, "status": "settled", "created_at": "2026-01-05T10:00:00Z",
               "loaded_at": "2026-01-09T00:00:00Z"})  # fmt: skip
    item = definition(occurred_at="created_at")
    assert world.backtest(item, 7, catalog=world.without_snapshot()).in_force.incidents == 0
    was = {"status": "case when loaded_at > :as_of then 'pending' else status end"}
    report = world.backtest(item, 7, catalog=world.without_snapshot(as_was=was))
    assert report.in_force.incidents == 1
    assert report.in_force.messages == 2, "opened on the 6th, cleared on the 9th"


def test_condition_must_hold_as_long_in_a_replay_as_in_production(world: PastWorld) -> None:
    world.keep(
        {"id": "short", "amount": 120, "since": 1, "until": 2}, {"id": "long", "amount": 120, "since": 1, "until": 5}
    )
    report = world.backtest(definition(**{"for": "2d"}), 7)
    assert report.in_force.incidents == 1


def test_what_is_over_the_budget_waits_for_the_digest(world: PastWorld) -> None:
    world.people = People.model_validate(
        {"teams": {"risk": {"description": "x", "slack": "#risk", "budget": "2 per week"}}}
    )
    world.keep(*({"id": f"e{number}", "amount": 120, "since": number, "until": None} for number in (1, 2, 3, 4)))
    report = world.backtest(definition(), 7)
    assert report.in_force.held_back == {"budget": 2}
    [team] = report.in_force.recipients
    # Two at once; the digests of the two mornings after the third and the fourth.
    assert (team.recipient, team.messages, team.budget, team.over_budget) == ("risk", 4, "2 per week", 0.5)


def test_precision_is_that_of_the_entities_with_a_verdict(world: PastWorld) -> None:
    world.keep(*({"id": f"e{number}", "amount": 120, "since": 1, "until": None} for number in range(4)))
    keys = [fingerprint("large", {"id": f"e{number}"}) for number in range(3)]
    verdicts = {key: Verdict(key, number < 2, MONDAY) for number, key in enumerate(keys)}
    found = world.backtest(definition(), 7, verdicts=verdicts).in_force.precision
    assert found is not None
    assert (found.hits, found.of) == (2, 3)
    assert (round(found.low, 3), round(found.high, 3)) == (0.208, 0.939)


def test_replay_says_how_it_differs_from_the_ledger(world: PastWorld) -> None:
    world.publish(definition())
    world.now = MONDAY + DAY * 1.5
    world.put({"id": "both", "amount": 120}, {"id": "only there", "amount": 150})
    world.evaluate()
    world.keep(
        {"id": "both", "amount": 120, "since": 1, "until": None},
        {"id": "only here", "amount": 120, "since": 2, "until": None},
    )
    found = world.backtest(definition(), 7).against_ledger
    assert found is not None
    assert (found.common, found.gained, found.lost) == (1, 1, 1)
    assert [each.entity["id"] for each in found.examples_lost] == ["only there"]


def test_past_that_nobody_kept_is_refused_with_the_remedy(world: PastWorld) -> None:
    with pytest.raises(AlertingError, match="nobody knows how payments was: it has no snapshot"):
        world.backtest(definition(), 7, catalog=world.without_snapshot())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"limti": 3}, 'no parameter "limti"; did you mean "limit"'),
        ({"limit": "1e400"}, "limit"),
        ({"limit": "NaN"}, "limit"),
        ({"limit[gold]": 3}, "has no values per segment"),
    ],
)
def test_values_that_could_not_be_in_force_are_refused(world: PastWorld, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadCall, match=said.replace("[", r"\[")):
        world.backtest(definition(), 7, changes)


def test_time_that_runs_backwards_is_refused(world: PastWorld) -> None:
    with pytest.raises(BadCall, match="is not before --to"):
        world.backtest(definition(), -1)


def test_segment_keeps_its_own_value_when_the_default_changes(world: PastWorld) -> None:
    item = definition(parameters={"limit": {"default": 100, "by": "segment", "values": {"premium": 1000}}})
    world.keep(
        {"id": "a", "amount": 120, "segment": "premium", "since": 1, "until": None},
        {"id": "b", "amount": 60, "segment": "retail", "since": 1, "until": None},
    )
    assert world.backtest(item, 7, {"limit": 50}).proposed.entities == 1  # type: ignore[union-attr]
    assert world.backtest(item, 7, {"limit[premium]": 100}).proposed.entities == 1  # type: ignore[union-attr]


def test_nobody_acts_in_a_replay_so_what_the_clock_says_is_told_apart(world: PastWorld) -> None:
    """A day to respond: a warning after 80 % of it, and word of the breach at its end."""
    world.keep({"id": "a", "amount": 120, "since": 1, "until": None})
    report = world.backtest(stated(), 7)
    assert report.in_force.told["opened"] == 1
    assert report.in_force.told["sla_breached"] == 1


def test_every_says_how_often_it_is_evaluated(world: PastWorld) -> None:
    """What lasts half a day is missed at midnight."""
    world.keep({"id": "a", "amount": 120, "since": 1.25, "until": 1.75})
    assert world.backtest(definition(), 7).in_force.incidents == 0
    assert world.backtest(definition(), 7, every=timedelta(hours=6)).in_force.incidents == 1
