"""What the cost report charges without anybody having used it: support, tax, credits, and fees of commitments.

They stand in the paying account, which is no team's, so they are what has to be shared out; and the fees that were
paid for a year in advance are what has to be spread over its days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from alerting_pipeline.demo.cost_lines import Delivery, line

KEYS = (
    ("support", "proportional", None, None),
    ("tax", "proportional", None, None),
    ("credit", "equal", None, None),
    ("refund", "proportional", None, None),
    ("untagged", "equal", None, None),
    ("commitment", "fixed", "checkout", 3),
    ("commitment", "fixed", "search", 3),
    ("commitment", "fixed", "data-science", 5),
)
"""Rows of the export shared_cost_keys: category, key, team and share where the shares are fixed."""


@dataclass(frozen=True, slots=True)
class _Charge:
    """A charge of every month: on which day of it (0 and less: in the month before), and what it is."""

    day: int
    kind: str
    product: str
    cost: str
    words: str


@dataclass(frozen=True, slots=True)
class _Commitment:
    """A commitment for a year, paid wholly or partly in advance, and what it costs each month besides."""

    arn: str
    bought_at: datetime
    kind: str
    product: str
    upfront: str
    monthly: str | None

    @property
    def prefix(self) -> str:
        return "savingsPlan" if self.kind.startswith("SavingsPlan") else "reservation"

    @property
    def ends_at(self) -> datetime:
        """The last second of its term, as the provider writes it."""
        return self.bought_at.replace(year=self.bought_at.year + 1) - timedelta(seconds=1)


_MONTHLY = (
    _Charge(1, "Fee", "AWSSupportBusiness", "412.3456789012", "AWS Support (Business)"),
    _Charge(1, "Tax", "AmazonEC2", "1873.1234567891", "Tax of type VAT"),
    _Charge(6, "Credit", "AmazonRDS", "-350.5", "Credit for the migration"),
    _Charge(-1, "Refund", "AmazonS3", "-42.4242424242", "Refund for an outage"),
)
_COMMITMENTS = (
    _Commitment(
        "arn:aws:savingsplans::210000000000:savingsplan/0a1b2c3d", datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
        "SavingsPlanUpfrontFee", "ComputeSavingsPlans", "3650.0000000001", None,
    ),
    _Commitment(
        "arn:aws:ec2:eu-north-1:210000000000:reserved-instances/4e5f6a7b", datetime(2026, 1, 2, tzinfo=UTC),
        "Fee", "AmazonEC2", "1000", "93.07",
    ),
)  # fmt: skip


def charges(delivery: Delivery) -> Iterator[tuple[object, ...]]:
    """The rows of one delivery; the same in each delivery of the month."""
    for number, charge in enumerate(_MONTHLY):
        start = _midnight(delivery.first + timedelta(days=charge.day - 1))
        values = {
            "lineItem/LineItemType": charge.kind,
            "lineItem/ProductCode": charge.product,
            "lineItem/UnblendedCost": Decimal(charge.cost),
            "lineItem/LineItemDescription": charge.words,
        }
        yield line(delivery, start, start + timedelta(days=1), f"charge:{number}", values)
    for each in _COMMITMENTS:
        if delivery.first <= each.bought_at.date() < delivery.end:
            yield _fee(delivery, each, each.kind, each.upfront, each.bought_at)
        if each.monthly is not None and each.bought_at.date() < delivery.end:
            since = max(_midnight(delivery.first), each.bought_at)
            yield _fee(delivery, each, "RIFee", each.monthly, since)


def _fee(delivery: Delivery, each: _Commitment, kind: str, cost: str, since: datetime) -> tuple[object, ...]:
    """An upfront fee is dated by its purchase; a monthly one by the days of the month that it is for."""
    until = _midnight(delivery.end) if kind == "RIFee" else since + timedelta(hours=1)
    values = {
        "lineItem/LineItemType": kind,
        "lineItem/ProductCode": each.product,
        "lineItem/UnblendedCost": Decimal(cost),
        "lineItem/LineItemDescription": f"{'Monthly' if kind == 'RIFee' else 'Upfront'} fee of {each.arn}",
        f"{each.prefix}/{'SavingsPlanARN' if each.prefix == 'savingsPlan' else 'ReservationARN'}": each.arn,
        f"{each.prefix}/StartTime": f"{each.bought_at:%Y-%m-%dT%H:%M:%S.000Z}",
        f"{each.prefix}/EndTime": f"{each.ends_at:%Y-%m-%dT%H:%M:%S.000Z}",
    }
    return line(delivery, since, until, f"{kind}:{each.arn}", values)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
