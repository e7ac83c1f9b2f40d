"""Delivery orders and what the carriers report, with the planted late ones and those that only look late.

Every ordinary order arrives before it was promised, or within minutes of it; the story's own orders decide what fires.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from alerting_pipeline.demo.calendar import AS_OF
from alerting_pipeline.demo.company import Customer, pick
from alerting_pipeline.demo.labels import Kind, Label

ORDERS_A_DAY = 200
ORDER_COLUMNS = ("delivery_id", "customer_id", "region", "carrier", "ordered_at", "promised_at")
_REGIONS = ("north", "south", "east", "west", "islands")
_CARRIERS = ("Blue Van", "Pedal Post", "Swift Parcel")
_ALERT = "late_delivery"
_TO = ("#logistics", "late_delivery_queue")


@dataclass(frozen=True, slots=True)
class Order:
    """One delivery order and the events reported of it; `promised_at` None: no promise was made."""

    delivery_id: str
    customer_id: int
    region: str
    carrier: str
    ordered_at: datetime
    promised_at: datetime | None
    events: tuple[tuple[str, datetime], ...]

    def as_row(self) -> tuple[object, ...]:
        """The order as ORDER_COLUMNS name it."""
        promised_at = self.promised_at.isoformat() if self.promised_at else None
        ordered_at = self.ordered_at.isoformat()
        return self.delivery_id, self.customer_id, self.region, self.carrier, ordered_at, promised_at


@dataclass(frozen=True, slots=True)
class _Plot:
    """One case, in minutes before AS_OF: promised (negative: still to come; None: never), delivered, cancelled."""

    kind: Kind
    region: str
    promised: int | None
    why: str
    is_picked_up: bool = True
    delivered: int | None = None
    cancelled: int | None = None


_PLOTS = (
    _Plot("exception", "north", 61, "a minute past its grace"),
    _Plot("exception", "south", 5 * 60, "five hours late"),
    _Plot("exception", "west", 30 * 60, "over a day late"),
    _Plot("exception", "east", 3 * 24 * 60, "three days late and never picked up", is_picked_up=False),
    _Plot("exception", "islands", 14 * 60, "two hours past the longer grace of the islands"),
    _Plot("near_miss", "north", 59, "a minute left of its grace"),
    _Plot("near_miss", "islands", 11 * 60, "an hour left of the longer grace of the islands"),
    _Plot("near_miss", "south", -15, "not due for another quarter of an hour", is_picked_up=False),
    _Plot("near_miss", "east", 26 * 60, "delivered a minute before the promised time", delivered=26 * 60 + 1),
    _Plot("near_miss", "west", 28 * 60, "four hours late, but it has arrived", delivered=24 * 60),
    _Plot("near_miss", "north", 10 * 60, "reported delivered only in tonight's file", delivered=30),
    _Plot("near_miss", "south", 2 * 24 * 60, "two days late, but cancelled before it was due", cancelled=3 * 24 * 60),
    _Plot("near_miss", "east", None, "no time was promised"),
)


def planted_orders() -> tuple[list[Order], list[Label]]:
    """The orders of the story and their labels."""
    orders, labels = [], []
    for number, plot in enumerate(_PLOTS):
        order = _planted(number, plot)
        orders.append(order)
        labels.append(Label(_ALERT, {"delivery_id": order.delivery_id}, plot.kind, plot.why, _TO))
    return orders, labels


def ordinary_orders(seed: int, day: date, customers: Sequence[Customer]) -> Iterator[Order]:
    """The ordinary orders of one day in the order of time."""
    dice = Random(f"{seed}:deliveries:{day}")  # noqa: S311  (a story, not a secret)
    count = int(ORDERS_A_DAY * (0.9 + 0.2 * dice.random()))
    minutes = sorted(int(7 * 60 + 13 * 60 * dice.random()) for _ in range(count))
    midnight = datetime.combine(day, time(), UTC)
    choices = tuple(customers)
    for serial, minute in enumerate(minutes):
        ordered_at = midnight + timedelta(minutes=minute)
        promised_at = (ordered_at + timedelta(hours=20 + 30 * dice.random())).replace(minute=0, second=0, microsecond=0)
        is_a_little_late = dice.random() < 0.02
        early = timedelta(minutes=-5 - 45 * dice.random() if is_a_little_late else 20 + 500 * dice.random())
        delivered_at = (promised_at - early).replace(microsecond=0)
        picked_up_at = delivered_at - timedelta(minutes=int(60 + 200 * dice.random()))
        yield Order(
            delivery_id=f"D-{day:%Y%m%d}-{serial:04}",
            customer_id=pick(dice, choices).customer_id,
            region=pick(dice, _REGIONS),
            carrier=pick(dice, _CARRIERS),
            ordered_at=ordered_at,
            promised_at=promised_at,
            events=(("picked_up", picked_up_at), ("delivered", delivered_at)),
        )


def reports(orders: Sequence[Order]) -> Iterator[tuple[date, dict[str, object]]]:
    """Each event up to now, with the day in whose file the carrier reports it."""
    for order in orders:
        for event, happened_at in order.events:
            if happened_at <= AS_OF:
                yield (
                    happened_at.date(),
                    {
                        "event_id": f"{order.delivery_id}-{event}",
                        "delivery_id": order.delivery_id,
                        "event": event,
                        "happened_at": happened_at.isoformat(),
                    },
                )


def _planted(number: int, plot: _Plot) -> Order:
    promised_at = None if plot.promised is None else AS_OF - timedelta(minutes=plot.promised)
    ordered_at = (promised_at or AS_OF) - timedelta(hours=30)
    events = [("picked_up", ordered_at + timedelta(hours=5))] if plot.is_picked_up else []
    for event, minutes in (("delivered", plot.delivered), ("cancelled", plot.cancelled)):
        if minutes is not None:
            events.append((event, AS_OF - timedelta(minutes=minutes)))
    return Order(
        delivery_id=f"D-{ordered_at:%Y%m%d}-{9_000 + number}",
        customer_id=1 + number * 31,
        region=plot.region,
        carrier=_CARRIERS[number % len(_CARRIERS)],
        ordered_at=ordered_at,
        promised_at=promised_at,
        events=tuple(events),
    )
