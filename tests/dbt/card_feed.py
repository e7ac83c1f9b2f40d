"""Card payments made up at random for tests, and what the models should say of them, worked out one by one.

The second is written from the description of the models, with loops over all payments and no window: slow and plain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 45


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as the feed delivers it."""

    number: int
    at: datetime
    customer: int
    terminal: int
    amount: float
    is_fraud: bool

    @property
    def row(self) -> dict[str, object]:
        """With the names of the raw table."""
        return {
            "transaction_id": self.number,
            "tx_datetime": self.at.replace(tzinfo=None),
            "customer_id": self.customer,
            "terminal_id": self.terminal,
            "tx_amount": self.amount,
            "tx_fraud": int(self.is_fraud),
        }


def feed(seed: int, payments: int = 240) -> list[Payment]:
    """Six customers with habits of their own at three terminals, one of which is compromised for four weeks; some
    payments are made at the same second, and some are jumps or large.
    """
    dice = Random(seed)
    begin = dice.randrange(10)
    instants = sorted(START + timedelta(seconds=dice.randrange(DAYS * 288) * 300) for _ in range(payments))
    made = []
    for number, at in enumerate(instants):
        customer, terminal = dice.randrange(6), dice.randrange(3)
        is_jump = dice.random() < 0.08
        amount = round((10 + 12 * customer) * (0.3 + 1.4 * dice.random()) * (5 if is_jump else 1), 2)
        is_compromised = terminal == 0 and begin <= (at - START).days < begin + 28
        made.append(Payment(number, at, customer, terminal, amount, is_jump or is_compromised))
    return made


def tampered(payments: Sequence[Payment], until: datetime, known: timedelta) -> list[Payment]:
    """The same up to an instant, except for labels that could not be known then; everything later is another story."""
    changed = []
    for payment in payments:
        if payment.at > until:
            if payment.number % 3:
                changed.append(replace(payment, amount=payment.amount * 7, customer=0, terminal=0, is_fraud=True))
        elif payment.at > until - known:
            changed.append(replace(payment, is_fraud=not payment.is_fraud))
        else:
            changed.append(payment)
    return changed


@dataclass(frozen=True, slots=True)
class Expected:
    """What a payment's row should say."""

    times_usual: float
    recent_jumps: int
    reports: int
    still_compromised: float


def expected(payments: Sequence[Payment]) -> dict[int, Expected]:
    """Of each payment by its number; payments in the order of time."""
    first = {each.number: each.amount / _usual(_earlier(payments, each, 30)) for each in payments}
    jumps = {number for number, times in first.items() if times >= 2.5}
    calm = [each for each in payments if each.number not in jumps]
    times = {each.number: each.amount / _usual(_earlier(calm, each, 30)) for each in payments}
    loud = [each for each in payments if each.number in jumps]
    found = {}
    for each in payments:
        reports, chance = _terminal(payments, each, times)
        found[each.number] = Expected(times[each.number], len(_earlier(loud, each, 14)), reports, chance)
    return found


def _earlier(payments: Sequence[Payment], payment: Payment, days: int) -> list[Payment]:
    since = payment.at - timedelta(days=days)
    return [each for each in payments if each.customer == payment.customer and since <= each.at < payment.at]


def _usual(payments: Sequence[Payment]) -> float:
    return (math.fsum(each.amount for each in payments) + 2 * 53) / (len(payments) + 2)


def _terminal(payments: Sequence[Payment], payment: Payment, times: dict[int, float]) -> tuple[int, float]:
    """How many known frauds of the terminal end its known history, and the chance that it still is compromised."""
    row: list[datetime] = []
    clean = None
    for each in payments:
        if each.terminal != payment.terminal or each.at > payment.at - timedelta(days=7):
            continue
        if not each.is_fraud:
            row, clean = [], each.at
        elif each.amount <= 220 and times[each.number] < 2:
            row.append(each.at)
    if not row:
        return 0, 0.0
    weeks = timedelta(days=28)

    def beginnings(lasting_until: datetime) -> float:
        earliest = lasting_until - weeks if clean is None else max(clean, lasting_until - weeks)
        return max(0.0, (row[0] - earliest).total_seconds())

    whole = beginnings(row[-1])
    return len(row), beginnings(payment.at) / whole if whole else 0.0
