"""The cloud provider's Cost and Usage Report: hourly line items, delivered three times for every billing month.

Each delivery states the whole month so far again, under new line-item ids, as the real report does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from alerting_pipeline.demo.calendar import AS_OF
from alerting_pipeline.demo.cost_story import CURRENCY, SPENDERS, Spender, spent

_PAYER = "210000000000"
_REGION = "eu-north-1"
_DIGITS = Decimal("0.0000000001")
_SERVICES = (
    ("AmazonEC2", "EUN1-BoxUsage:m6i.large", "RunInstances", "Hrs", "m6i.large", Decimal("0.102")),
    ("AmazonRDS", "EUN1-InstanceUsage:db.m6g.large", "CreateDBInstance", "Hrs", "db.m6g.large", Decimal("0.168")),
    ("AmazonS3", "EUN1-TimedStorage-ByteHrs", "StandardStorage", "GB-Mo", None, Decimal("0.023")),
)
HEADER = (
    "identity/LineItemId", "identity/TimeInterval", "bill/BillType", "bill/PayerAccountId",
    "bill/BillingPeriodStartDate", "bill/BillingPeriodEndDate", "lineItem/UsageAccountId", "lineItem/LineItemType",
    "lineItem/UsageStartDate", "lineItem/UsageEndDate", "lineItem/ProductCode", "lineItem/UsageType",
    "lineItem/Operation", "lineItem/AvailabilityZone", "lineItem/ResourceId", "lineItem/UsageAmount",
    "lineItem/CurrencyCode", "lineItem/UnblendedRate", "lineItem/UnblendedCost", "lineItem/BlendedRate",
    "lineItem/BlendedCost", "lineItem/LineItemDescription", "product/region", "product/instanceType",
    "product/servicecode", "pricing/term", "pricing/unit", "pricing/publicOnDemandCost",
    "savingsPlan/SavingsPlanEffectiveCost", "costCategory/CostCenter", "resourceTags/aws:createdBy",
    "resourceTags/user:app", "resourceTags/user:environment", "resourceTags/user:openshift_cluster",
    "resourceTags/user:openshift_node", "resourceTags/user:openshift_project",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of one billing month. `before_newest`: how many deliveries of the month come after it."""

    first: date
    end: date
    delivered_on: date
    before_newest: int

    @property
    def period(self) -> str:
        """The folder of the billing period, as the provider names it."""
        return f"{self.first:%Y%m%d}-{self.end:%Y%m%d}"

    @property
    def days(self) -> list[date]:
        """The days of use that it covers: those complete when it was made."""
        last = min(self.end, self.delivered_on)
        return [self.first + timedelta(days=number) for number in range((last - self.first).days)]


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


def _row(
    delivery: Delivery, day: date, hour: int, seat: tuple[str, str | None], service: tuple, cost: Decimal, name: str
) -> tuple[object, ...]:
    account, app = seat
    product, usage_type, operation, unit, instance, rate = service
    start = datetime.combine(day, time(hour), UTC)
    end = start + timedelta(hours=1)
    line_id = hashlib.sha256(f"{delivery.period}:{delivery.delivered_on}:{start}:{name}".encode()).hexdigest()[:40]
    resource = f"{product.removeprefix('Amazon').lower()}-{account[-1]}-{app or 'shared'}"
    zone = f"{_REGION}a" if instance else None
    amount = (cost / rate).quantize(_DIGITS)
    return (
        line_id, f"{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}", "Anniversary", _PAYER,
        f"{delivery.first}T00:00:00Z", f"{delivery.end}T00:00:00Z", account, "Usage",
        f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}", product, usage_type,
        operation, zone, resource, amount, CURRENCY, rate, cost, rate, cost,
        f"${rate} per {unit}", _REGION, instance, product, "OnDemand", unit, cost,
        None, None, None, app, "production", None, None, None,
    )  # fmt: skip
