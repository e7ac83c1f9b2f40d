"""The value that a target asks for: at most so many incidents a week, or at least such a share of them right.

Of the values that keep the target it is the loosest, for that one finds the most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.sweep import Axis
from alerting_pipeline.domain.sweep_points import Point, Swept
from alerting_pipeline.domain.wilson import Share, share
from alerting_pipeline.domain.written import number as plain_number

LEAST_VERDICTS = 10
"""With fewer, the interval is too wide for a share to be promised."""

TRIED = 100
ROUND = 12
"""So many of the values are replayed first where each takes a replay of its own."""
_AT_MOST = re.compile(r"([0-9]{1,6})/(day|week)")
_SPAN = Decimal(10)


@dataclass(frozen=True, slots=True)
class Target:
    """One of the two."""

    most_per_week: Decimal | None = None
    precision: Decimal | None = None

    @property
    def described(self) -> str:
        """As the end of "the loosest value with …"."""
        if self.most_per_week is not None:
            return f"at most {self.most_per_week:g} incident{'' if self.most_per_week == 1 else 's'} a week"
        return f"a precision of at least {self.precision or 0:.0%}"


@dataclass(frozen=True, slots=True)
class Tried:
    """What one value would have done."""

    value: Decimal
    incidents_per_week: float
    precision: Share | None


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The value, and the evidence for it: what each of the values tried would have done between two instants."""

    parameter: str
    segment: str | None
    current: str
    value: Decimal
    target: str
    start: datetime
    end: datetime
    weeks: float
    incidents_per_week: float
    current_incidents_per_week: float | None
    precision: Share | None
    points: tuple[Tried, ...]
    why_not_one_pass: str | None = None

    @property
    def tried(self) -> int:
        """How many values."""
        return len(self.points)

    @property
    def is_current(self) -> bool:
        """Is it what is in force already?"""
        return self.value == Decimal(self.current)

    @property
    def evidence(self) -> Mapping[str, Any]:
        """In JSON types, as it is kept with the request."""
        return {
            "target": self.target,
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "weeks": round(self.weeks, 2),
            "tried": self.tried,
            "current": self.current,
            "value": format(self.value, "f"),
            "incidents_per_week": round(self.incidents_per_week, 2),
            "precision": _plain(self.precision),
            "points": [
                {
                    "value": format(each.value, "f"),
                    "incidents_per_week": round(each.incidents_per_week, 2),
                    "precision": _plain(each.precision),
                }
                for each in self.points
            ],
        }


def target(at_most: str | None, precision: str | None) -> Target:
    """What was asked for. Raises BadCall for neither, both, or what is no number."""
    if (at_most is None) == (precision is None):
        raise BadCall("say one of --at-most 5/week and --precision 0.8")
    if at_most is not None:
        match = _AT_MOST.fullmatch(at_most)
        if match is None:
            raise BadCall(f'--at-most "{at_most}" is not so many a week; write one such as 5/week')
        return Target(most_per_week=Decimal(match.group(1)) * (7 if match.group(2) == "day" else 1))
    written = (precision or "").strip()
    try:
        wanted = plain_number(written[:-1]) / 100 if written.endswith("%") else plain_number(written)
    except ValueError:
        wanted = Decimal(-1)
    if not 0 < wanted <= 1:
        raise BadCall(f'--precision "{precision}" is not a share between 0 and 1; write one such as 0.8 or 80%')
    return Target(precision=wanted)


def candidates(name: str, parameter: Parameter, current: Decimal) -> tuple[Decimal, ...]:
    """Values to try, of three digits: between the bounds, or a tenth to ten times the current one; the latter, too.

    Each of them could be set: where the parameter has a step, they are on it.
    """
    if parameter.type not in ("number", "integer"):
        raise BadCall(f"{name} is no number: nothing lies between two of its values; backtest the ones you mean")
    low = parameter.minimum if parameter.minimum is not None else min(current / _SPAN, current * _SPAN)
    high = parameter.maximum if parameter.maximum is not None else max(current / _SPAN, current * _SPAN)
    low, high = Decimal(low), Decimal(high)
    if low > 0 and high / low > _SPAN:
        ratio = (float(high) / float(low)) ** (1 / (TRIED - 1))
        found = [float(low) * ratio**number for number in range(TRIED)]
    else:
        found = [float(low) + (float(high) - float(low)) * number / (TRIED - 1) for number in range(TRIED)]
    return tuple(sorted(_settable(found, parameter, low, high) | {current}))


def spread(values: Sequence[Decimal], current: Decimal) -> tuple[Decimal, ...]:
    """A first round of the values, from end to end, with the current one."""
    places = {round(number * (len(values) - 1) / (ROUND - 1)) for number in range(ROUND)}
    return tuple(sorted({*(values[place] for place in places), current}))


def closer(parameter: Parameter, tried: Sequence[Decimal], best: Decimal, most: int) -> tuple[Decimal, ...]:
    """A second round: up to so many between the best of the first and its neighbours there."""
    place = tried.index(best)
    low, high = tried[max(place - 1, 0)], tried[min(place + 1, len(tried) - 1)]
    found = [float(low) + float(high - low) * number / (most + 1) for number in range(1, most + 1)]
    return tuple(sorted(_settable(found, parameter, low, high) - set(tried)))


def propose(axis: Axis, found: Swept, asked: Target, current: Decimal) -> Calibrated:
    """Raises AlertingError where no value keeps the target, or too few verdicts are known."""
    name, points, weeks = axis.name, found.points, found.weeks
    if asked.precision is not None and max((each.verdicts for each in points), default=0) < LEAST_VERDICTS:
        most = max((each.verdicts for each in points), default=0)
        raise AlertingError(
            f"only {most} of the incidents have a verdict, and a share is promised from {LEAST_VERDICTS} on; "
            "`alerting incidents resolve ID --disposition …` gives one"
        )
    keeping = [each for each in points if _keeps(each, asked, weeks)]
    if not keeping and axis.segment is not None and len({each.incidents for each in points}) == 1:
        raise AlertingError(
            f"no value of {name} changes anything: no row of that segment was near one; name another segment"
        )
    if not keeping:
        raise AlertingError(f"no value of {name} within its bounds has {asked.described}; tighten the condition itself")
    best = max(keeping, key=lambda each: (each.incidents + each.standing, -abs(each.values[name] - current)))
    now = next((each for each in points if each.values[name] == current), None)
    return Calibrated(
        parameter=axis.parameter,
        segment=axis.segment,
        current=format(current, "f"),
        value=best.values[name],
        target=asked.described,
        start=found.span.start,
        end=found.span.end,
        weeks=weeks,
        incidents_per_week=best.incidents / weeks,
        current_incidents_per_week=None if now is None else now.incidents / weeks,
        precision=share(best.hits, best.verdicts),
        points=tuple(
            Tried(each.values[name], each.incidents / weeks, share(each.hits, each.verdicts)) for each in points
        ),
        why_not_one_pass=found.why_not_one_pass,
    )


def _keeps(point: Point, asked: Target, weeks: float) -> bool:
    if asked.most_per_week is not None:
        return point.incidents <= float(asked.most_per_week) * weeks
    wanted = asked.precision or Decimal(1)
    return point.verdicts >= LEAST_VERDICTS and Decimal(point.hits) >= wanted * point.verdicts


def _plain(found: Share | None) -> Mapping[str, Any] | None:
    if found is None:
        return None
    return {
        "hits": found.hits,
        "of": found.of,
        "value": round(found.value, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
    }


def _settable(found: Iterable[float], parameter: Parameter, low: Decimal, high: Decimal) -> set[Decimal]:
    """The values of three digits between two others that could be set."""
    rounded = {min(max(_rounded(each, parameter.type), low), high) for each in found}
    settable = {Decimal(parameter.nearest(each)) for each in rounded}  # type: ignore[arg-type]  # of a number
    return {each for each in settable if low <= each <= high}


def _rounded(value: float, kind: str) -> Decimal:
    """Three digits are what a person can weigh."""
    written = Decimal(f"{value:.3g}")
    return written.quantize(Decimal(1), ROUND_HALF_EVEN) if kind == "integer" else Decimal(format(written, "f"))
