"""The planted card payments: each by a customer who appears for this alone, so that one case cannot disturb another.

For `large_transaction` the customers are new, so that nothing is known to be usual for them; for `unusual_transaction`
they have paid before, in amounts that make their average exact. Near misses miss by a cent, a payment or a status.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from alerting_pipeline.demo.calendar import STORY_DAYS, at
from alerting_pipeline.demo.company import Customer, person_name
from alerting_pipeline.demo.labels import Kind, Label
from alerting_pipeline.demo.payments import Payment

_FIRST_CUSTOMER = 9_001
_FIRST_SERIAL = 9_000  # of the payments of a day; ordinary ones stay below


@dataclass(frozen=True, slots=True)
class Plot:
    """One case: the payment it turns on, and what its customer paid before (`habit`, in turn) and `after`."""

    kind: Kind
    alert: str
    segment: str | None
    days_ago: int
    clock: str
    amount: float | None
    why: str
    status: str = "pending"
    habit: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    listed_before_as: str | None = None
    is_fraud: bool = False
    is_serious: bool = False

    @property
    def to(self) -> tuple[str, ...]:
        """Who must hear of it, should it fire."""
        return ("#risk", "fraud_review", *(("risk-mail",) if self.is_serious else ()))


_LARGE = "large_transaction"
_UNUSUAL = "unusual_transaction"


def _habit(low: float, high: float, payments: int = 12) -> tuple[float, ...]:
    return tuple(low if number % 2 else high for number in range(payments))


PLOTS = (
    Plot("exception", _LARGE, "retail", 1, "23:10", 104_000.0, "ten times the retail limit", is_fraud=True,
         is_serious=True),
    Plot("exception", _LARGE, "retail", 1, "09:45", 34_900.0, "three times the retail limit", is_fraud=True,
         is_serious=True),
    Plot("exception", _LARGE, "retail", 2, "14:20", 12_480.0, "over the retail limit"),
    Plot("exception", _LARGE, "premium", 5, "11:05", 61_000.0, "over the premium limit"),
    Plot("exception", _LARGE, "business", 9, "16:30", 128_000.0, "over the business limit"),
    Plot("exception", _LARGE, None, 4, "10:15", 10_000.01, "no segment: a cent over the default limit"),
    Plot("near_miss", _LARGE, "retail", 3, "12:00", 10_000.0, "exactly the retail limit"),
    Plot("near_miss", _LARGE, None, 6, "13:30", 9_999.99, "no segment: a cent under the default limit"),
    Plot("near_miss", _LARGE, "premium", 2, "15:40", 49_900.0, "over the retail limit, under the premium one"),
    Plot("near_miss", _LARGE, "business", 8, "08:20", 99_000.0, "over the premium limit, under the business one"),
    Plot("near_miss", _LARGE, "retail", 7, "17:55", 15_000.0, "over the limit, but settled", status="settled"),
    Plot("near_miss", _LARGE, "retail", 10, "10:10", 40_000.0, "over the limit, but reviewed", status="reviewed"),
    Plot("near_miss", _LARGE, "retail", 12, "19:25", 18_000.0, "over the limit, but declined", status="declined"),
    Plot("near_miss", _LARGE, "retail", 2, "18:00", None, "the amount is missing, which is not zero and not large"),
    Plot("near_miss", _LARGE, "premium", 3, "20:30", 30_000.0, "over the limit of the segment before the customer's "
         "upgrade, under the one in the newest customer list", listed_before_as="retail"),
    Plot("exception", _UNUSUAL, "retail", 3, "22:40", 480.0, "eight times the usual amount", habit=_habit(54, 66)),
    Plot("exception", _UNUSUAL, "retail", 1, "21:15", 620.0, "fifteen times the usual amount", habit=_habit(35, 45),
         is_fraud=True, is_serious=True),
    Plot("exception", _UNUSUAL, "premium", 6, "13:50", 1_400.0, "over nine times a premium customer's usual amount",
         habit=_habit(140, 160)),
    Plot("exception", _UNUSUAL, "business", 4, "07:35", 7_400.0, "over eight times a business's usual amount",
         habit=_habit(880, 920)),
    Plot("near_miss", _UNUSUAL, "retail", 2, "12:45", 360.0, "exactly six times the usual amount",
         habit=_habit(54, 66)),
    Plot("near_miss", _UNUSUAL, "retail", 5, "09:30", 299.99, "ten times the usual amount, a cent under the least "
         "amount", habit=_habit(28, 32)),
    Plot("near_miss", _UNUSUAL, "premium", 2, "16:10", 999.0, "eight times the usual amount, under the least amount "
         "for premium", habit=_habit(110, 130)),
    Plot("near_miss", _UNUSUAL, "retail", 4, "18:20", 500.0, "ten times the usual amount, one earlier payment too few",
         habit=_habit(50, 50, payments=9)),
    Plot("near_miss", _UNUSUAL, "retail", 6, "11:25", 700.0, "fourteen times the usual amount, but reviewed",
         habit=_habit(45, 55), status="reviewed"),
    Plot("near_miss", _UNUSUAL, "retail", 7, "20:05", 2_000.0, "a first payment: nothing is usual yet"),
    Plot("near_miss", _UNUSUAL, "retail", 5, "14:55", 550.0, "five and a half times what was usual then; only later "
         "payments bring the average down", habit=_habit(90, 110), after=(10.0,) * 30),
)  # fmt: skip


def planned_customers(newest_list: bool) -> list[Customer]:
    """The customers of the story, as the newest or an earlier customer list names them."""
    return [
        Customer(
            customer_id=_FIRST_CUSTOMER + number,
            name=person_name(number),
            segment=plot.segment if newest_list else plot.listed_before_as or plot.segment,
            country="NO",
            usual=0.0,
        )
        for number, plot in enumerate(PLOTS)
    ]


def planned_payments() -> tuple[list[Payment], list[Label]]:
    """Every payment of the story in the order of time, and the labels of those that it turns on."""
    payments: list[Payment] = []
    turning_points: list[tuple[Plot, Payment]] = []
    for number, plot in enumerate(PLOTS):
        before, turn, after = _payments(_FIRST_CUSTOMER + number, plot)
        payments += [*before, turn, *after]
        turning_points.append((plot, turn))
    payments.sort(key=lambda payment: (payment.made_at, payment.customer_id))
    numbered = _numbered(payments)
    labels = [
        Label(plot.alert, {"transaction_id": str(numbered[turn].transaction_id)}, plot.kind, plot.why, plot.to)
        for plot, turn in turning_points
    ]
    return [numbered[payment] for payment in payments], labels


def _payments(customer_id: int, plot: Plot) -> tuple[list[Payment], Payment, list[Payment]]:
    made_at = at(plot.days_ago, plot.clock)
    terminal = 1 + customer_id % 97
    change = () if plot.status == "pending" else ((plot.status, made_at + timedelta(hours=9)),)
    turn = Payment(0, made_at, customer_id, terminal, plot.amount, change, plot.is_fraud)
    days_of_habit = STORY_DAYS - plot.days_ago
    before = [
        _settled(customer_id, terminal, amount, STORY_DAYS - number * days_of_habit // len(plot.habit), number)
        for number, amount in enumerate(plot.habit)
    ]
    after = [
        _settled(customer_id, terminal, amount, max(1, plot.days_ago - 1 - number // 10), number)
        for number, amount in enumerate(plot.after)
    ]
    return before, turn, after


def _settled(customer_id: int, terminal: int, amount: float, days_ago: int, number: int) -> Payment:
    made_at = at(days_ago, "06:00") + timedelta(minutes=7 * number)
    return Payment(0, made_at, customer_id, terminal, amount, (("settled", made_at + timedelta(hours=20)),))


def _numbered(payments: list[Payment]) -> dict[Payment, Payment]:
    """Each payment with its number: they count from _FIRST_SERIAL on every day, whatever else is paid that day."""
    serials: dict[object, int] = {}
    numbered = {}
    for payment in payments:
        day = payment.made_at.date()
        serials[day] = serials.get(day, _FIRST_SERIAL - 1) + 1
        numbered[payment] = payment.numbered(serials[day])
    return numbered
