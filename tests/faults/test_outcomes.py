"""True, false, NULL, NaN, absent, empty, stale and broken, in every order, through the real engine.

Each entity lives through a sequence of its own; what must be open at each moment is worked out beside it, from the
rules in the words of docs/architecture.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from alerting_pipeline.domain.evaluation import HEALTHY, EvaluationResult, Health
from tests.conftest import Database
from tests.soak.promise import Measured, Promise, shows
from tests.usecases.world import World, definition

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
ENTITIES, STEPS = 250, 8
PROMISE = Promise(
    "outcomes",
    "NULL, NaN, empty, stale and error are distinct, and none of them resolves or reopens",
    f"{{count}} random sequences of {STEPS} states through the real engine, {ENTITIES} entities at once",
    500,
    10_000,
)
SCORES: dict[str, Any] = {"fires": 150, "is false": 1, "is null": None, "is NaN": "NaN"}
Outcomes = dict[str, str]
Results = dict[str, EvaluationResult]
STALE = Health(("freshness of payments failed",))


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()


@shows(PROMISE)
def test_only_a_row_that_was_read_opens_or_ends_an_incident(world: World, measured: Measured) -> None:
    rule = {"condition": "score / count > :limit", "severity": [{"level": "medium", "respond_within": "1d"}]}
    world.publish(definition(alert="may_be_empty", **rule), definition(alert="must_not", on_empty="no_data", **rule))
    dice, evaluations, runs = random.Random(20260105), 0, max(1, measured.count // ENTITIES)
    for _ in range(runs):
        world.sql("truncate ledger.incidents restart identity cascade")
        is_open: dict[str, set[str]] = {"may_be_empty": set(), "must_not": set()}
        for _ in range(STEPS):
            world.later(days=30)
            wholly = dice.choices(["read", "empty", "stale", "broken"], [6, 1, 1, 1])[0]
            states = {f"t{number}": dice.choice([*SCORES, "is absent"]) for number in range(ENTITIES)}
            wanted, results = _step(world, wholly, states, is_open)
            for alert, outcome in wanted.items():
                found = world.sql("select entity ->> 'id' as id from ledger.incidents "
                                  "where status <> 'resolved' and alert = %s", alert)  # fmt: skip
                assert {row["id"] for row in found} == is_open[alert], (wholly, alert)
                assert len(found) == len(is_open[alert])
                assert results[alert].outcome == outcome, (wholly, alert)
            evaluations += 1
    measured.says(
        f"{runs * ENTITIES:,} sequences, {evaluations:,} evaluations of each of 2 definitions: 0 wrong states"
    )


def _step(world: World, wholly: str, states: dict[str, str], is_open: dict[str, set[str]]) -> tuple[Outcomes, Results]:
    """Let it happen; returns the outcome that each definition must have, and the one that it has."""
    rows = [{"id": name, "score": SCORES[state], "count": 1} for name, state in states.items() if state in SCORES]
    if wholly == "empty":
        rows = []
    elif wholly == "broken":
        rows.append({"id": "by zero", "score": 5, "count": 0})
    world.put(*rows)
    results = world.evaluate(health=STALE if wholly == "stale" else HEALTHY)
    if wholly == "stale":
        return dict.fromkeys(is_open, "data_failure"), results
    if wholly == "broken":
        return dict.fromkeys(is_open, "system_failure"), results
    if wholly == "empty":
        is_open["may_be_empty"].clear()
        return {"may_be_empty": "clear", "must_not": "no_data"}, results
    for opened in is_open.values():
        opened |= {name for name, state in states.items() if state == "fires"}
        opened -= {name for name, state in states.items() if state in ("is false", "is absent")}
    return dict.fromkeys(is_open, "firing"), results
