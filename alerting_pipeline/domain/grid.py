"""A grid: the values of a number or a duration that may be set where a parameter says `step`.

It starts at the minimum, or at zero where there is none, and goes up and down from there. All of it is exact: a number
is reckoned with as the fraction that was written, so 0.1 three times is 0.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Context, Decimal
from fractions import Fraction
from math import floor

Measure = Decimal | int | timedelta
_EXACT = Context(prec=120)  # a number has at most 30 digits before its point and 18 behind it
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Grid:
    """Values `step` apart from the minimum on, within the bounds. All of one type."""

    step: Measure
    minimum: Measure | None = None
    maximum: Measure | None = None

    def has(self, value: Measure) -> bool:
        """Is it on the grid?"""
        return self._place(value).denominator == 1

    def around(self, value: Measure) -> tuple[Measure, ...]:
        """The values next to it on the grid within the bounds, the lesser first; at an end, it alone."""
        place = self._place(value)
        places = sorted({min(max(each, self._first), self._last) for each in (floor(place), -floor(-place))})
        return tuple(dict.fromkeys(self._at(each) for each in places))

    def nearest(self, value: Measure) -> Measure:
        """The value on the grid that is nearest; of two as near, the lesser."""
        return min(self.around(value), key=lambda each: abs(_fraction(each) - _fraction(value)))

    @property
    def _origin(self) -> Measure:
        return self.step - self.step if self.minimum is None else self.minimum  # type: ignore[operator]  # of one type

    @property
    def _first(self) -> float:
        return float("-inf") if self.minimum is None else 0

    @property
    def _last(self) -> float:
        return float("inf") if self.maximum is None else floor(self._place(self.maximum))

    def _place(self, value: Measure) -> Fraction:
        return (_fraction(value) - _fraction(self._origin)) / _fraction(self.step)

    def _at(self, place: float) -> Measure:
        number = int(place)
        if isinstance(self.step, Decimal):
            found = _EXACT.fma(self.step, Decimal(number), self._origin)  # type: ignore[arg-type]  # of one type
            return _EXACT.to_integral(found) if found == found.to_integral() else _EXACT.normalize(found)
        return self._origin + number * self.step  # type: ignore[operator]  # of one type


def _fraction(value: Measure) -> Fraction:
    return Fraction(value // _MICROSECOND) if isinstance(value, timedelta) else Fraction(value)
