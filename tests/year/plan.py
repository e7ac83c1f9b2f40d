"""What happens in the simulated year, and when: evaluations, outages, storms, and the hours at which people act.

Drawn once from a seed, so that every run of the same length is the same run.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum

from tests.year.company import BEGIN, MARTS, METRICS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_EVALUATED_AT = (time(5, 10), time(14, 10))
_ACTED_AT = (time(3, 30), time(10, 30))


class What(IntEnum):
    """In the order of the same instant."""

    OUTAGE_BEGINS = 0
    OUTAGE_ENDS = 1
    STORM = 2
    LULL = 3
    EVALUATION = 4
    ACTS = 5
    TICK = 6


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One thing at one instant; `mart` and `metric` where it concerns one."""

    at: datetime
    what: What
    mart: str = ""
    metric: str = ""


@dataclass(frozen=True, slots=True)
class Outage:
    """The data of a mart can't be believed in [begin, end)."""

    mart: str
    begin: datetime
    end: datetime


@dataclass(slots=True)
class Plan:
    """The whole run of so many days."""

    days: int
    outages: list[Outage] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @classmethod
    def of(cls, days: int, chance: random.Random) -> Plan:
        """An outage and a storm somewhere every eight days, from the third day on."""
        plan = cls(days)
        marts = list(MARTS)
        for number, day in enumerate(range(2, days - 2, 8)):
            mart = marts[number % len(marts)]
            begin = plan.begin + day * DAY + chance.randrange(24 * 4) * timedelta(minutes=15)
            plan.outages.append(Outage(mart, begin, begin + chance.randrange(5, 40) * HOUR))
            plan._storm(marts[(number + chance.randrange(2)) % len(marts)], day, chance)
        plan._regular()
        plan.entries.sort()
        return plan

    @property
    def begin(self) -> datetime:
        """Midnight UTC of the first day."""
        return datetime.combine(BEGIN, time(0), UTC)

    @property
    def end(self) -> datetime:
        """Midnight UTC after the last day."""
        return self.begin + self.days * DAY

    def outage_at(self, mart: str, at: datetime) -> Outage | None:
        """The outage of the mart that holds the instant."""
        return next((each for each in self.outages if each.mart == mart and each.begin <= at < each.end), None)

    def _storm(self, mart: str, day: int, chance: random.Random) -> None:
        begin = self.begin + (day + 1) * DAY + chance.randrange(24) * HOUR
        metric = chance.choice(METRICS)
        self.entries.append(Entry(begin, What.STORM, mart, metric))
        self.entries.append(Entry(begin + chance.randrange(8, 30) * HOUR, What.LULL, mart, metric))

    def _regular(self) -> None:
        for outage in self.outages:
            self.entries.append(Entry(outage.begin, What.OUTAGE_BEGINS, outage.mart))
            self.entries.append(Entry(outage.end, What.OUTAGE_ENDS, outage.mart))
        for day in range(self.days):
            midnight = self.begin + day * DAY
            for at in _EVALUATED_AT:
                for number, mart in enumerate(MARTS):
                    ahead = timedelta(hours=at.hour, minutes=at.minute + 7 * number)
                    self.entries.append(Entry(midnight + ahead, What.EVALUATION, mart))
            self.entries += [Entry(midnight + _ahead(at), What.ACTS) for at in _ACTED_AT]
            self.entries += [Entry(midnight + hour * HOUR, What.TICK) for hour in range(24)]

    def __iter__(self) -> Iterator[Entry]:
        return (entry for entry in self.entries if entry.at < self.end)


def _ahead(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute)
