"""The planted customers of the retargeting list: worth a lot and gone quiet, and those who only look so.

Each appears for this alone and always pays the same amount, so that no payment of theirs looks large or unusual to the
rules for fraud. The near misses miss by a cent, a day or a consent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from alerting_pipeline.demo.calendar import STORY_DAYS, at, day_before
from alerting_pipeline.demo.company import Customer, person_name
from alerting_pipeline.demo.labels import Kind, Label
from alerting_pipeline.demo.payments import Payment

CONSENT_COLUMNS = ("customer_id", "email", "is_given", "changed_on")
_ALERT = "retargeting_candidate"
_TO = ("retargeting_list", "retargeting_file")
_FIRST_CUSTOMER = 9_201
_FIRST_SERIAL = 8_000  # of the payments of a day; ordinary ones stay below, those of the other story above


@dataclass(frozen=True, slots=True)
class Plot:
    """One customer: so many payments of one amount, the last so many days ago, and what the lists say of a consent.

    A consent that is None is in no list. `declined`: as many of the payments were declined.
    """

    kind: Kind
    segment: str
    payments: int
    amount: float
    last_paid: int
    why: str
    consent: bool | None = True
    consent_before: bool | None = True
    declined: int = 0


PLOTS = (
    Plot("exception", "retail", 10, 250.0, 10, "2,500 USD, and nothing for nine days"),
    Plot("exception", "premium", 12, 500.0, 9, "6,000 USD, and nothing for eight days"),
    Plot("exception", "business", 11, 2_000.0, 12, "22,000 USD, and nothing for eleven days"),
    Plot("exception", "retail", 8, 625.0, 8, "5,000 USD, and nothing for exactly a week"),
    Plot("exception", "retail", 10, 230.0, 11, "agreed to be written to only in the newest list", consent_before=False),
    Plot("near_miss", "retail", 10, 250.0, 10, "did not agree to be written to", consent=False, consent_before=False),
    Plot("near_miss", "retail", 10, 260.0, 10, "is in no list of consents", consent=None, consent_before=None),
    Plot("near_miss", "premium", 12, 500.0, 9, "agreed once, and withdrew it since", consent=False),
    Plot("near_miss", "retail", 3, 666.66, 10, "quiet, but worth two cents too little"),
    Plot("near_miss", "retail", 12, 300.0, 1, "worth a lot, and paid yesterday"),
    Plot("near_miss", "retail", 10, 250.0, 7, "worth a lot, and quiet for a day less than a week"),
    Plot("near_miss", "premium", 9, 500.0, 10, "worth more than the retail bar, less than the premium one"),
    Plot("near_miss", "retail", 10, 250.0, 10, "worth a lot on paper, but half of it was declined", declined=5),
)


def planned_customers() -> list[Customer]:
    """The customers of the story."""
    return [
        Customer(_FIRST_CUSTOMER + number, person_name(100 + number), plot.segment, "NO", 0.0)
        for number, plot in enumerate(PLOTS)
    ]


def planned_payments() -> tuple[list[Payment], list[Label]]:
    """Every payment of the story in the order of time, and the labels of its customers."""
    made = sorted(
        (payment for number, plot in enumerate(PLOTS) for payment in _payments(_FIRST_CUSTOMER + number, plot)),
        key=lambda payment: (payment.made_at, payment.customer_id),
    )
    serials: dict[date, int] = {}
    numbered = []
    for payment in made:
        day = payment.made_at.date()
        serials[day] = serials.get(day, _FIRST_SERIAL - 1) + 1
        numbered.append(payment.numbered(serials[day]))
    labels = [
        Label(
            _ALERT,
            {"customer_id": str(_FIRST_CUSTOMER + number)},
            plot.kind,
            plot.why,
            to=_TO if plot.kind == "exception" else (),
        )
        for number, plot in enumerate(PLOTS)
    ]
    return numbered, labels


def consent_rows(customers: Iterable[Customer], is_newest: bool) -> list[tuple[object, ...]]:
    """The CRM's list: of the ordinary customers two in three agreed, of the planted ones as their plot says."""
    rows: list[tuple[object, ...]] = [
        (each.customer_id, _address(each.customer_id), _said(each.customer_id % 3 != 0), date(2025, 5, 2))
        for each in customers
    ]
    for number, plot in enumerate(PLOTS):
        consent = plot.consent if is_newest else plot.consent_before
        if consent is not None:
            changed_on = day_before(2) if is_newest and consent != plot.consent_before else date(2025, 6, 3)
            customer_id = _FIRST_CUSTOMER + number
            rows.append((customer_id, _address(customer_id), _said(consent), changed_on))
    return rows


def _payments(customer_id: int, plot: Plot) -> list[Payment]:
    """Spread over the days from the beginning of the story to the last payment."""
    days = STORY_DAYS - plot.last_paid
    made = []
    for number in range(plot.payments):
        days_ago = plot.last_paid + (plot.payments - 1 - number) * days // max(plot.payments - 1, 1)
        made_at = at(days_ago, "10:00") + timedelta(minutes=11 * number)
        status = "declined" if number < plot.declined else "settled"
        changes = ((status, made_at + timedelta(hours=12)),)
        made.append(Payment(0, made_at, customer_id, 1 + customer_id % 97, plot.amount, changes))
    return made


def _address(customer_id: int) -> str:
    return f"customer{customer_id}@example.com"


def _said(consent: bool) -> str:
    return "true" if consent else "false"
