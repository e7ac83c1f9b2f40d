"""Machines that run at the on-demand price: some so steadily that a commitment would have been cheaper, some not.

They are all the warehouse team's, in one account, hour by hour as the report states them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from alerting_pipeline.demo.calendar import day_before
from alerting_pipeline.demo.cost_lines import REGION, Delivery, line
from alerting_pipeline.demo.cost_story import HEARS
from alerting_pipeline.demo.labels import Kind, Label

TEAM = "warehouse"
ACCOUNT = "210000000006"
DAILY_BUDGET = 3_500
_ALERT = "uncovered_on_demand"
_RESTATED_DAY = day_before(7)


@dataclass(frozen=True, slots=True)
class _Fleet:
    """Machines of one type: the price of an hour in USD, and how many run, by the day and the hour."""

    kind: Kind
    usage_type: str
    instance: str
    rate: str
    running: Callable[[date, int], int]
    why: str
    region: str = REGION
    is_covered: bool = False


_FLEETS = (
    _Fleet(
        "exception", "EUN1-BoxUsage:r6i.4xlarge", "r6i.4xlarge", "1.072", lambda day, hour: 12,
        "twelve machines that never stop",
    ),
    _Fleet(
        "exception", "BoxUsage:c6i.8xlarge", "c6i.8xlarge", "1.36", lambda day, hour: 14 if 8 <= hour < 18 else 9,
        "nine machines that never stop, below a peak by day", region="us-east-1",
    ),
    _Fleet(
        "exception", "EUN1-InstanceUsage:db.r6g.4xlarge", "db.r6g.4xlarge", "2.15", lambda day, hour: 6,
        "six databases that never stop",
    ),
    _Fleet(
        "near_miss", "EUN1-BoxUsage:m6i.16xlarge", "m6i.16xlarge", "3.264",
        lambda day, hour: 20 if 1 <= hour < 3 else 0, "dear, but two hours a night",
    ),
    _Fleet(
        "near_miss", "EUN1-BoxUsage:g5.2xlarge", "g5.2xlarge", "1.114", lambda day, hour: 10,
        "steady, and fourteen cents a day below the amount",
    ),
    _Fleet(
        "near_miss", "EUN1-BoxUsage:r6i.8xlarge", "r6i.8xlarge", "2.144",
        lambda day, hour: 10 if day >= day_before(6) else 0, "steady and dear, but for six days only",
    ),
    _Fleet(
        "near_miss", "EUN1-BoxUsage:m6i.8xlarge", "m6i.8xlarge", "1.632",
        lambda day, hour: 12 if day.weekday() < 5 else 0, "dear, but idle at weekends",
    ),
    _Fleet(
        "near_miss", "EUN1-BoxUsage:m5.8xlarge", "m5.8xlarge", "1.53",
        lambda day, hour: 8 if day <= day_before(3) else 0, "was steady, and was stopped two days ago",
    ),
    _Fleet(
        "near_miss", "EUN1-BoxUsage:c6i.4xlarge", "c6i.4xlarge", "0.742", lambda day, hour: 16,
        "steady, and covered by a savings plan already", is_covered=True,
    ),
)  # fmt: skip


def labels() -> list[Label]:
    """The labels of the fleets."""
    return [
        Label(
            _ALERT,
            {"account_id": ACCOUNT, "usage_type": each.usage_type, "region": each.region},
            each.kind,
            each.why,
            HEARS if each.kind == "exception" else (),
        )
        for each in _FLEETS
    ]


def machine_hours(delivery: Delivery, day: date) -> Iterator[tuple[object, ...]]:
    """The rows of one day; covered use is stated, and taken back by a line of its own, as the provider does."""
    for number, fleet in enumerate(_FLEETS):
        for hour in range(24):
            machines = fleet.running(day, hour)
            if number == 0 and day == _RESTATED_DAY and delivery.before_newest:
                machines -= 2  # two machines that only the newest delivery knows of
            if machines and fleet.is_covered:
                yield _row(delivery, day, hour, fleet, (machines, "SavingsPlanCoveredUsage"))
                yield _row(delivery, day, hour, fleet, (-machines, "SavingsPlanNegation"))
            elif machines:
                yield _row(delivery, day, hour, fleet, (machines, "Usage"))


def _row(delivery: Delivery, day: date, hour: int, fleet: _Fleet, what: tuple[int, str]) -> tuple[object, ...]:
    machines, kind = what
    start = datetime.combine(day, time(hour), UTC)
    product = "AmazonRDS" if fleet.instance.startswith("db.") else "AmazonEC2"
    values = {
        "lineItem/UsageAccountId": ACCOUNT,
        "lineItem/LineItemType": kind,
        "lineItem/ProductCode": product,
        "lineItem/UsageType": fleet.usage_type,
        "lineItem/Operation": "CreateDBInstance" if product == "AmazonRDS" else "RunInstances",
        "lineItem/UsageAmount": abs(machines),
        "lineItem/UnblendedRate": fleet.rate,
        "lineItem/UnblendedCost": Decimal(fleet.rate) * machines,
        "lineItem/LineItemDescription": f"${fleet.rate} per Hrs",
        "product/region": fleet.region,
        "product/instanceType": fleet.instance,
        "product/servicecode": product,
        "pricing/term": "OnDemand",
        "pricing/unit": "Hrs",
    }
    return line(delivery, start, start + timedelta(hours=1), f"{kind}:{fleet.usage_type}", values)
