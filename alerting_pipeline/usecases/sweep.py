"""Many values of one or two parameters: in one pass over the past where that is exact, one replay each elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

from alerting_pipeline.domain.backtest import Summing
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.history import History
from alerting_pipeline.domain.ports import Progress
from alerting_pipeline.domain.reading import read
from alerting_pipeline.domain.sweep import Axis, Unsweepable, sweep_of
from alerting_pipeline.domain.sweep_points import Point, Swept, points
from alerting_pipeline.domain.value_set import ValueSet
from alerting_pipeline.usecases.backtest import Stages, Variant, replay

MOST_POINTS = 1_000
MOST_REPLAYS = 50
Rows = Callable[[str, Mapping[str, Any] | None], Sequence[Mapping[str, Any]]]


class TooManyReplays(BadCall):
    """One pass would not be exact, and there are too many values to replay each."""


@dataclass(frozen=True, slots=True)
class Sweeping:
    """What a sweep needs. `rows` asks the warehouse, `stages` are those of a backtest."""

    variant: Variant
    history: History
    summing: Summing
    rows: Rows
    stages: Stages
    budget_per_week: Decimal | None = None


def sweep(asked: Sweeping, axes: Sequence[Axis], progress: Progress) -> Swept:
    """Raises BadCall for values that can't be in force, or too many of them."""
    definition, span = asked.variant.definition, asked.summing.span
    if len({axis.name for axis in axes}) < len(axes):
        raise BadCall(f"--sweep names {axes[0].name} twice; write its values as one range")
    number = 1
    for axis in axes:
        number *= len(axis.values)
        for value in axis.values:  # none is tried that could not be set
            asked.variant.values.changed(definition, {axis.name: format(value, "f")})
    if number > MOST_POINTS:
        raise BadCall(f"{number:,} combinations are more than {MOST_POINTS:,}; take a greater step")
    try:
        found, why = _in_one_pass(asked, axes), None
    except Unsweepable as error:
        if number > MOST_REPLAYS:
            raise TooManyReplays(
                f"{error}; each of the {number:,} combinations would be replayed by itself, and {MOST_REPLAYS} are the "
                "most: take a greater step"
            ) from None
        found, why = _one_by_one(asked, axes, progress), str(error)
    return Swept(
        definition.alert,
        span,
        {axis.name: standing(asked.variant.values, axis) for axis in axes},
        tuple(found),
        why,
        asked.budget_per_week,
        len(asked.summing.verdicts),
        asked.summing.data_from,
    )


def standing(values: ValueSet, axis: Axis) -> str:
    """What is in force of what is swept; a segment without a value of its own has the default."""
    return values.value_of(axis.name) or values.value_of(axis.parameter) or ""


def _in_one_pass(asked: Sweeping, axes: Sequence[Axis]) -> list[Point]:
    definition, instants = asked.variant.definition, asked.summing.span.instants
    if definition.query is not None:
        raise Unsweepable(f"{definition.alert} reads a query")
    reading = read(definition, asked.history.relation(instants[-1]).columns, instants[-1])
    planned = sweep_of(definition, reading, axes, asked.history)
    verdicts = asked.summing.verdicts
    sql = planned.sql(reading, asked.history, instants, asked.variant.values)
    rows = asked.rows(sql, {"fingerprints": list(verdicts)})
    has_null = any(row["what"] == "unknown" and row["number"] for row in rows)
    if has_null:
        unjudged = planned.unjudged_sql(reading, asked.history, instants, asked.variant.values)
        if asked.rows(unjudged, None)[0]["is_found"]:
            raise Unsweepable("some evaluation saw nothing but NULL, and would have judged nothing")
    return points(planned.axes, rows, {key: each.is_true for key, each in verdicts.items()})


def _one_by_one(asked: Sweeping, axes: Sequence[Axis], progress: Progress) -> list[Point]:
    found = []
    for combination in product(*(axis.values for axis in axes)):
        values = {axis.name: value for axis, value in zip(axes, combination, strict=True)}
        written = {name: format(value, "f") for name, value in values.items()}
        definition = asked.variant.definition
        variant = Variant(definition, asked.variant.values.changed(definition, written))
        label = ", ".join(f"{name} {value}" for name, value in written.items())
        replayed = replay(variant, asked.summing.span, asked.stages, progress, label)
        side = asked.summing.side(written, replayed)
        found.append(
            Point(
                values,
                side.incidents,
                side.standing,
                {week.week: week.incidents for week in side.weeks if week.incidents},
                side.precision.hits if side.precision else 0,
                side.precision.of if side.precision else 0,
            )
        )
    return found
