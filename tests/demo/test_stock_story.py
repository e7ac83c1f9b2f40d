"""Stock as the sample company counts it: what runs out was planted, and nothing else comes near."""

from __future__ import annotations

from collections import defaultdict

from alerting_pipeline.demo import stock
from alerting_pipeline.demo.calendar import past_days
from alerting_pipeline.demo.generate import DEFAULT_SEED

MOST_LEAD_DAYS, MOST_RESERVE = 10, 5


def planted() -> set[str]:
    return {label.entity["product_id"] for label in stock.planted_stock()}


def test_every_planted_product_is_counted_once() -> None:
    counted = [str(row[0]) for row in stock.stock_levels(DEFAULT_SEED) if row[0] in planted()]
    assert sorted(counted) == sorted(planted())


def test_ordinary_stock_lasts_for_weeks_whatever_is_sold() -> None:
    sold: dict[tuple[object, object], int] = defaultdict(int)
    for day in past_days(60):
        for _, product_id, warehouse, quantity, _ in stock.sales(DEFAULT_SEED, day, is_ordinary=True):
            sold[product_id, warehouse] = max(sold[product_id, warehouse], int(str(quantity)))
    for product_id, _, _, warehouse, _, _, on_hand, _ in stock.stock_levels(DEFAULT_SEED):
        if product_id not in planted():
            days = int(str(on_hand)) / (2 * sold[product_id, warehouse])  # a week twice as busy as the busiest day
            assert days > MOST_LEAD_DAYS + MOST_RESERVE


def test_the_story_sells_the_same_whatever_surrounds_it() -> None:
    for day in past_days(28):
        few = {tuple(row[1:4]) for row in stock.sales(DEFAULT_SEED, day, is_ordinary=False)}
        many = {tuple(row[1:4]) for row in stock.sales(7, day, is_ordinary=True) if row[1] in planted()}
        assert few == many
