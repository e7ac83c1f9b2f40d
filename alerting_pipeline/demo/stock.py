"""Stock, what is sold of it and what is on its way; with products that run out, and those that only look like it.

Every ordinary product has months of stock, whatever a day sells of it; the story's own products decide what fires.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from alerting_pipeline.demo.calendar import AS_OF, STORY_DAYS, day_before
from alerting_pipeline.demo.company import pick
from alerting_pipeline.demo.labels import Kind, Label

STOCK_COLUMNS = (
    "product_id", "product", "product_class", "warehouse", "status", "lead_days", "on_hand", "counted_on",
)  # fmt: skip
SALE_COLUMNS = ("order_id", "product_id", "warehouse", "quantity", "ordered_at")
PURCHASE_COLUMNS = ("purchase_order_id", "product_id", "warehouse", "quantity", "expected_on", "status")
_ALERT = "stock_runs_out"
_PRODUCTS = 40
_WAREHOUSES = ("Central", "North")
_NAMES = ("Kettle", "Lamp", "Rucksack", "Tent", "Thermos", "Toolbox", "Torch", "Umbrella", "Wok", "Yoga mat")
_WEEK = 7


@dataclass(frozen=True, slots=True)
class _Plot:
    """One case. `week` is what a usual week sells, Monday first; `growth` multiplies its last seven days.

    An arrival is (days from now; negative: it should have come by then, quantity, status).
    """

    kind: Kind
    why: str
    week: tuple[int, ...]
    on_hand: int
    lead_days: int
    growth: int = 1
    product_class: str = "b"
    status: str = "active"
    arrivals: tuple[tuple[int, int, str], ...] = ()


def _daily(quantity: int) -> tuple[int, ...]:
    return (quantity,) * _WEEK


_WEEKEND = (5, 5, 5, 5, 5, 60, 60)
_PLOTS = (
    _Plot("exception", "lasts four days, the next arrival is in nine", _daily(10), 45, 5, arrivals=((9, 200, "open"),)),
    _Plot("exception", "demand doubled this week; at the usual demand it would last", _daily(10), 150, 5, growth=2),
    _Plot("exception", "enough for a slow product, too little for a fast one", _daily(30), 330, 7, product_class="a"),
    _Plot("exception", "the arrival it relies on is overdue", _daily(12), 60, 4, arrivals=((-2, 500, "open"),)),
    _Plot("exception", "sold out for a week: nothing sold is not nothing wanted", _daily(8), 0, 3, growth=0),
    _Plot("exception", "the arrival it relied on was cancelled", _daily(6), 20, 3, arrivals=((1, 300, "cancelled"),)),
    _Plot("near_miss", "exactly the lead time and the days in reserve", _daily(10), 80, 5),
    _Plot("near_miss", "discontinued: it is meant to run out", _daily(5), 3, 10, status="discontinued"),
    _Plot("near_miss", "two days left, but more comes tomorrow", _daily(20), 40, 6, arrivals=((1, 1_000, "open"),)),
    _Plot("near_miss", "its season is over: nothing was sold this week", _daily(20), 30, 10, growth=0),
    _Plot("near_miss", "too little on average, but sold at weekends, and the weekend is far", _WEEKEND, 100, 3),
    _Plot("near_miss", "a slow product needs a single day in reserve", _daily(4), 32, 7, product_class="c"),
    _Plot("near_miss", "new: nothing in stock, nothing sold yet", _daily(0), 0, 5),
)


def planted_stock() -> list[Label]:
    """The labels of the story."""
    return [
        Label(
            _ALERT,
            {"product_id": _planted_id(number), "warehouse": "Central"},
            plot.kind,
            plot.why,
            to=("#supply",) if plot.kind == "exception" else (),
        )
        for number, plot in enumerate(_PLOTS)
    ]


def stock_levels(seed: int) -> Iterator[tuple[object, ...]]:
    """What was counted this morning, as STOCK_COLUMNS name it."""
    today = AS_OF.date()
    dice = Random(f"{seed}:stock")  # noqa: S311  (a story, not a secret)
    for number in range(1, _PRODUCTS + 1):
        for warehouse in _WAREHOUSES:
            lead_days = 2 + int(9 * dice.random())
            on_hand = 800 + int(600 * dice.random())
            product_class = pick(dice, ("a", "b", "b", "c"))
            yield f"P-{number:04}", _name(number), product_class, warehouse, "active", lead_days, on_hand, today
    for number, plot in enumerate(_PLOTS):
        facts = plot.product_class, "Central", plot.status, plot.lead_days, plot.on_hand, today
        yield _planted_id(number), _name(number), *facts


def sales(seed: int, day: date, *, is_ordinary: bool) -> list[tuple[object, ...]]:
    """What was sold on one day, as SALE_COLUMNS name it; without ordinary traffic, the story's part alone."""
    sold: list[tuple[str, str, int]] = []
    if is_ordinary:
        dice = Random(f"{seed}:sales:{day}")  # noqa: S311  (a story, not a secret)
        for number in range(1, _PRODUCTS + 1):
            for warehouse in _WAREHOUSES:
                sold.append((f"P-{number:04}", warehouse, 1 + int(9 * dice.random())))
    if day >= day_before(STORY_DAYS):
        is_last_week = day >= day_before(_WEEK)
        for number, plot in enumerate(_PLOTS):
            quantity = plot.week[day.weekday()] * (plot.growth if is_last_week else 1)
            if quantity:
                sold.append((_planted_id(number), "Central", quantity))
    return [
        (f"S-{day:%Y%m%d}-{serial:04}", product_id, warehouse, quantity, _at(day, serial))
        for serial, (product_id, warehouse, quantity) in enumerate(sold)
    ]


def purchases(seed: int) -> Iterator[tuple[object, ...]]:
    """What is on its way, as PURCHASE_COLUMNS name it."""
    dice = Random(f"{seed}:purchases")  # noqa: S311  (a story, not a secret)
    for number in range(1, _PRODUCTS + 1, 4):
        expected = AS_OF.date() + timedelta(days=5 + int(20 * dice.random()))
        yield f"B-{number:04}", f"P-{number:04}", pick(dice, _WAREHOUSES), 500, expected, "open"
    for number, plot in enumerate(_PLOTS):
        for days, quantity, status in plot.arrivals:
            expected = AS_OF.date() + timedelta(days=days)
            yield f"B-{9_000 + number}", _planted_id(number), "Central", quantity, expected, status


def _planted_id(number: int) -> str:
    return f"P-{9_000 + number}"


def _name(number: int) -> str:
    return f"{_NAMES[number % len(_NAMES)]} {number}"


def _at(day: date, serial: int) -> str:
    """During opening hours, the same for the same order."""
    instant = datetime.combine(day, time(8), UTC) + timedelta(minutes=serial * 5 % 720)
    return instant.isoformat()
