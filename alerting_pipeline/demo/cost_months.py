"""Teams whose whole month is the story: what the end of it will have cost, and what restatements did to its days.

Their amounts are stated, not drawn, so that a forecast can come out at exactly the share at which people are told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from alerting_pipeline.demo.calendar import AS_OF, day_before
from alerting_pipeline.demo.cost_story import HEARS
from alerting_pipeline.demo.labels import Kind, Label

MONTH = AS_OF.date().replace(day=1)
PERIOD = "20260101-20260201"
_FORECAST = "forecast_over_budget"
_RESTATED = "bill_restated"
ALL = "all teams"


@dataclass(frozen=True, slots=True)
class Month:
    """A team with an account of its own: what it spends on a day, what it may spend, and what that comes to.

    `days` has the days on which it spends otherwise, as amounts by the newest delivery; `earlier` the same by the
    deliveries before, where they differ. None: there is no line of that day at all.
    """

    team: str
    account: str
    daily_budget: int
    monthly_budget: int
    daily: str
    kind: Kind
    why: str
    days: dict[date, str | None] = field(default_factory=dict)
    earlier: dict[date, str] = field(default_factory=dict)
    earlier_daily: str | None = None
    since: date | None = None

    def spent(self, day: date, before_newest: int) -> Decimal | None:
        """What a day comes to in one delivery, in USD; None: nothing is reported for it."""
        if self.since is not None and day < self.since:
            return None
        amount = self.days.get(day, self.daily)
        if before_newest:
            amount = self.earlier.get(day, self.earlier_daily or amount)
        return None if amount is None else Decimal(amount)


_FIRST_TEN = {MONTH.replace(day=number): "400" for number in range(1, 11)}
MONTHS = (
    Month(
        "payments-api", "210000000011", 260, 5_000, "200", "exception", "a quarter over its month at the usual rate",
        earlier={day_before(10): "150"},
    ),
    Month(
        "media", "210000000012", 450, 3_500, "10", "exception", "over its month by the tenth, quiet since",
        days=_FIRST_TEN | {day_before(5): None}, earlier={day_before(5): "180"},
    ),
    Month(
        "reporting", "210000000013", 140, 3_100, "110.5", "exception", "half a percent over the share that is allowed",
        earlier={day_before(9): "61.5"},
    ),
    Month("archive", "210000000014", 140, 3_100, "110", "near_miss", "exactly at the share that is allowed"),
    Month(
        "batch", "210000000015", 1_200, 3_000, "60", "near_miss", "one day at sixteen times the usual, and no more",
        days={MONTH.replace(day=9): "1000"}, earlier={day_before(6): "260"},
    ),
    Month(
        "labs", "210000000016", 600, 2_000, "500", "near_miss", "began two days ago, too little to go by",
        since=day_before(2),
    ),
    Month(
        "tools", "210000000017", 140, 3_000, "100", "near_miss", "over by earlier deliveries, within it by the newest",
        earlier_daily="130",
    ),
)  # fmt: skip
_UNPLANNED = (
    ("unallocated", "nobody's cost has no budget"),
    (ALL, "some teams are over, all together are not"),
    ("checkout", "two days over its daily budget do not make a month"),
)
_RESTATEMENTS: tuple[tuple[Kind, str, int, str], ...] = (
    ("exception", "210000000001", 3, "a closed day came to cost half as much again"),
    ("exception", "210000000002", 4, "a hundred dollars of a closed day were taken back"),
    ("exception", "210000000012", 5, "all lines of a closed day were withdrawn"),
    ("exception", "210000000015", 6, "most of a closed day was taken back"),
    ("near_miss", "210000000003", 2, "two hundred dollars more, but the day was not over in the delivery before"),
    ("near_miss", "210000000003", 7, "a few percent, as every delivery brings"),
    ("near_miss", "210000000006", 7, "over fifty dollars, but less than the share"),
    ("near_miss", "210000000011", 10, "by a third, but by exactly the amount that is allowed"),
    ("near_miss", "210000000013", 9, "nearly doubled, but a dollar less than the amount"),
    ("near_miss", "210000000017", 8, "by a quarter, but small"),
)


def labels() -> list[Label]:
    """The labels of the months and of the restated days."""
    entity = {"billing_period": PERIOD}
    found = [Label(_FORECAST, entity | {"team": each.team}, each.kind, each.why, _to(each.kind)) for each in MONTHS]
    found += [Label(_FORECAST, entity | {"team": team}, "near_miss", why) for team, why in _UNPLANNED]
    for kind, account, days_ago, why in _RESTATEMENTS:
        day = {"account_id": account, "day": day_before(days_ago).isoformat()}
        found.append(Label(_RESTATED, day, kind, why, _to(kind)))
    return found


def _to(kind: Kind) -> tuple[str, ...]:
    return HEARS if kind == "exception" else ()
