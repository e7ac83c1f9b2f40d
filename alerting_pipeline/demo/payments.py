"""Card payments and what becomes of them, a day at a time, in the format of the real feed.

Ordinary amounts stay between 0.4 and 2 times what the customer usually pays, so no ordinary payment is anywhere near
an alert; whatever fires beside the planted cases is a fault of the alerting.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from alerting_pipeline.demo.calendar import AS_OF
from alerting_pipeline.demo.company import TERMINALS, Customer, pick

PAYMENTS_A_DAY = 2_400
FEED_START = date(2020, 1, 1)
_A_DAY = 10_000  # numbers of payments reserved for a day
_FRAUD_SCENARIO = 3


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment with the changes of its status; `amount` None: the feed left it out."""

    transaction_id: int
    made_at: datetime
    customer_id: int
    terminal_id: int
    amount: float | None
    changes: tuple[tuple[str, datetime], ...] = ()
    is_fraud: bool = False

    def numbered(self, serial: int) -> Payment:
        """The payment with the number of its day and serial."""
        return replace(self, transaction_id=(self.made_at.date() - FEED_START).days * _A_DAY + serial)


def ordinary_payments(seed: int, day: date, customers: Sequence[Customer]) -> Iterator[Payment]:
    """The ordinary payments of one day in the order of time; fewer at weekends."""
    dice = Random(f"{seed}:payments:{day}")  # noqa: S311  (a story, not a secret)
    count = int(PAYMENTS_A_DAY * (0.7 if day.weekday() >= 5 else 1.0) * (0.95 + 0.1 * dice.random()))
    seconds = sorted(int(86_400 * (dice.random() + dice.random()) / 2) for _ in range(count))
    midnight = datetime.combine(day, time(), UTC)
    choices = tuple(customers)
    for serial, second in enumerate(seconds):
        customer = pick(dice, choices)
        made_at = midnight + timedelta(seconds=second)
        amount = round(customer.usual * (0.4 + 1.6 * (dice.random() + dice.random()) / 2), 2)
        settled_at = made_at + timedelta(seconds=int(72_000 + 36_000 * dice.random()))
        status = "settled" if dice.random() < 0.995 else "declined"
        terminal_id = 1 + int(dice.random() * TERMINALS)
        payment = Payment(0, made_at, customer.customer_id, terminal_id, amount, ((status, settled_at),))
        yield payment.numbered(serial)


def as_parquet(payments: Sequence[Payment]) -> bytes:
    """One day's payments as the feed delivers them, the labels of the investigators included."""
    import pyarrow as pa
    from pyarrow import parquet

    start = datetime.combine(FEED_START, time(), UTC)
    whole = pa.int64()
    table = pa.table(
        {
            "transaction_id": pa.array([p.transaction_id for p in payments], whole),
            "tx_datetime": pa.array([p.made_at.replace(tzinfo=None) for p in payments], pa.timestamp("ns")),
            "customer_id": pa.array([p.customer_id for p in payments], whole),
            "terminal_id": pa.array([p.terminal_id for p in payments], whole),
            "tx_amount": pa.array([p.amount for p in payments], pa.float64()),
            "tx_time_seconds": pa.array([int((p.made_at - start).total_seconds()) for p in payments], whole),
            "tx_time_days": pa.array([(p.made_at - start).days for p in payments], whole),
            "tx_fraud": pa.array([int(p.is_fraud) for p in payments], whole),
            "tx_fraud_scenario": pa.array([_FRAUD_SCENARIO if p.is_fraud else 0 for p in payments], whole),
        }
    )
    packed = io.BytesIO()
    parquet.write_table(table, packed, compression="snappy")
    return packed.getvalue()


def status_changes(payments: Sequence[Payment]) -> Iterator[tuple[date, dict[str, object]]]:
    """Each change of status up to now, with the day in whose file it is reported."""
    for payment in payments:
        for number, (status, changed_at) in enumerate(payment.changes):
            if changed_at <= AS_OF:
                yield (
                    changed_at.date(),
                    {
                        "event_id": f"s{payment.transaction_id}-{number}",
                        "transaction_id": payment.transaction_id,
                        "status": status,
                        "changed_at": changed_at.isoformat(),
                    },
                )
