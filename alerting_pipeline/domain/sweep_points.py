"""From the differences that a sweep reads to the numbers of every combination: volume against precision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from typing import Any

from alerting_pipeline.domain.backtest import Span, weeks_of_data
from alerting_pipeline.domain.sweep import Axis, Unsweepable


@dataclass(frozen=True, slots=True)
class Point:
    """What one combination of values does."""

    values: Mapping[str, Decimal]
    incidents: int
    standing: int
    weeks: Mapping[date, int] = field(default_factory=dict)
    hits: int = 0
    verdicts: int = 0

    @property
    def most_in_a_week(self) -> int:
        """Of incidents."""
        return max(self.weeks.values(), default=0)


@dataclass(frozen=True, slots=True)
class Swept:
    """The numbers of every combination. `why_not_one_pass` None: the database read the past once."""

    alert: str
    span: Span
    current: Mapping[str, str]
    points: tuple[Point, ...]
    why_not_one_pass: str | None = None
    budget_per_week: Decimal | None = None
    verdicts: int = 0
    data_from: datetime | None = None

    @property
    def weeks(self) -> float:
        """What averages are taken over."""
        return weeks_of_data(self.span, self.data_from)


def points(axes: Sequence[Axis], rows: Iterable[Mapping[str, Any]], verdicts: Mapping[Any, bool]) -> list[Point]:
    """The numbers of every combination, in the order of the values. Raises Unsweepable where a condition was NULL."""
    sizes = [len(axis.values) for axis in axes]
    names = [f"b{place}" for place in range(len(sizes))]
    opened: dict[tuple[date, bool], dict[tuple[int, ...], int]] = defaultdict(lambda: defaultdict(int))
    fired: dict[Any, list[tuple[int, ...]]] = defaultdict(list)
    for row in rows:
        at = tuple(int(row[name]) for name in names)
        if row["what"] == "opened":
            opened[row["week"], row["is_first"]][at] += int(row["number"])
        elif row["what"] == "fired":
            fired[row["fingerprint"]].append(at)
        elif row["what"] == "several" and row["number"]:
            raise Unsweepable(f"the condition was NULL {row['number']:,} times for one of several rows of an entity")
    sums = {key: _running(cells, sizes) for key, cells in opened.items()}
    return sorted(
        (_point(axes, at, sums, fired, verdicts) for at in product(*(range(1, size + 1) for size in sizes))),
        key=lambda point: tuple(point.values.values()),
    )


def _point(
    axes: Sequence[Axis],
    at: tuple[int, ...],
    sums: Mapping[tuple[date, bool], Mapping[tuple[int, ...], int]],
    fired: Mapping[Any, list[tuple[int, ...]]],
    verdicts: Mapping[Any, bool],
) -> Point:
    weeks = {week: number for (week, is_first), cells in sorted(sums.items()) if not is_first and (number := cells[at])}
    known = [
        verdicts[key]
        for key, buckets in fired.items()
        if any(all(has >= asked for has, asked in zip(each, at, strict=True)) for each in buckets)
    ]
    return Point(
        values={axis.name: axis.loosest_first[place - 1] for axis, place in zip(axes, at, strict=True)},
        incidents=sum(weeks.values()),
        standing=sum(cells[at] for (_, is_first), cells in sums.items() if is_first),
        weeks=weeks,
        hits=sum(known),
        verdicts=len(known),
    )


def _running(cells: Mapping[tuple[int, ...], int], sizes: Sequence[int]) -> dict[tuple[int, ...], int]:
    """From differences to sums, from the strictest value down, one axis after the other."""
    sums = {at: cells.get(at, 0) for at in product(*(range(size + 1) for size in sizes))}
    for axis, size in enumerate(sizes):
        for at in sorted(sums, reverse=True):
            if at[axis] < size:
                sums[at] += sums[*at[:axis], at[axis] + 1, *at[axis + 1 :]]
    return sums


def values_between(start: Decimal, end: Decimal, step: Decimal, most: int) -> tuple[Decimal, ...]:
    """FROM, FROM + STEP, … up to TO; no more than `most` and one, so that a slip of the step costs nothing."""
    found = []
    while start <= end and len(found) <= most:
        found.append(start)
        start += step
    return tuple(found)
