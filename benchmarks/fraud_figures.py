"""What was alerted held against what was fraud, per day, and the simplest rule to compare it with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

Payment = tuple[date, str, float | None, bool, datetime]
"""Day, number, amount, whether it was fraud, when it was made; in the order of time."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day's figures; `value` is the amount of its fraud, `caught` the part of it that was alerted."""

    name: str
    alerts: int
    hits: int
    frauds: int
    caught: float
    value: float

    @classmethod
    def of(cls, day: date, payments: Sequence[Payment], alerted: Collection[str]) -> Day:
        """The figures of one day."""
        todays = [payment for payment in payments if payment[0] == day]
        told = [payment for payment in todays if payment[1] in alerted]
        hits = [payment for payment in told if payment[3]]
        frauds = [payment for payment in todays if payment[3]]
        return cls(str(day), len(told), len(hits), len(frauds), _sum(hits), _sum(frauds))

    @classmethod
    def total(cls, days: Sequence[Day]) -> Day:
        """All of them together."""
        return cls(
            "all",
            sum(day.alerts for day in days),
            sum(day.hits for day in days),
            sum(day.frauds for day in days),
            sum(day.caught for day in days),
            sum(day.value for day in days),
        )

    @property
    def precision(self) -> float:
        """Which share of the alerts was fraud."""
        return self.hits / self.alerts if self.alerts else math.nan

    @property
    def recall(self) -> float:
        """Which share of the frauds was alerted."""
        return self.hits / self.frauds if self.frauds else math.nan


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score (1927)."""
    if not of:
        return 0.0, 1.0
    z, share = 1.959964, hits / of
    middle = share + z * z / (2 * of)
    margin = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - margin) / (1 + z * z / of), (middle + margin) / (1 + z * z / of)


def table(days: Sequence[Day]) -> str:
    """The days and their total as a Markdown table; the total with intervals."""
    lines = [
        "| day | alerts | fraud among them | precision | fraud of the day | recall | value caught |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_line(day) for day in days]
    whole = Day.total(days)
    lines.append(_line(whole, _interval(whole.hits, whole.alerts), _interval(whole.hits, whole.frauds)))
    return "\n".join(lines)


def baseline(payments: Sequence[Payment], calibrate_until: date, places: int) -> tuple[float, set[str]]:
    """The first so many payments of each day above a limit: the limit that finds most fraud on the calibrated days,
    of whole tens, and what it alerts on all days.
    """
    early = [payment for payment in payments if payment[0] <= calibrate_until]

    def hits(limit: float) -> int:
        alerted = _first(early, limit, places)
        return sum(fraud for _, number, _, fraud, _ in early if number in alerted)

    best = max(range(0, 1001, 10), key=lambda limit: (hits(limit), limit))
    return best, _first(payments, best, places)


def _first(payments: Sequence[Payment], limit: float, places: int) -> set[str]:
    taken: Counter[date] = Counter()
    alerted = set()
    for day, number, amount, _, _ in payments:
        if amount is not None and amount > limit and taken[day] < places:
            taken[day] += 1
            alerted.add(number)
    return alerted


def _sum(payments: Sequence[Payment]) -> float:
    return sum(payment[2] or 0.0 for payment in payments)


def _interval(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f" ({low:.1%} to {high:.1%})"


def _line(day: Day, of_precision: str = "", of_recall: str = "") -> str:
    share = day.caught / day.value if day.value else math.nan
    return (
        f"| {day.name} | {day.alerts} | {day.hits} | {day.precision:.1%}{of_precision} | {day.frauds} | "
        f"{day.recall:.1%}{of_recall} | {day.caught:,.0f} of {day.value:,.0f} ({share:.1%}) |"
    )
