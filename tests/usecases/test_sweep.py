"""A sweep's numbers are those of single backtests, on pasts that chance made up."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.backtest import Span, Summing, Verdict
from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.history import history_of
from alerting_pipeline.domain.incident import fingerprint
from alerting_pipeline.domain.sweep import Axis
from alerting_pipeline.domain.sweep_points import Point
from alerting_pipeline.domain.value_set import ValueSet
from alerting_pipeline.usecases.backtest import Variant
from alerting_pipeline.usecases.sweep import Sweeping, Swept, sweep
from tests.conftest import Database
from tests.usecases.past_world import DAY, MONDAY, PastWorld, Quiet
from tests.usecases.world import definition

DAYS, ENTITIES = 12, 12
SEGMENTS = ("retail", "premium", "gold")


@pytest.fixture
def world(database: Database) -> Iterator[PastWorld]:
    made = PastWorld(database)
    yield made
    made.close()


def swept(
    world: PastWorld, item: AlertDefinition, axes: Sequence[Axis], catalog: Catalog | None = None,
    verdicts: Mapping[Any, Verdict] | None = None,
) -> Swept:  # fmt: skip
    catalog = catalog or world.catalog
    span = Span(MONDAY, MONDAY + DAY * DAYS)
    asked = Sweeping(
        Variant(item, ValueSet.of_definition(item)), history_of(item, catalog),
        Summing(span, world.addressee, verdicts or {}), Warehouse(world.database.reader_url).rows,
        lambda variant: world.stage(variant, span, catalog),
    )  # fmt: skip
    return sweep(asked, axes, Quiet())


def single(
    world: PastWorld, item: AlertDefinition, point: Point, catalog: Catalog | None, verdicts: Any = None
) -> Point:
    """The same numbers from a backtest of these values alone."""
    changes = {name: format(value, "f") for name, value in point.values.items()}
    side = world.backtest(item, DAYS, changes, catalog=catalog, verdicts=verdicts).proposed
    assert side is not None
    weeks = {week.week: week.incidents for week in side.weeks if week.incidents}
    told = side.precision
    return Point(point.values, side.incidents, side.standing, weeks, told.hits if told else 0, told.of if told else 0)


def past(world: PastWorld, chance: random.Random, *, has_nulls: bool = False) -> None:
    """Each entity comes, changes at some midnights, and may go and come back; some amounts meet a limit exactly."""
    rows: list[dict[str, Any]] = []
    amounts: list[float | None] = [50, 100, 100.5, 150, 200]
    scores: list[float | None] = []
    statuses: list[str | None] = ["settled"]
    if has_nulls:
        amounts += [None, None]
        scores.append(None)
        statuses.append(None)
        rows.append({"id": "judged", "amount": 1, "score": 0, "status": "pending", "since": -3, "until": None})
    for number in range(ENTITIES):
        changes = sorted(chance.sample(range(-2, DAYS), chance.randrange(2, 7)))
        for since, until in zip(changes, [*changes[1:], None], strict=True):
            if chance.random() < 0.2:
                continue
            rows.append(
                {
                    "id": f"e{number}",
                    "amount": chance.choice([*amounts, chance.randrange(300)]),
                    "score": chance.choice([*scores, chance.random(), chance.random()]),
                    "segment": chance.choice(SEGMENTS),
                    "status": chance.choice(["pending", "pending", *statuses]),
                    "since": since,
                    "until": until,
                }
            )
    world.keep(*rows)


AXIS = Axis("limit", tuple(Decimal(each) for each in (50, 100, 150, 200)))
OTHER = Axis("least", tuple(Decimal(each) for each in ("0.25", "0.5", "0.75")))
LIMIT = {"limit": {"default": 100}}
BY_SEGMENT = {"limit": {"default": 100, "by": "segment", "values": {"premium": 150}}}


@pytest.mark.scenario
@pytest.mark.parametrize(
    ("condition", "parameters", "axes"),
    [
        ("amount > :limit and status = 'pending'", LIMIT, (AXIS,)),
        ("amount >= :limit", LIMIT, (AXIS,)),
        (":limit >= amount and status = 'pending'", LIMIT, (AXIS,)),
        ("amount < :limit", LIMIT, (AXIS,)),
        ("amount > :limit and status = 'pending'", BY_SEGMENT, (AXIS,)),
        ("amount > :limit and score > :least", {**LIMIT, "least": {"default": "0.5"}}, (AXIS, OTHER)),
    ],
)
def test_numbers_equal_single_backtests(world: PastWorld, condition: str, parameters: Any, axes: Any) -> None:
    past(world, random.Random(condition))
    item = definition(condition=condition, parameters=parameters)
    verdicts = {
        (key := fingerprint("large", {"id": f"e{number}"})): Verdict(key, number % 3 == 0, MONDAY)
        for number in range(0, ENTITIES, 2)
    }
    found = swept(world, item, axes, verdicts=verdicts)
    assert found.why_not_one_pass is None
    assert len(found.points) == (4 if len(axes) == 1 else 12)
    assert sum(point.incidents for point in found.points) > 0
    shown = found.points if len(axes) == 1 else found.points[::3]
    assert [single(world, item, point, None, verdicts) for point in shown] == list(shown)


def test_events_that_never_change_are_read_once_with_the_same_numbers(world: PastWorld) -> None:
    chance = random.Random(7)
    world.put(
        *(
            {"id": f"e{number}", "amount": chance.choice([50, 100, 120, 180, 260]),
             "created_at": (MONDAY + DAY * chance.randrange(-2, DAYS)).isoformat()}
            for number in range(30)
        )
    )  # fmt: skip
    item = definition(occurred_at="created_at", condition="amount > :limit")
    catalog = world.without_snapshot()
    found = swept(world, item, (AXIS,), catalog)
    assert found.why_not_one_pass is None
    assert [single(world, item, point, catalog) for point in found.points] == list(found.points)


def test_events_that_change_later_are_read_at_each_evaluation(world: PastWorld) -> None:
    chance = random.Random(8)
    world.put(
        *(
            {"id": f"e{number}", "amount": chance.choice([50, 100, 120, 180, 260]), "status": "settled",
             "created_at": (MONDAY + DAY * chance.randrange(-2, DAYS)).isoformat(),
             "loaded_at": (MONDAY + DAY * chance.randrange(DAYS)).isoformat()}
            for number in range(30)
        )
    )  # fmt: skip
    item = definition(occurred_at="created_at")
    catalog = world.without_snapshot(as_was={"status": "case when loaded_at > :as_of then 'pending' else status end"})
    found = swept(world, item, (AXIS,), catalog)
    assert found.why_not_one_pass is None
    assert [single(world, item, point, catalog) for point in found.points] == list(found.points)


@pytest.mark.scenario
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"for": "1d"}, "says for"),
        ({"condition": "amount > :limit * 2"}, "does not stand in one comparison"),
        ({"condition": "amount > :limit or score > 2"}, "does not stand in one comparison"),
        ({"clear_when": "amount < 20"}, "says clear_when"),
    ],
)
def test_what_one_pass_can_not_tell_is_replayed_value_by_value(world: PastWorld, changes: Any, why: str) -> None:
    past(world, random.Random(3))
    axis = Axis("limit", (Decimal(50), Decimal(150)))
    item = definition(**changes)
    found = swept(world, item, (axis,))
    assert found.why_not_one_pass is not None
    assert why in found.why_not_one_pass
    assert [single(world, item, point, None) for point in found.points] == list(found.points)


@pytest.mark.scenario
@pytest.mark.parametrize(
    ("condition", "parameters", "axes"),
    [
        ("amount > :limit and status = 'pending'", LIMIT, (AXIS,)),
        ("amount > :limit and score > :least", {**LIMIT, "least": {"default": "0.5"}}, (AXIS, OTHER)),
    ],
)
def test_null_holds_what_is_open_in_one_pass_as_in_single_backtests(
    world: PastWorld, condition: str, parameters: Any, axes: Any
) -> None:
    past(world, random.Random(f"{condition} 2"), has_nulls=True)
    item = definition(condition=condition, parameters=parameters)
    found = swept(world, item, axes)
    assert found.why_not_one_pass is None
    shown = found.points[:: len(axes)]
    assert [single(world, item, point, None) for point in shown] == list(shown)


def test_null_between_two_violations_is_the_same_incident(world: PastWorld) -> None:
    """Of `b`, a NULL status leaves open what its amount of 60 may hold: what it violates of the 120 before."""
    world.keep(
        {"id": "judged", "amount": 1, "since": -3, "until": None},
        {"id": "a", "amount": 120, "since": 1, "until": 3}, {"id": "a", "amount": None, "since": 3, "until": 4},
        {"id": "a", "amount": 120, "since": 4, "until": None},
        {"id": "b", "amount": 120, "since": 1, "until": 3},
        {"id": "b", "amount": 60, "status": None, "since": 3, "until": 4},
        {"id": "b", "amount": 120, "since": 4, "until": None},
        {"id": "c", "amount": None, "since": 1, "until": 3}, {"id": "c", "amount": 120, "since": 3, "until": None},
    )  # fmt: skip
    found = swept(world, definition(), (AXIS,))
    assert found.why_not_one_pass is None
    assert [point.incidents for point in found.points] == [3, 4, 0, 0]
    assert [single(world, definition(), point, None) for point in found.points[:2]] == list(found.points[:2])


def test_evaluation_that_saw_nothing_but_null_makes_each_value_be_replayed(world: PastWorld) -> None:
    world.keep(
        {"id": "a", "amount": 120, "since": 1, "until": 3}, {"id": "a", "amount": None, "since": 3, "until": 4},
        {"id": "a", "amount": 120, "since": 4, "until": None},
    )  # fmt: skip
    found = swept(world, definition(), (Axis("limit", (Decimal(50), Decimal(150))),))
    assert found.why_not_one_pass is not None
    assert "nothing but NULL" in found.why_not_one_pass
    assert [point.incidents for point in found.points] == [1, 0]


def test_values_out_of_bounds_are_refused(world: PastWorld) -> None:
    item = definition(parameters={"limit": {"default": 100, "maximum": 120}})
    with pytest.raises(BadCall, match="over the maximum"):
        swept(world, item, (AXIS,))
