"""One line of the cost report as the provider writes it: its columns, and what every line of a delivery has."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alerting_pipeline.demo.cost_story import CURRENCY

PAYER = "210000000000"
REGION = "eu-north-1"
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
    "reservation/ReservationARN", "reservation/StartTime", "reservation/EndTime",
    "savingsPlan/SavingsPlanARN", "savingsPlan/StartTime", "savingsPlan/EndTime",
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


def line(
    delivery: Delivery, start: datetime, end: datetime, name: str, values: Mapping[str, object]
) -> tuple[object, ...]:
    """One row as HEADER names it. `name` tells lines of the same time apart; the id is another one in each delivery."""
    line_id = hashlib.sha256(f"{delivery.period}:{delivery.delivered_on}:{start}:{name}".encode()).hexdigest()[:40]
    always = {
        "identity/LineItemId": line_id,
        "identity/TimeInterval": f"{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}",
        "bill/BillType": "Anniversary",
        "bill/PayerAccountId": PAYER,
        "bill/BillingPeriodStartDate": f"{delivery.first}T00:00:00Z",
        "bill/BillingPeriodEndDate": f"{delivery.end}T00:00:00Z",
        "lineItem/UsageAccountId": PAYER,
        "lineItem/UsageStartDate": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "lineItem/UsageEndDate": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "lineItem/CurrencyCode": CURRENCY,
        "lineItem/BlendedRate": values.get("lineItem/UnblendedRate"),
        "lineItem/BlendedCost": values.get("lineItem/UnblendedCost"),
        "pricing/publicOnDemandCost": values.get("lineItem/UnblendedCost"),
    }
    both = always | dict(values)
    return tuple(both.get(column) for column in HEADER)
