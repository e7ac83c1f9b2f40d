"""The cloud provider's Cost and Usage Report: hourly line items, delivered three times for every billing month.

Each delivery states the whole month so far again, under new line-item ids, as the real report does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from alerting_pipeline.demo.calendar import AS_OF
from alerting_pipeline.demo.cost_charges import charges
from alerting_pipeline.demo.cost_fleets import machine_hours
from alerting_pipeline.demo.cost_lines import HEADER, REGION, Delivery, line
from alerting_pipeline.demo.cost_months import MONTHS, Month
from alerting_pipeline.demo.cost_story import SPENDERS, Spender, spent

__all__ = ["HEADER", "Delivery", "deliveries", "line_items"]

_DIGITS = Decimal("0.0000000001")
_SERVICES = (
    ("AmazonEC2", "EUN1-BoxUsage:m6i.large", "RunInstances", "Hrs", "m6i.large", Decimal("0.102")),
    ("AmazonRDS", "EUN1-InstanceUsage:db.m6g.large", "CreateDBInstance", "Hrs", "db.m6g.large", Decimal("0.168")),
    ("AmazonS3", "EUN1-TimedStorage-ByteHrs", "StandardStorage", "GB-Mo", None, Decimal("0.023")),
)


def deliveries(days: Sequence[date]) -> list[Delivery]:
    """The deliveries of every billing month that the days touch, in the order in which they were made."""
    months = sorted({day.replace(day=1) for day in days})
    found = []
    for first in months:
        end = (first + timedelta(days=32)).replace(day=1)
        newest = min(end + timedelta(days=4), AS_OF.date())
        found += [Delivery(first, end, newest - timedelta(days=before), before) for before in (2, 1, 0)]
    return sorted(found, key=lambda delivery: (delivery.delivered_on, delivery.first))


def line_items(seed: int, delivery: Delivery) -> Iterator[tuple[object, ...]]:
    """The rows of one delivery as HEADER names them."""
    for day in delivery.days:
        for spender in SPENDERS:
            total = spent(seed, spender, day, delivery.before_newest)
            yield from _day_of(seed, delivery, spender, day, total)
        for month in MONTHS:
            yield from _storage(delivery, month, day)
        yield from machine_hours(delivery, day)
    yield from charges(delivery)


def _day_of(seed: int, delivery: Delivery, spender: Spender, day: date, total: Decimal) -> Iterator[tuple[object, ...]]:
    """Hourly rows that add up to the day's total exactly: the last one takes what rounding left."""
    dice = Random(f"{seed}:hours:{spender.team}:{day}")  # noqa: S311  (a story, not a secret)
    places = [(seat, service, hour) for seat in spender.seats for service in _SERVICES for hour in range(24)]
    weights = [Decimal(str(round(0.5 + dice.random(), 6))) for _ in places]
    whole = sum(weights)
    left = total
    for number, ((seat, service, hour), weight) in enumerate(zip(places, weights, strict=True)):
        is_last = number == len(places) - 1
        cost = left if is_last else (total * weight / whole).quantize(_DIGITS)
        left -= cost
        yield _row(delivery, day, hour, seat, service, cost, f"{spender.team}:{number}")


def _storage(delivery: Delivery, month: Month, day: date) -> Iterator[tuple[object, ...]]:
    """The day of a team that only stores: four equal lines (its amounts can be divided by four)."""
    total = month.spent(day, delivery.before_newest)
    if total is not None:
        for hour in range(0, 24, 6):
            yield _row(delivery, day, hour, (month.account, None), _SERVICES[2], total / 4, f"{month.team}:{hour}")


def _row(
    delivery: Delivery, day: date, hour: int, seat: tuple[str, str | None], service: tuple, cost: Decimal, name: str
) -> tuple[object, ...]:
    account, app = seat
    product, usage_type, operation, unit, instance, rate = service
    start = datetime.combine(day, time(hour), UTC)
    values = {
        "lineItem/UsageAccountId": account,
        "lineItem/LineItemType": "Usage",
        "lineItem/ProductCode": product,
        "lineItem/UsageType": usage_type,
        "lineItem/Operation": operation,
        "lineItem/AvailabilityZone": f"{REGION}a" if instance else None,
        "lineItem/ResourceId": f"{product.removeprefix('Amazon').lower()}-{account[-1]}-{app or 'shared'}",
        "lineItem/UsageAmount": (cost / rate).quantize(_DIGITS),
        "lineItem/UnblendedRate": rate,
        "lineItem/UnblendedCost": cost,
        "lineItem/LineItemDescription": f"${rate} per {unit}",
        "product/region": REGION,
        "product/instanceType": instance,
        "product/servicecode": product,
        "pricing/term": "OnDemand",
        "pricing/unit": unit,
        "resourceTags/user:app": app,
        "resourceTags/user:environment": "production",
    }
    return line(delivery, start, start + timedelta(hours=1), name, values)
