"""Invoices and their payments, with those that customers must be reminded of now, and those that only look like it.

Ordinary invoices are paid days before they are due, so the story's own decide what is sent and what fires.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from alerting_pipeline.demo.calendar import AS_OF
from alerting_pipeline.demo.company import Customer, pick
from alerting_pipeline.demo.labels import Kind, Label

INVOICES_A_DAY = 40
INVOICE_COLUMNS = (
    "invoice_id", "customer_id", "billing_email", "timezone", "issued_at", "due_at", "amount", "currency",
)  # fmt: skip
_TERMS = timedelta(days=14)
_ZONES = {
    "AT": "Europe/Vienna", "BE": "Europe/Brussels", "EE": "Europe/Tallinn", "FI": "Europe/Helsinki",
    "FR": "Europe/Paris", "IE": "Europe/Dublin", "NO": "Europe/Oslo", "PT": "Europe/Lisbon",
}  # fmt: skip
_REMINDER, _OVERDUE, _SKIPPED = "payment_reminder", "overdue_invoice", "report_rows_skipped"
_TOLD = ("#receivables", "overdue_invoices")


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of an invoice."""

    amount: Decimal
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice and what was paid of it. `email` and `zone` are as the customer's record has them."""

    invoice_id: str
    customer_id: int
    email: str | None
    zone: str | None
    issued_at: datetime
    due_at: datetime
    amount: Decimal
    payments: tuple[Payment, ...] = ()

    def as_row(self) -> tuple[object, ...]:
        """The invoice as INVOICE_COLUMNS name it."""
        issued_at, due_at = self.issued_at.isoformat(), self.due_at.isoformat()
        return self.invoice_id, self.customer_id, self.email, self.zone, issued_at, due_at, self.amount, "EUR"


@dataclass(frozen=True, slots=True)
class _Plot:
    """One case. `due` is in minutes from AS_OF (negative: past), `paid` the share paid, in percent."""

    alert: str
    kind: Kind
    due: int
    zone: str | None
    why: str
    amount: int = 480
    paid: int = 0
    has_email: bool = True


_HOUR, _DAY = 60, 24 * 60
_PLOTS = (
    _Plot(_REMINDER, "exception", _DAY - 1, "Europe/Helsinki", "due in 23 h 59, and 08:00 where the customer is"),
    _Plot(_REMINDER, "exception", _DAY, "Asia/Kolkata", "due in a day to the minute, and 11:30 there"),
    _Plot(_REMINDER, "exception", 5 * _HOUR, "Asia/Tokyo", "a third is still open", amount=900, paid=67),
    _Plot(_REMINDER, "exception", 9 * _HOUR, "Asia/Kathmandu", "11:45 there, three quarters past UTC's hour"),
    _Plot(_REMINDER, "exception", 7 * _HOUR, "Mars/Olympus", "a zone that is none: our own hours hold"),
    _Plot(_REMINDER, "near_miss", 25 * _HOUR, "Europe/Helsinki", "due in 25 hours"),
    _Plot(_REMINDER, "near_miss", 10 * _HOUR, "Europe/Helsinki", "due today, and paid", paid=100),
    _Plot(_REMINDER, "near_miss", 20 * _HOUR, "Europe/Berlin", "07:00 there: an hour too early"),
    _Plot(_REMINDER, "near_miss", 20 * _HOUR, "America/New_York", "01:00 there"),
    _Plot(_REMINDER, "near_miss", 20 * _HOUR, "America/Los_Angeles", "still Sunday there"),
    _Plot(_REMINDER, "near_miss", 20 * _HOUR, "Pacific/Kiritimati", "20:00 there: the working day is over"),
    _Plot(_REMINDER, "near_miss", -1, "Europe/Helsinki", "due a minute ago: too late to remind of"),
    _Plot(_REMINDER, "near_miss", 8 * _HOUR, "Europe/Helsinki", "nobody gave an address", has_email=False),
    _Plot(_OVERDUE, "exception", -3 * _DAY - 1, "Europe/Oslo", "a minute past the grace"),
    _Plot(_OVERDUE, "exception", -5 * _DAY, "Europe/Paris", "five days overdue, a tenth still open", paid=90),
    _Plot(_OVERDUE, "exception", -6 * _DAY, "America/New_York", "six days overdue", amount=2_400),
    _Plot(_OVERDUE, "exception", -8 * _DAY, "Europe/Lisbon", "over a week overdue: time to call", amount=1_150),
    _Plot(_OVERDUE, "near_miss", -3 * _DAY, "Europe/Oslo", "at the very end of its grace"),
    _Plot(_OVERDUE, "near_miss", -5 * _DAY, "Europe/Paris", "due five days ago, and paid", paid=100),
    _Plot(_OVERDUE, "near_miss", -6 * _DAY, "Europe/Dublin", "paid twice: we owe the customer", paid=200),
)


def planted_invoices() -> tuple[list[Invoice], list[Label]]:
    """The invoices of the story and their labels."""
    invoices, labels = [], []
    for number, plot in enumerate(_PLOTS):
        invoice = _planted(number, plot)
        invoices.append(invoice)
        told = _TOLD if plot.alert == _OVERDUE else (invoice.email or "",)
        to = told if plot.kind == "exception" else ()
        labels.append(Label(plot.alert, {"invoice_id": invoice.invoice_id}, plot.kind, plot.why, to))
    why = "one row of the reminder has no address, which the data team hears of once"
    labels.append(Label(_SKIPPED, {"report": _REMINDER}, "exception", why, ("#data-team",)))
    return invoices, labels


def ordinary_invoices(seed: int, day: date, customers: Sequence[Customer]) -> Iterator[Invoice]:
    """The ordinary invoices of one day in the order of time, each paid in full within ten days."""
    dice = Random(f"{seed}:invoices:{day}")  # noqa: S311  (a story, not a secret)
    count = int(INVOICES_A_DAY * (0.9 + 0.2 * dice.random()))
    minutes = sorted(int(7 * 60 + 10 * 60 * dice.random()) for _ in range(count))
    midnight = datetime.combine(day, time(), UTC)
    choices = tuple(customers)
    for serial, minute in enumerate(minutes):
        customer = pick(dice, choices)
        issued_at = midnight + timedelta(minutes=minute)
        amount = Decimal(int(2_000 + 100 * customer.usual * (1 + 3 * dice.random()))) / 100
        paid_at = issued_at + timedelta(hours=int(24 + 9 * 24 * dice.random()))
        parts = (amount,) if dice.random() < 0.9 else (amount / 2, amount - amount / 2)
        yield Invoice(
            invoice_id=f"I-{day:%Y%m%d}-{serial:03}",
            customer_id=customer.customer_id,
            email=f"billing@customer-{customer.customer_id}.example",
            zone=_ZONES[customer.country],
            issued_at=issued_at,
            due_at=issued_at + _TERMS,
            amount=amount,
            payments=tuple(Payment(part, paid_at + timedelta(minutes=n)) for n, part in enumerate(parts)),
        )


def payments(invoices: Sequence[Invoice]) -> Iterator[tuple[date, dict[str, object]]]:
    """Each payment up to now, with the day in whose file the bank reports it."""
    for invoice in invoices:
        for number, payment in enumerate(invoice.payments):
            if payment.paid_at <= AS_OF:
                yield (
                    payment.paid_at.date(),
                    {
                        "payment_id": f"{invoice.invoice_id}-{number}",
                        "invoice_id": invoice.invoice_id,
                        "amount": str(payment.amount),
                        "paid_at": payment.paid_at.isoformat(),
                    },
                )


def _planted(number: int, plot: _Plot) -> Invoice:
    due_at = AS_OF + timedelta(minutes=plot.due)
    issued_at = due_at - timedelta(days=5)
    amount = Decimal(plot.amount)
    paid = amount * plot.paid / 100
    booked_at = min(due_at, AS_OF) - timedelta(hours=26)
    return Invoice(
        invoice_id=f"I-{issued_at:%Y%m%d}-9{number:02}",
        customer_id=7 + number * 31,
        email=f"accounts@customer-{7 + number * 31}.example" if plot.has_email else None,
        zone=plot.zone,
        issued_at=issued_at,
        due_at=due_at,
        amount=amount,
        payments=(Payment(paid, booked_at),) if paid else (),
    )
